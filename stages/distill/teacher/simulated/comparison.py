"""Knowledge of things on a scale: which of two stands higher?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from distill.settings.loader import Refused
from distill.teacher.simulated.knowledge import Habits, Luck, Opinion, RowSpan

# Factor on the chance of a slip, by the steps between the two things: near ones are harder.
_DIFFICULTY = {0: 1.3, 1: 1.4, 2: 1.0}
_DIFFICULTY_FAR = 0.7


@dataclass(frozen=True)
class Verdict:
    """The words for one result: the first thing is more than, less than, or the same as the second."""

    label: str
    conclusion: str
    paraphrases: tuple[str, ...]


@dataclass(frozen=True)
class Verdicts:
    more: Verdict
    less: Verdict
    same: Verdict


@dataclass(frozen=True)
class Step:
    """A step of the scale and the things on it."""

    name: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """The file: a question about {first} and {second}, and a scale with its least step first."""

    kind: Literal["comparison"]
    question: str
    rationale: str
    outcomes: Verdicts
    scale: tuple[Step, ...]
    teacher: Habits

    def __post_init__(self) -> None:
        if len(self.scale) < 2:
            raise Refused("scale", f"has {len(self.scale)} steps; at least 2 are needed")
        for mark in ("{first}", "{second}"):
            if self.question.count(mark) != 1:
                raise Refused("question", f"must show {mark} once")

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return self.outcomes.more.label, self.outcomes.less.label, self.outcomes.same.label

    @cached_property
    def paraphrases(self) -> dict[str, tuple[str, ...]]:
        return {o.label: o.paraphrases for o in (self.outcomes.more, self.outcomes.less, self.outcomes.same)}

    @cached_property
    def _form(self) -> re.Pattern[str]:
        before, between, after = (
            r"\s+".join(map(re.escape, text.split())) for text in re.split(r"\{first\}|\{second\}", self.question)
        )
        items = sorted((item for step in self.scale for item in step.items), key=len, reverse=True)
        listed = "|".join(map(re.escape, items))
        article, word, end = r"(?:(?:an?|the)\s+)?", r"[\w'-]+", rf"\s*{after}"
        first = rf"{article}({word}(?:\s+{word}){{0,3}}?)"
        # The end of the question may be lost: then a listed thing ends where it ends, and another one is a word.
        second = rf"{article}((?:{listed})\b|{word}(?:\s+{word}){{0,3}}?(?={end})|{word})(?:{end})?"
        return re.compile(rf"\b{before}\s+{first}\s+{between}\s+{second}", re.IGNORECASE)

    @cached_property
    def _steps(self) -> dict[str, int]:
        """The step on which the teacher believes each thing to stand."""
        steps = {}
        for step, (name, items) in enumerate((s.name, s.items) for s in self.scale):
            for item in items:
                luck = Luck(f"belief/{name}/{item}")
                off = 0
                if luck.chance("misjudged", self.teacher.misjudged):
                    off = 1 if luck.chance("up", 0.5) else -1
                steps[item.lower()] = step + off if 0 <= step + off < len(self.scale) else step - off
        return steps

    def find(self, text: str) -> list[RowSpan]:
        spans = []
        for match in self._form.finditer(text):
            first, second = (" ".join(thing.lower().split()) for thing in match.groups())
            in_order = self.question.index("{first}") < self.question.index("{second}")
            spans.append(RowSpan((first, second) if in_order else (second, first), *match.span()))
        return spans

    def opinion(self, row: RowSpan) -> Opinion:
        first, second = (self._step(thing) for thing in row.parts)
        gap = abs(first - second)
        more, less, same = self.classes
        luck = Luck("/".join(("mistake", *row.parts)))
        if gap == 0:
            label, mistake = same, luck.pick("side", (more, less))
        else:
            label, other = (more, less) if first > second else (less, more)
            mistake = same if luck.chance("same", 0.8 if gap == 1 else 0.3) else other
        names = f"the {row.parts[0]} and the {row.parts[1]}"
        return Opinion(label, mistake, _DIFFICULTY.get(gap, _DIFFICULTY_FAR), names)

    def reason(self, row: RowSpan, label: str, luck: Luck, *, named: bool) -> str:
        first, second = self._seen(*(self._step(thing) for thing in row.parts), label)
        form = (
            luck.pick("rationale", self.teacher.rationales)
            if self.teacher.rationales and luck.chance("form", 0.1)
            else self.rationale
        )
        text = form.format(
            first=self.scale[first].name, second=self.scale[second].name, conclusion=self._conclusion(label)
        )
        if named:
            for word, thing in zip(("first", "second"), row.parts, strict=True):
                text = re.sub(rf"\b([Tt]he) {word}\b", lambda match, thing=thing: f"{match[1]} {thing}", text)
        return text

    def vague(self, label: str, luck: Luck) -> str:
        return luck.pick("vague", self.teacher.vague).format(conclusion=self._conclusion(label))

    def _step(self, thing: str) -> int:
        step = self._steps.get(thing)
        return step if step is not None else int(Luck(f"unknown/{thing}").draw("step") * len(self.scale))

    def _conclusion(self, label: str) -> str:
        return next(
            o.conclusion for o in (self.outcomes.more, self.outcomes.less, self.outcomes.same) if o.label == label
        )

    def _seen(self, first: int, second: int, label: str) -> tuple[int, int]:
        """The steps that a rationale for `label` states: a near thing is seen on the wrong step, while over a
        wider gap the steps are right and the conclusion is wrong."""
        more, _, same = self.classes
        if abs(first - second) > 1:
            return first, second
        if label == same:
            return first, first
        wanted = first - 1 if label == more else first + 1
        if 0 <= wanted < len(self.scale):
            return first, wanted
        return (wanted + 2, first) if label == more else (wanted - 2, first)
