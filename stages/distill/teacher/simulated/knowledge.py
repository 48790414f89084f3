"""What every kind of knowledge offers, what the teacher is like whatever it knows, and its chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol, TypeVar

from distill.settings.loader import setting


@dataclass(frozen=True)
class Habits:
    """The file's `teacher` section: how imperfectly it knows and answers the task.

    misjudged: share of single facts that it has wrong for good. slips: share of wrong answers of a hasty
    teacher, before what the prompt asks for lowers it. refusals: share of answers refused. facts: words
    by which a prompt asks it to recall what it knows. rationales: other ways of putting a rationale.
    vague: rationales without a fact. fillers: what it adds when it rambles, {names} being the row's own
    words. clauses: how a proposed prompt may ask for the facts.
    """

    misjudged: float = setting(least=0, most=1)
    slips: float = setting(least=0, most=1)
    refusals: float = setting(least=0, most=1)
    facts: tuple[str, ...]
    rationales: tuple[str, ...]
    vague: tuple[str, ...]
    fillers: tuple[str, ...]
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowSpan:
    """A row of the task, found in a message. `parts` are the texts it is made of; `start` and `end` where."""

    parts: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the teacher believes of a row.

    mistake: the label of a slip. difficulty: factor on the chance of a slip, about 1 on average.
    names: the row's own words, as a rambling answer repeats them.
    """

    label: str
    mistake: str
    difficulty: float
    names: str


class Knowledge(Protocol):
    """One kind of knowledge."""

    classes: tuple[str, ...]
    paraphrases: dict[str, tuple[str, ...]]
    teacher: Habits

    def find(self, text: str) -> list[RowSpan]:
        """The rows shown in a text, in order."""

    def opinion(self, row: RowSpan) -> Opinion: ...

    def reason(self, row: RowSpan, label: str, luck: Luck, *, named: bool) -> str:
        """One sentence for a label; `named`: with the row's own words rather than by position."""

    def vague(self, label: str, luck: Luck) -> str:
        """One sentence for a label without a fact."""


_T = TypeVar("T")


class Luck:
    """Chance that repeats: a draw depends on the key and the draw's name alone, not on the order of draws."""

    __slots__ = ("key",)

    def __init__(self, key: str):
        self.key = key.encode()

    def draw(self, name: str) -> float:
        """A number from 0 to below 1."""
        return int.from_bytes(blake2b(self.key + b"\0" + name.encode(), digest_size=6).digest(), "big") / 2**48

    def chance(self, name: str, probability: float) -> bool:
        return self.draw(name) < probability

    def pick(self, name: str, options: Sequence[_T]) -> _T:
        return options[int(self.draw(name) * len(options))]
