"""From a table's cells to a row: which columns are shown, and what is wrong with them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator

from distill.answers.choices import lettered, place_of, with_choices
from distill.answers.matching import same_label
from distill.answers.parsing.numbers import canonical_number, read_number
from distill.errors import DataError
from distill.rows.records import Example
from distill.settings.task import TableSettings
from distill.tasks.normal_form import is_normal, normal
from distill.tasks.problems import named
from distill.tasks.text_files import Cells
from distill.templates import Template, TemplateError, render

Fault = tuple[str, str]


class Columns:
    """Reads rows as `task.table` says. Raises DataError on settings that do not fit together."""

    def __init__(self, table: TableSettings, decimal: str = "auto"):
        self.table, self.decimal = table, decimal
        self.classes = tuple(normal(name) for name in table.classes)
        self.aliases = {
            normal(alias).casefold(): normal(name) for name, aliases in table.aliases.items() for alias in aliases
        }
        self.names = {name: _field(name) for name in table.columns}
        if len(set(self.names.values())) < len(self.names):
            raise DataError(
                f"task.table.columns: {', '.join(table.columns)}: two of them have the same placeholder; rename one"
            )
        reserved = {"context" if table.context else "", "choices" if table.choices else ""}
        clash = reserved & set(self.names.values()) - {""}
        if clash:
            raise DataError(
                f"task.table.columns: a column called {clash.pop()!r} cannot be shown beside task.table's own;"
                " rename it"
            )
        try:
            if table.template is not None:
                Template("", table.template).check(self.names.values())
        except TemplateError as error:
            raise DataError(f"task.table.template: {error}") from error

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every column that is read, each once."""
        single = (self.table.label, self.table.rationale, self.table.id)
        return tuple(dict.fromkeys([*self.shown_columns, *(name for name in single if name)]))

    @property
    def shown_columns(self) -> tuple[str, ...]:
        """The columns that the input is made of, each once."""
        context = [self.table.context] if self.table.context else []
        return tuple(dict.fromkeys([*self.table.columns, *self.table.choices, *context]))

    @property
    def fields(self) -> tuple[str, ...]:
        """What a prompt may show."""
        extra = (("context", self.table.context), ("choices", self.table.choices))
        return (*self.names.values(), *(name for name, there in extra if there))

    @property
    def row_template(self) -> str:
        """How a prompt shows a row: the template, or a line a column, under its name."""
        if self.table.template is not None:
            return self.table.template
        return "\n".join(f"{_title(name)}: {{{field}}}" for name, field in self.names.items())

    def input(self, cells: Cells) -> str:
        """What the student reads. Context comes before the input, as in the prompts; a long row is cut at its end."""
        values = {field: _clean(cells[name]) for name, field in self.names.items()}
        if self.table.template is not None:
            text = render(self.table.template, values).strip() if any(values.values()) else ""
        elif len(values) == 1:
            text = next(iter(values.values()))
        else:
            text = (
                "\n".join(f"{_title(name)}: {values[field]}" for name, field in self.names.items())
                if any(values.values())
                else ""
            )
        choices = self.choices(cells)
        parts = "\n".join(part for part in (self._context(cells), text) if part)
        if not text:
            return ""
        return with_choices(parts, choices) if choices else parts

    def choices(self, cells: Cells) -> tuple[str, ...]:
        """The row's own answers: a column each, or one column with a JSON list or with answers between bars."""
        if not self.table.choices:
            return ()
        if len(self.table.choices) > 1:
            return tuple(text for name in self.table.choices if (text := _clean(cells[name])))
        return listed_choices(_clean(cells[self.table.choices[0]]))

    def label(self, cells: Cells) -> str | None:
        """The gold label; a choice may be given by its letter. None where the cell is empty."""
        text = _clean(cells[self.table.label]) if self.table.label else ""
        choices = self.choices(cells)
        place = place_of(text.strip("().")) if choices and text not in choices else None
        if place is not None and place < len(choices):
            return choices[place]
        return self._point_number(self.aliases.get(text.casefold(), text)) if text else None

    def _point_number(self, text: str) -> str:
        """A number with a decimal comma with a point instead, as all later stages read it; all else as it is."""
        if self.table.kind != "number" or self.decimal != "comma":
            return text
        try:
            return canonical_number(read_number(text, self.decimal))
        except ValueError:
            return text

    def rationale(self, cells: Cells) -> str | None:
        return _clean(cells[self.table.rationale]) or None if self.table.rationale else None

    def id(self, cells: Cells, input: str, part: str) -> str:
        """The id column's, else a hash of what the row shows; `part` tells equal rows of two given splits apart."""
        if self.table.id:
            return _clean(cells[self.table.id])
        return hashlib.sha256(("" if part == "train" else f"{part}\0").encode() + input.encode()).hexdigest()[:16]

    def example(self, cells: Cells, part: str, number: int) -> Example:
        """A sound row; `number` is its place in the part, from 0."""
        text, choices = self.input(cells), self.choices(cells)
        fields = {field: _clean(cells[name]) for name, field in self.names.items()}
        if self.table.context:
            fields["context"] = _clean(cells[self.table.context])
        if choices:
            fields["choices"] = lettered(choices)
        return Example(
            self.id(cells, text, part),
            text,
            fields,
            choices,
            self.label(cells),
            self.rationale(cells),
            f"{part}/{number}",
        )

    def is_normal(self, cells: Cells) -> bool:
        """Whether all that is read of a row is in Unicode's normal form already."""
        return all(is_normal(text) for name in self.wanted if (text := cells[name]))

    def unlabelled(self, cells: Cells, where: str, number: int) -> Example | None:
        """A row to be answered, with its label or without; None where it has no input. Raises DataError on its choices.

        `cells` may lack all but `shown_columns`.
        """
        cells = {**dict.fromkeys(self.wanted), **cells}
        text, choices = self.input(cells), self.choices(cells)
        if not text:
            return None
        if self.table.choices and len(choices) < 2:
            raise DataError(
                f"{where}: {len(choices)} answers to choose from in {named(self.table.choices)}; give two or more"
            )
        return Example((_clean(cells[self.table.id]) if self.table.id else "") or str(number), text, {}, choices)

    def faults(self, cells: Cells, input: str) -> Iterator[Fault]:
        """(what is wrong with a row, what to do)."""
        table = self.table
        if not input:
            if self.label(cells) is not None:
                yield "the input of a labelled row is empty", f"fill {named(table.columns)}, or drop the row"
            return
        if table.id and not _clean(cells[table.id]):
            yield f"the id in {table.id!r} is empty", "give one, or set task.table.id to null"
        choices, label = self.choices(cells), self.label(cells)
        if table.choices and len(choices) < 2:
            yield (
                f"{len(choices)} answers to choose from",
                f"give two or more in {named(table.choices)} (a JSON list, or with | between them)",
            )
        if label is None:
            return
        if choices and label not in choices:
            yield (
                f"the label {label!r} is none of the row's choices",
                "write a choice as it stands there, or its letter",
            )
        if self.classes and label not in self.classes:
            yield (
                f"the label {label!r} is none of the classes ({named(self.classes)})",
                "correct it, or add it to task.table.classes",
            )
        if table.kind == "number" and not same_label("number", label, label):
            yield f"the label {label!r} is no number", "write a number or an expression, or set task.table.kind to text"

    def _context(self, cells: Cells) -> str:
        text = _clean(cells[self.table.context]) if self.table.context else ""
        return f"Context: {text}" if text else ""


def listed_choices(text: str) -> tuple[str, ...]:
    """The choices in a cell: a JSON list, or answers between bars."""
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    items = values if isinstance(values, list) else text.split("|")
    return tuple(stripped for value in items if (stripped := str(value).strip()))


def _clean(text: str | None) -> str:
    return normal((text or "").strip())


def _field(name: str) -> str:
    field = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return field if not field[:1].isdigit() else f"_{field}"


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]
