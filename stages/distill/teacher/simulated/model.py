"""The simulated model: from the body of a request to the body of its answer, without a network."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from distill.settings.composing import composed, settings_text
from distill.settings.loader import SettingsError, load
from distill.teacher.simulated.answering import Answerer, SimulatedAnswer
from distill.teacher.simulated.comparison import Comparison
from distill.teacher.simulated.keywords import Keywords
from distill.teacher.simulated.knowledge import Knowledge, Luck
from distill.teacher.simulated.proposing import Proposer
from distill.teacher.simulated.protocol import Chat, Choice, completion, read_chat
from distill.teacher.simulated.tokens import count_pieces, cut_pieces, log_probabilities

# Raised with every change of what is answered: it is part of the model's identity.
VERSION = "2"


class Model:
    """Answers about rows of one task, and proposes prompts for it.

    identity: hash of the knowledge file's content and of VERSION: what answers depend on besides the
    request. Raises SettingsError on a file that cannot be used.
    """

    def __init__(self, path: Path):
        file = read_knowledge(path, VERSION)
        self.identity = file.identity
        self.knowledge = file.knowledge
        self._answerer = Answerer(file.knowledge)
        self._proposer = Proposer(file.knowledge)

    def reply(self, content: bytes, sample: str = "") -> dict[str, Any]:
        """The body of the answer to a request's body; `sample` tells repeated draws apart. Raises ApiError."""
        chat = read_chat(content, sample)
        code = hashlib.blake2b(chat.key.encode(), digest_size=12).hexdigest()
        choices = [self._choice(chat, index) for index in range(chat.n)]
        return completion(chat, choices, code=code, fingerprint=f"simulated-{self.identity[:8]}")

    def _choice(self, chat: Chat, index: int) -> Choice:
        # At temperature 0 neither seed nor sample counts, as with a real model, or nearly so.
        luck = Luck(chat.topic if chat.temperature == 0 else f"{chat.key}/{index}")
        proposal = self._proposer.proposal(chat, luck)
        answer = self._answerer.answer(chat, luck) if proposal is None else SimulatedAnswer(proposal, None, 0.0)
        if answer.refusal and chat.json:
            return Choice(None, "stop", count_pieces(answer.text), refusal=answer.text)
        text = answer.text
        for stop in chat.stop:
            text = text.split(stop, 1)[0]
        text, was_cut = cut_pieces(text, chat.limit)
        logprobs = None
        if chat.logprobs:
            logprobs = log_probabilities(
                text, answer.label, answer.confidence, self.knowledge.classes, chat.top_logprobs, luck
            )
        return Choice(text, "length" if was_cut else "stop", count_pieces(text), logprobs=logprobs)


_KNOWLEDGE_KINDS: dict[str, type] = {"comparison": Comparison, "keywords": Keywords}


@dataclass(frozen=True)
class KnowledgeFile:
    """A knowledge file that was read; `identity` stands for its content."""

    knowledge: Knowledge
    identity: str


def read_knowledge(path: Path, version: str) -> KnowledgeFile:
    """Reads a knowledge file. Raises SettingsError with file, line and key."""
    try:
        content = path.read_bytes()
        composed(settings_text(path), str(path))  # what is too deep or full of aliases is told before it is loaded
        values = yaml.load(content, Loader=yaml.CSafeLoader)
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}); teacher.path must name the simulated teacher's knowledge"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    kind = values.get("kind") if isinstance(values, dict) else None
    if kind not in _KNOWLEDGE_KINDS:
        raise SettingsError(f"{path}: kind: is {kind!r}; allowed: {', '.join(_KNOWLEDGE_KINDS)}")
    return KnowledgeFile(
        load(_KNOWLEDGE_KINDS[kind], path), hashlib.sha256(version.encode() + b"\0" + content).hexdigest()[:16]
    )
