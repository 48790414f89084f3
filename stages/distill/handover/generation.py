"""The folder's generation settings: with them a plain `generate` answers as the student's own predictions do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from distill.rows.files import read_object
from distill.student.plan import DECODER_ONLY, ENCODER_DECODER, TASK_MARKS, TASK_TOKENS, StudentPlan

GENERATION_FILE = "generation_config.json"
# Nats added to every token that goes on towards a class. It is more than any token is behind another, with so few
# digits that float32 keeps the differences among classes.
BIAS = 256.0


def generation_config(folder: Path, plan: StudentPlan) -> dict[str, Any]:
    """generation_config.json for the student in `folder`: greedy, no longer than an answer can be.

    Where the answers are classes and something in front of the answer marks its beginning, only a class can be written:
    behind that mark, `sequence_bias` lifts the tokens that lead to a class. Then plain generation differs from the
    student's own predictions, which score every class as a whole, only where classes share their first token.
    """
    own = read_object(folder / GENERATION_FILE)
    tokens = _Tokens(folder)
    config = {name: own[name] for name in ("bos_token_id", "pad_token_id", "transformers_version") if name in own}
    config.setdefault("pad_token_id", tokens.special("pad_token"))
    config |= {
        "eos_token_id": tokens.special("eos_token"),
        "do_sample": False,
        "num_beams": 1,
        "max_new_tokens": _longest(plan, tokens),
    }
    if plan.kind == ENCODER_DECODER:
        start = read_object(folder / "config.json")["decoder_start_token_id"]
        config["decoder_start_token_id"] = tokens.id(TASK_TOKENS["rationale"]) if plan.single_answer else start
    if plan.task_kind == "classes" and (front := _front(plan, tokens)):
        config["sequence_bias"] = [[list(sequence), BIAS] for sequence in _paths(front, plan, tokens)]
    return {name: value for name, value in config.items() if value is not None}


class _Tokens:
    """The folder's tokenizer, without torch or transformers."""

    def __init__(self, folder: Path):
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.config = read_object(folder / "tokenizer_config.json")

    def id(self, token: str) -> int | None:
        return self.tokenizer.token_to_id(token)

    def special(self, name: str) -> int | None:
        token = self.config.get(name)
        text = token.get("content") if isinstance(token, dict) else token
        return self.id(text) if text else None

    def ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids


def _longest(plan: StudentPlan, tokens: _Tokens) -> int:
    """The most tokens of an answer, as in the student's own predictions."""
    if not plan.single_answer:
        return plan.max_label_tokens
    between = 1 if plan.kind == ENCODER_DECODER else len(tokens.ids(TASK_MARKS["label"]))
    return plan.max_rationale_tokens + between + plan.max_label_tokens


def _front(plan: StudentPlan, tokens: _Tokens) -> list[int]:
    """The tokens behind which a label begins and nothing else does; none where a prefix tells the task."""
    if plan.kind == ENCODER_DECODER:
        begin = tokens.id(TASK_TOKENS["label"])
        return [] if plan.by_prefix or begin is None else [begin]
    # The line break may have merged with what stands before it.
    mark = tokens.ids(TASK_MARKS["label"])
    ends = [
        mark[place:]
        for place in range(len(mark))
        if tokens.tokenizer.decode(mark[place:]).strip() == TASK_MARKS["label"].strip()
    ]
    return ends[-1] if ends else []


def _paths(front: Sequence[int], plan: StudentPlan, tokens: _Tokens) -> Iterator[tuple[int, ...]]:
    """Every beginning of every class, the end token included, behind `front`; each once."""
    space = " " if plan.kind == DECODER_ONLY else ""
    end = tokens.special("eos_token")
    seen: set[tuple[int, ...]] = set()
    for label in plan.classes:
        ids = [*tokens.ids(space + label), *([] if end is None else [end])]
        for length in range(1, len(ids) + 1):
            path = (*front, *ids[:length])
            if path not in seen:
                seen.add(path)
                yield path
