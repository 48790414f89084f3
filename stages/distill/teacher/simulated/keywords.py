"""Knowledge of words that speak for a label: what is a text about?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from distill.settings.loader import Refused
from distill.teacher.simulated.knowledge import Habits, Luck, Opinion, RowSpan

# Factor on the chance of a slip, by how many words the best label is ahead of the next.
_DIFFICULTY = {0: 2.0, 1: 1.2}
_DIFFICULTY_CLEAR = 0.7
_SHOWN_WORDS = 2
_QUOTED = re.compile(r"[\"“«]([^\"”»]{12,})[\"”»]")


@dataclass(frozen=True)
class Label:
    """Words that speak for the label (lower case), and what a rationale says of it."""

    words: tuple[str, ...]
    reason: str
    paraphrases: tuple[str, ...]


@dataclass(frozen=True)
class Keywords:
    """The file: labels with their words.

    The row is what follows the last `marker` and a colon at the start of a line, to the next blank line;
    where there is none, the longest quotation; else the whole message. `rationale` has {words},
    {reason} and {conclusion}; `conclusion` has {label}.
    """

    kind: Literal["keywords"]
    marker: str
    rationale: str
    conclusion: str
    labels: dict[str, Label]
    teacher: Habits

    def __post_init__(self) -> None:
        if len(self.labels) < 2:
            raise Refused("labels", f"has {len(self.labels)} labels; at least 2 are needed")

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.labels)

    @cached_property
    def paraphrases(self) -> dict[str, tuple[str, ...]]:
        return {name: label.paraphrases for name, label in self.labels.items()}

    @cached_property
    def _marked(self) -> re.Pattern[str]:
        return re.compile(
            rf"^[ \t*#\"]*{re.escape(self.marker)}[ \t*\"]*:[ \t*]*\s?(.+?)(?=\n[ \t]*\n|\Z)",
            re.IGNORECASE | re.MULTILINE | re.DOTALL,
        )

    @cached_property
    def _words(self) -> dict[str, str]:
        """The label for which the teacher believes each word to speak."""
        believed = {}
        for name, label in self.labels.items():
            others = [other for other in self.classes if other != name]
            for word in label.words:
                luck = Luck(f"belief/{name}/{word}")
                believed[word.lower()] = (
                    luck.pick("other", others) if luck.chance("misjudged", self.teacher.misjudged) else name
                )
        return believed

    @cached_property
    def _word(self) -> re.Pattern[str]:
        longest_first = sorted(self._words, key=lambda word: (-len(word), word))
        return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b", re.IGNORECASE)

    def find(self, text: str) -> list[RowSpan]:
        spans = [match.span(1) for match in self._marked.finditer(text)]
        if not spans:
            spans = sorted((match.span(1) for match in _QUOTED.finditer(text)), key=lambda span: span[0] - span[1])[:1]
        # Where nothing sets the row apart, the message is both row and prompt.
        return [RowSpan((text[start:end].strip(),), start, end) for start, end in spans] or [
            RowSpan((text.strip(),), len(text), len(text))
        ]

    def opinion(self, row: RowSpan) -> Opinion:
        hits = self._hits(row)
        counts = {name: sum(self._words[word] == name for word in hits) for name in self.classes}
        luck = Luck(f"opinion/{row.parts[0].lower()}")
        ranked = sorted(self.classes, key=lambda name: (-counts[name], luck.draw(name)))
        ahead = counts[ranked[0]] - counts[ranked[1]]
        names = " and ".join(f"“{word}”" for word in hits[:_SHOWN_WORDS]) or "a message of this kind"
        return Opinion(ranked[0], ranked[1], _DIFFICULTY.get(ahead, _DIFFICULTY_CLEAR), names)

    def reason(self, row: RowSpan, label: str, luck: Luck, *, named: bool) -> str:
        own = [word for word in self._hits(row) if named or self._words[word] == label]
        words = " and ".join(f"“{word}”" for word in own[:_SHOWN_WORDS]) or "nothing that stands out"
        form = (
            luck.pick("rationale", self.teacher.rationales)
            if self.teacher.rationales and luck.chance("form", 0.1)
            else self.rationale
        )
        return form.format(
            words=words, reason=self.labels[label].reason, conclusion=self.conclusion.format(label=label)
        )

    def vague(self, label: str, luck: Luck) -> str:
        return luck.pick("vague", self.teacher.vague).format(conclusion=self.conclusion.format(label=label))

    def _hits(self, row: RowSpan) -> list[str]:
        """The known words of a row, in order, each once."""
        return list(dict.fromkeys(match[0].lower() for match in self._word.finditer(row.parts[0])))
