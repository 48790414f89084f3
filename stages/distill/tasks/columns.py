"""From a table's cells to a row: which columns are shown, and what is wrong with them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from distill.answers.choices import lettered, place_of, with_choices
from distill.answers.matching import same_label
from distill.answers.parsing.numbers import canonical_number, read_number
from distill.errors import DataError
from distill.rows.records import Example
from distill.settings.task import TableSettings
from distill.tasks.arrow_cells import Cells, Unreadable
from distill.tasks.choice_cells import named_choices
from distill.tasks.labels import label_faults, label_form, whole_number
from distill.tasks.normal_form import is_normal, normal
from distill.tasks.problems import in_quotes, named
from distill.templates import Template, TemplateError, render

Fault = tuple[str, str]


class Columns:
    """Reads rows as `task.table` says. Raises DataError on settings that do not fit together."""

    def __init__(self, table: TableSettings, decimal: str = "auto"):
        self.table, self.decimal = table, decimal
        self.classes = tuple(normal(name) for name in table.classes)
        self._by_form = _by_form(self.classes, table.aliases)
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
        """The row's own answers: a column each, or one column with all of them."""
        return tuple(choice for _, choice in self._choices(cells))

    def _choices(self, cells: Cells) -> list[tuple[str, str]]:
        if not self.table.choices:
            return []
        if len(self.table.choices) > 1:
            return [("", text) for name in self.table.choices if (text := _clean(cells[name]))]
        try:
            return named_choices(_clean(cells[self.table.choices[0]]))
        except ValueError:  # one of the row's faults
            return []

    def label(self, cells: Cells) -> str | None:
        """The gold label; a choice may be given by its letter, or by the name that the data gives it. None where the
        cell is empty."""
        text = _clean(cells[self.table.label]) if self.table.label else ""
        if not text:
            return None
        if self.table.kind == "classes":
            return self._class(text)
        return self._point_number(_choice_called(text, self._choices(cells)))

    def is_shortened(self, cells: Cells) -> bool:
        """Whether the label is a number that is written as 1.0 and read as 1."""
        text = _clean(cells[self.table.label]) if self.table.label and self.table.kind == "classes" else ""
        return whole_number(text) != text != self.label(cells)

    def _class(self, text: str) -> str:
        if text in self.classes:
            return text
        return self._by_form.get(label_form(text)) or (text if self.classes else whole_number(text))

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
        for fault, what_to_do in self._faults_of(choices):
            raise DataError(f"{where}: {fault}; {what_to_do}")
        return Example((_clean(cells[self.table.id]) if self.table.id else "") or str(number), text, {}, choices)

    def faults(self, cells: Cells, input: str) -> Iterator[Fault]:
        """(what is wrong with a row, what to do)."""
        table = self.table
        for name in self.wanted:
            if isinstance(cell := cells[name], Unreadable):
                yield f"column {name!r} {cell}", "mend the cell, or drop the row"
        if not input:
            if self.label(cells) is not None:
                yield "the input of a labelled row is empty", f"fill {named(table.columns)}, or drop the row"
            return
        if table.id and not _clean(cells[table.id]):
            yield f"the id in {table.id!r} is empty", "give one, or set task.table.id to null"
        choices, label = self.choices(cells), self.label(cells)
        if len(table.choices) == 1 and not choices:
            try:
                named_choices(_clean(cells[table.choices[0]]))
            except ValueError as error:
                yield str(error), f"write a JSON list of texts in {table.choices[0]}, or answers with | between them"
                return
        yield from self._faults_of(choices)
        if label is None:
            return
        if choices and label not in choices:
            yield (
                f"the label {in_quotes(label)} is none of the row's choices",
                "write a choice as it stands there, or its letter",
            )
        if self.classes and label not in self.classes:
            yield (
                f"the label {in_quotes(label)} is none of the classes ({named(self.classes)})",
                "correct it, or add it to task.table.classes",
            )
        if table.kind == "classes":
            yield from ((f"the label {in_quotes(label)} {what}", do) for what, do in label_faults(label))
        if table.kind == "number" and not same_label("number", label, label):
            yield (
                f"the label {in_quotes(label)} is no number",
                "write a number or an expression, or set task.table.kind to text",
            )

    def _faults_of(self, choices: Sequence[str]) -> Iterator[Fault]:
        if self.table.choices and len(choices) < 2:
            yield (
                f"{len(choices)} answers to choose from",
                f"give two or more in {named(self.table.choices)} (a JSON list, or with | between them)",
            )
        for choice, times in Counter(choices).items():
            if times > 1:
                yield f"the choice {in_quotes(choice)} is there {times} times", "keep it once, or drop the row"

    def _context(self, cells: Cells) -> str:
        text = _clean(cells[self.table.context]) if self.table.context else ""
        return f"Context: {text}" if text else ""


def _by_form(classes: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Classes by the forms of their names and aliases, but for forms that two names share."""
    shared = Counter(map(label_form, classes))
    by_form = {label_form(alias): normal(name) for name, others in aliases.items() for alias in others}
    return by_form | {label_form(name): name for name in classes if shared[label_form(name)] == 1}


def _choice_called(text: str, choices: Sequence[tuple[str, str]]) -> str:
    """The choice that is called by the name that the data gives it, by its text or by its letter; else the text."""
    called = text.strip("().")
    for name, choice in choices:
        if name and name == called:
            return choice
    texts = [choice for _, choice in choices]
    place = place_of(called) if texts and text not in texts else None
    return texts[place] if place is not None and place < len(texts) else text


def _clean(text: str | None) -> str:
    return normal((text or "").strip())


def _field(name: str) -> str:
    field = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return field if not field[:1].isdigit() else f"_{field}"


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]
