from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from distill.settings.loader import MOST_SEED, Refused, setting

RowCount = int | Literal["all"]
# How many rows a setting takes; auto: by the number of labelled rows (distill.tasks.sizes).
AutoRows = int | Literal["auto"]


@dataclass(frozen=True)
class ClassSettings:
    """What else gold labels and answers call a class, and what it means. Either may be left out."""

    aliases: tuple[str, ...] = ()
    description: str | None = None


@dataclass(frozen=True)
class TableSettings:
    """One's own data: which column is what. A column of null is not there."""

    kind: Literal["classes", "choices", "number", "text"]
    description: str | None
    label: str | None
    columns: tuple[str, ...]
    classes: tuple[str, ...] | dict[str, ClassSettings]
    choices: tuple[str, ...]
    delimiter: str
    template: str | None
    context: str | None
    rationale: str | None
    id: str | None
    configuration: str | None
    similarity: float = setting(above=0, most=1)

    def __post_init__(self) -> None:
        if (self.kind == "choices") != bool(self.choices):
            raise Refused(
                "choices",
                f"is {list(self.choices)} and kind is {self.kind}: name the columns of answers for kind choices, "
                "or set it to [] for any other kind",
            )
        if self.classes and self.kind != "classes":
            raise Refused(
                "classes", f"is {list(self.classes)} and kind is {self.kind}: set kind to classes, or this to []"
            )
        if len(self.classes) == 1 or len(set(self.classes)) < len(self.classes):
            raise Refused(
                "classes", f"is {list(self.classes)}; allowed: [] for those in the data, or two or more, each once"
            )
        names = Counter(name.casefold() for name in [*self.classes, *sum(self.aliases.values(), ())])
        if repeated := [name for name, count in names.items() if count > 1 and self.aliases]:
            raise Refused(
                "classes", f"has {repeated[0]!r} twice; allowed: each class and alias once, whatever its case"
            )
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
            raise Refused("delimiter", f"is {self.delimiter!r}; allowed: one character, and no quote or line break")
        if self.label is not None and self.label in (*self.columns, self.context):
            raise Refused(
                "label",
                f"is {self.label!r}, which is shown as well: the answer would stand in the input. Take it out of"
                " task.table.columns and task.table.context, or set this to null",
            )

    @property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        """The aliases of each class that has some."""
        details = self.classes.items() if isinstance(self.classes, dict) else ()
        return {name: more.aliases for name, more in details if more.aliases}

    @property
    def meanings(self) -> dict[str, str]:
        """What each class means, of those that say so."""
        details = self.classes.items() if isinstance(self.classes, dict) else ()
        return {name: more.description.strip() for name, more in details if more.description}


@dataclass(frozen=True)
class TaskSettings:
    """What is to be learnt, from where, and how it is split."""

    name: str
    path: str
    train_rows: RowCount = setting(least=1)
    validation_rows: int | float | Literal["auto"] = setting(above=0)
    test_rows: int | float | Literal["all", "auto"] = setting(above=0)
    table: TableSettings
    hub: str | None
    revision: str | None
    decimal: Literal["auto", "point", "comma"]
    overlap: Literal["refuse", "drop_from_train", "allow"]
    seed: int = setting(least=0, most=MOST_SEED)

    def __post_init__(self) -> None:
        if isinstance(self.validation_rows, float) and self.validation_rows >= 1:
            raise Refused(
                "validation_rows",
                f"is {self.validation_rows}; allowed: a count of rows, a share of train below 1, or auto",
            )
        if isinstance(self.test_rows, float) and (self.test_rows >= 1 or self.name != "table"):
            raise Refused(
                "test_rows",
                f"is {self.test_rows}; allowed: a count of rows, all or auto, "
                "and for table a share below 1 of the labelled rows",
            )
        if self.hub and not self.revision:
            raise Refused("revision", "is empty; a hub data set needs the commit hash that it is pinned to")
        if self.name == "table" and not self.table.columns:
            raise Refused("table.columns", "is empty; name the columns that the input is made of")
        if self.name == "table" and not (self.table.description or "").strip():
            raise Refused("table.description", "is empty; say in one sentence what is to be decided")
