"""What a task is: rows with ids in three splits, and what is said about them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from distill.rows.records import Example, TaskCard
from distill.settings.task import TaskSettings
from distill.tasks.normal_form import normal_example
from distill.templates import Template


class Task(ABC):
    """One data set. A subclass fills the class attributes and says how its rows are read.

    `aliases` are what else classes are called in answers, `meanings` what classes mean. `cut_elsewhere`: its splits
    come as they were published, so that an input in two of them is counted and not refused. `notices`: what `splits`
    found that a person should know. `rows_normalized`: how many rows `normal` changed.
    """

    name: str
    kind: str
    description: str
    classes: tuple[str, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    meanings: Mapping[str, str] = MappingProxyType({})
    fields: tuple[str, ...]
    explain: Template
    label_only: Template
    cut_elsewhere: bool = False

    def __init__(self, settings: TaskSettings):
        self.settings = settings
        self.notices: list[str] = []
        self.rows_normalized = 0

    @abstractmethod
    def splits(self) -> Mapping[str, Sequence[Example]]:
        """Rows of "train", "validation" and "test", cut before anything is subsampled.

        A sequence that is no list holds its rows in the order of their ids. Raises DataError with file and
        line on rows that cannot be used.
        """

    def normal(self, example: Example) -> Example:
        """The row with all its texts in Unicode's normal form C (NFC), counted where that changes it.

        Two spellings of one text, as é and e with an accent of its own, would be two labels, and two inputs.
        """
        row = normal_example(example)
        self.rows_normalized += row is not example
        return row

    def report(self) -> dict[str, Any]:
        """What else metrics/prepare.json says of the rows, once `splits` was called."""
        return {}

    def card(self) -> TaskCard:
        """What later stages need to know of the task, once `splits` was called."""
        prompts = {
            "explain": {"system": self.explain.system, "user": self.explain.user},
            "label": {"system": self.label_only.system, "user": self.label_only.user},
        }
        return TaskCard(
            self.name,
            self.kind,
            self.description,
            self.fields,
            prompts,
            self.classes,
            self.settings.decimal,
            dict(self.aliases),
            dict(self.meanings),
        )
