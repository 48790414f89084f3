"""A student at work: it reads rows from a file or a pipe, and its answers come as they are ready."""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from distill.errors import DataError
from distill.rows.records import Example
from distill.settings.task import TableSettings, TaskSettings
from distill.student.predicting import Student
from distill.student.token_cache import FEWEST
from distill.tasks.arrow_cells import Cells
from distill.tasks.choice_cells import listed_choices
from distill.tasks.columns import Columns
from distill.tasks.problems import Problems, named
from distill.tasks.text_files import TABLE_FORMATS, column_names, table_format, table_rows

INPUT_FORMATS = ("text", *TABLE_FORMATS)
# Batches that are read before any is answered: enough to group rows by length, few enough for any file.
BATCHES_TOGETHER = 16
# The most rows of them: the token cache would keep more texts, as if they were to be tokenized again.
ROWS_AT_ONCE = FEWEST // 2


def read_inputs(path: Path | None, style: str | None, task: TaskSettings) -> Iterator[Example]:
    """Rows of a file, or of standard input for None; `style` is one of INPUT_FORMATS, or None for the file's ending.

    A table with the columns of `task.table` is read as the task reads it: its template, choices and ids, with labels or
    without. A table with a column `input` gives that as it stands, with `id` and `choices` where they are there. Text
    is an input a line, and is refused for a task whose input has several parts. Rows without an id get their line's
    number; a row without input is passed over where the table is the task's. Raises DataError with file and line.
    """
    table = task.table if task.name == "table" else None
    style = style or (table_format(path) if path else None) or "text"
    if style == "text":
        if table is not None and (len(table.columns) > 1 or table.template or table.context or table.choices):
            names = ", ".join(Columns(table).shown_columns)
            raise DataError(
                f"text has one input a line, and the task's input is made of {names}: give a file with these columns "
                "(.csv, .tsv, .jsonl or .parquet), or one with `input` as in data/training/train.jsonl"
            )
        yield from _text_rows(path)
        return
    if path is None:
        with NamedTemporaryFile() as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
            file.flush()
            yield from _table_rows(Path(file.name), "standard input", style, table)
        return
    yield from _table_rows(path, str(path), style, table)


def _text_rows(path: Path | None) -> Iterator[Example]:
    try:
        with open(path, encoding="utf-8-sig") if path else nullcontext(sys.stdin) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield Example(str(number), line.strip(), {})
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; give a file of rows, or pipe them in") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path or 'standard input'}: not UTF-8 (byte {error.start}); save it as UTF-8") from error


def _table_rows(path: Path, name: str, style: str, table: TableSettings | None) -> Iterator[Example]:
    delimiter = table.delimiter if table else ","
    there = column_names(path, style, delimiter)
    columns = Columns(table) if table else None
    if columns is not None and set(columns.shown_columns) <= set(there):
        read, wanted = columns.unlabelled, [column for column in columns.wanted if column in there]
    elif "input" in there:
        read, wanted = _plain_row, [column for column in ("id", "input", "choices") if column in there]
    else:
        mark = next((mark for mark in ",;\t|" if len(there) == 1 and mark in there[0]), None)
        if mark is not None and style == "csv":
            raise DataError(
                f"{name}: has one column, {there[0]!r}: its cells seem to be separated by {mark!r}, and"
                f" task.table.delimiter is {delimiter!r}; save the file with that mark, or as .jsonl"
            )
        needed = f"the task's columns ({', '.join(columns.shown_columns)}), or " if columns else ""
        raise DataError(f"{name}: has the columns {named(there) or 'none'}; it needs {needed}`input`")
    problems = Problems(name)
    for number, cells in table_rows(path, style, wanted, delimiter, problems):
        problems.raise_any()
        example = read(cells, f"{name}:{number}", number)
        if example is not None:
            yield example
    problems.raise_any()


def _plain_row(cells: Cells, where: str, number: int) -> Example:
    text = (cells.get("input") or "").strip()
    if not text:
        raise DataError(f"{where}: no text in `input`")
    try:
        return Example(cells.get("id") or str(number), text, {}, listed_choices(cells.get("choices") or ""))
    except ValueError as error:
        raise DataError(f"{where}: {error}; write a JSON list of texts in `choices`") from error


def student_answers(student: Student, rows: Iterable[Example], explain: bool) -> Iterator[dict[str, Any]]:
    """{"id", "label", "probability", "rationale" where `explain`} of each row, in order, a few batches at a time.

    Raises DataError where the student cannot answer a row, or has learnt no rationales.
    """
    rows = iter(rows)
    together = max(student.rows_per_batch, min(BATCHES_TOGETHER * student.rows_per_batch, ROWS_AT_ONCE))
    while chunk := list(itertools.islice(rows, together)):
        rationales = student.explain(chunk) if explain else [None] * len(chunk)
        for row, (label, probability), rationale in zip(chunk, student.label(chunk), rationales, strict=True):
            answer = {"id": row.id, "label": label, "probability": round(probability, 6)}
            yield answer | {"rationale": rationale} if explain else answer
