"""The optimizer model: reads a meta-prompt and proposes a prompt, as OPRO (arXiv 2309.03409) has it.

It crosses the best prompts that it is shown and changes a clause or two. As real models do, it sometimes
forgets a placeholder or the tags, repeats an old prompt, or is too long.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from distill.teacher.simulated.clauses import FAMILIES, bank, family, prompt_sentences
from distill.teacher.simulated.knowledge import Knowledge, Luck
from distill.teacher.simulated.protocol import Chat
from distill.teacher.simulated.traits import Reader

# Shares of proposals that are spoilt, by how.
NO_PLACEHOLDER, NO_TAGS, REPEATS, TOO_LONG = 0.04, 0.04, 0.04, 0.03
# Share of proposals made from nothing, and the share of families that such a one has.
FRESH, FRESH_FAMILIES = 0.15, 0.6
# Chance of each change beyond the first at temperature 1, and of a change being an omission.
MORE_CHANGES, OMITS = 0.45, 0.12
# Families that a crossing never loses: a model that reads the task asks for these.
_KEPT = ("facts", "format")
_MOST_CHANGES, _PARENTS, _PADDING = 4, 5, 16

_BLOCK = re.compile(r"<PROMPT>(.*?)</PROMPT>", re.DOTALL | re.IGNORECASE)
_SCORE = re.compile(r"\bscore\b\D{0,12}(-?\d+(?:\.\d+)?)", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
_SHORTER = re.compile(r"\b(?:shorter|shorten|compress\w*|fewer (?:words|tokens))\b", re.IGNORECASE)
_PREFACES = ("", "Here is a new prompt.\n\n", "I combined what worked best so far:\n")

_Parts = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class MetaPrompt:
    """What a meta-prompt shows: earlier prompts with their scores, best first, and the placeholders it names."""

    prompts: tuple[str, ...]
    placeholders: tuple[str, ...]
    shorter: bool


class Proposer:
    """Proposes prompts for one task."""

    def __init__(self, knowledge: Knowledge):
        self.reader = Reader(knowledge.classes, knowledge.teacher.facts)
        self.bank = bank(knowledge.teacher.clauses, knowledge.classes)

    def proposal(self, chat: Chat, luck: Luck) -> str | None:
        """The answer to a meta-prompt; None where the last message of the user is no meta-prompt."""
        text = next((text for role, text in reversed(chat.turns) if role == "user"), "")
        if "<PROMPT>" not in text or "</PROMPT>" not in text:
            return None
        meta = read_meta(text)
        spoilt = luck.draw("spoilt")
        if spoilt < REPEATS and meta.prompts:
            return _tagged(meta.prompts[0], luck)
        spoilt -= REPEATS
        if 0 <= spoilt < NO_PLACEHOLDER:
            return _tagged(self._written(self._parts(meta, luck, chat.temperature), (), luck), luck)
        written = self._written(self._parts(meta, luck, chat.temperature), meta.placeholders, luck)
        spoilt -= NO_PLACEHOLDER
        if 0 <= spoilt < NO_TAGS:
            return written
        spoilt -= NO_TAGS
        if 0 <= spoilt < TOO_LONG:
            every = [clause for clauses in self.bank.values() for clause in clauses]
            written = " ".join((written, *(luck.pick(f"padding {i}", every) for i in range(_PADDING))))
        return _tagged(written, luck)

    def _parts(self, meta: MetaPrompt, luck: Luck, heat: float) -> _Parts:
        """The clauses of a new prompt, by family."""
        if meta.shorter and meta.prompts:
            return self._shortened(self._taken(meta.prompts[0]), luck)
        if not meta.prompts or luck.chance("fresh", FRESH * min(1.0, heat)):
            return {
                name: [luck.pick(f"fresh {name}", clauses)]
                for name, clauses in self.bank.items()
                if luck.chance(f"has {name}", FRESH_FAMILIES) or name in _KEPT
            }
        best = meta.prompts[:_PARENTS]
        # The square favours the best.
        places = (int(len(best) * luck.draw(name) ** 2) for name in ("one", "other"))
        parents = [self._taken(best[place]) for place in places]
        parts: _Parts = {}
        for name in FAMILIES:
            first, second = parents if luck.chance(f"from {name}", 0.6) else reversed(parents)
            parts[name] = first.get(name) or (second.get(name, []) if name in _KEPT else [])
        return self._changed(parts, luck, heat)

    def _changed(self, parts: _Parts, luck: Luck, heat: float) -> _Parts:
        for change in range(_MOST_CHANGES):
            if change and not luck.chance(f"change {change}", MORE_CHANGES * heat):
                break
            name = luck.pick(f"family {change}", list(self.bank))
            omits = luck.chance(f"omit {change}", OMITS) and name not in _KEPT
            parts[name] = [] if omits else [luck.pick(f"clause {change}", self.bank[name])]
        return parts

    def _shortened(self, parts: _Parts, luck: Luck) -> _Parts:
        spare = [name for name in ("role", "other", "care", "commitment", "length", "labels") if parts.get(name)]
        if spare:
            parts[luck.pick("spare", spare)] = []
        return parts

    def _taken(self, prompt: str) -> _Parts:
        """An earlier prompt's clauses, by family."""
        parts: _Parts = {}
        for sentence in prompt_sentences(prompt):
            parts.setdefault(family(sentence, self.reader), []).append(sentence)
        return parts

    def _written(self, parts: _Parts, placeholders: tuple[str, ...], luck: Luck) -> str:
        text = " ".join(sentence for name in FAMILIES for sentence in parts.get(name, []))
        if not placeholders:
            return text
        titled = luck.chance("titles", 0.5) or len(placeholders) > 1
        inputs = "\n".join(
            f"{name.replace('_', ' ').capitalize()}: {{{name}}}" if titled else f"{{{name}}}" for name in placeholders
        )
        return f"{inputs}\n\n{text}" if luck.chance("row first", 0.5) else f"{text}\n\n{inputs}"


def read_meta(text: str) -> MetaPrompt:
    """Reads a meta-prompt: prompts between <PROMPT> and </PROMPT>, each with the next score after it."""
    blocks = list(_BLOCK.finditer(text))
    scored = []
    for index, block in enumerate(blocks):
        until = blocks[index + 1].start() if index + 1 < len(blocks) else len(text)
        score = _SCORE.search(text, block.end(), until)
        if score:
            scored.append((float(score[1]), index, block[1].strip()))
    around = _BLOCK.sub(" ", text)
    named = _PLACEHOLDER.findall(around) or _PLACEHOLDER.findall(text)
    prompts = tuple(prompt for _, _, prompt in sorted(scored, reverse=True))
    return MetaPrompt(prompts, tuple(dict.fromkeys(named)), bool(_SHORTER.search(around)))


def _tagged(prompt: str, luck: Luck) -> str:
    return f"{luck.pick('preface', _PREFACES)}<PROMPT>\n{prompt}\n</PROMPT>"
