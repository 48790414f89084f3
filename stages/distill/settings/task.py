from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from distill.settings.loader import Refused, setting

Rows = int | Literal["all"]


@dataclass(frozen=True)
class TableSettings:
    """One's own data: which column is what. A column of null is not there."""

    kind: Literal["classes", "choices", "number", "text"]
    description: str
    columns: tuple[str, ...]
    template: str | None
    context: str | None
    label: str | None
    classes: tuple[str, ...]
    choices: tuple[str, ...]
    rationale: str | None
    id: str | None
    delimiter: str
    configuration: str | None
    similarity: float = setting(above=0, most=1)

    def __post_init__(self) -> None:
        if not self.columns:
            raise Refused("columns", "is empty; name at least one column that the input is made of")
        if (self.kind == "choices") != bool(self.choices):
            raise Refused("choices", f"is {list(self.choices)} and kind is {self.kind}; kind choices needs columns of answers, and no other kind has them")
        if self.classes and self.kind != "classes":
            raise Refused("classes", f"is {list(self.classes)} and kind is {self.kind}; only kind classes has them")
        if len(self.classes) == 1 or len(set(self.classes)) < len(self.classes):
            raise Refused("classes", f"is {list(self.classes)}; allowed: [] for those found, or two or more, each once")
        if len(self.delimiter) != 1:
            raise Refused("delimiter", f"is {self.delimiter!r}; allowed: one character")


@dataclass(frozen=True)
class TaskSettings:
    """What is to be learnt, from where, and how it is split."""

    name: str
    path: str
    hub: str | None
    revision: str | None
    train_rows: Rows = setting(least=1)
    validation_rows: int | float = setting(above=0)
    test_rows: int | float | Literal["all"] = setting(above=0)
    seed: int = setting(least=0)
    table: TableSettings

    def __post_init__(self) -> None:
        if isinstance(self.validation_rows, float) and self.validation_rows >= 1:
            raise Refused("validation_rows", f"is {self.validation_rows}; allowed: a count of rows, or a share of train below 1")
        if isinstance(self.test_rows, float) and (self.test_rows >= 1 or self.name != "table"):
            raise Refused("test_rows", f"is {self.test_rows}; allowed: a count of rows or all, and for table a share below 1 of the labelled rows")
        if self.hub and not self.revision:
            raise Refused("revision", "is empty; a hub data set needs the commit hash it is pinned to")
