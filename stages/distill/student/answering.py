"""A student at work: rows from a file or a pipe, answers as they come."""

from __future__ import annotations

import csv
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO, TypeVar

from distill.errors import DataError
from distill.rows.files import json_lines
from distill.rows.records import Example
from distill.student.predicting import Student
from distill.student.token_cache import LEAST

Row = TypeVar("Row")

# Batches that are read before any is answered: enough to group rows by length, few enough for any file.
BATCHES = 16
# Rows, however many a batch has: so many texts at once would be kept as if they were to be tokenized again.
ROWS = LEAST // 2


def read_inputs(path: Path | None, style: str | None) -> Iterator[Example]:
    """Rows of a file, or of standard input for None; `style` is one of FORMATS, or None for the file's ending.

    Blank lines are passed over. A row without an id gets the number of its line. Raises DataError with file
    and line on a file that is not there, and on a row that is not of the format or has no input.
    """
    style = style or (path.suffix.removeprefix(".") if path and path.suffix in (".jsonl", ".csv") else "text")
    if path is None:
        yield from FORMATS[style](sys.stdin, "standard input")
        return
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            yield from FORMATS[style](file, str(path))
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; give a file of rows, or pipe them in") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error


def answers(student: Student, rows: Iterable[Example], explain: bool) -> Iterator[dict[str, Any]]:
    """{"id", "label", "probability", "rationale" where `explain`} of each row, in order, a few batches at a time.

    Raises DataError where the student cannot answer a row, or has learnt no rationales.
    """
    rows = iter(rows)
    together = max(student.rows_per_batch, min(BATCHES * student.rows_per_batch, ROWS))
    while chunk := list(itertools.islice(rows, together)):
        rationales = student.explain(chunk) if explain else [None] * len(chunk)
        for row, (label, probability), rationale in zip(chunk, student.label(chunk), rationales, strict=True):
            answer = {"id": row.id, "label": label, "probability": round(probability, 6)}
            yield answer | {"rationale": rationale} if explain else answer


def timed(rows: Iterable[Row], stream: TextIO, every: float = 5.0) -> Iterator[Row]:
    """The rows as they come; how many there were and how many a second is told every so many seconds, and
    at the end.
    """
    started = shown = time.monotonic()
    count = 0
    for count, row in enumerate(rows, 1):
        yield row
        now = time.monotonic()
        if now - shown >= every:
            shown = now
            _tell(stream, count, now - started)
    _tell(stream, count, time.monotonic() - started)


def _tell(stream: TextIO, count: int, seconds: float) -> None:
    print(f"predict: {count:,} rows, {count / max(seconds, 1e-9):,.0f} rows/s", file=stream, flush=True)


def _text(file: TextIO, name: str) -> Iterator[Example]:
    for number, line in enumerate(file, 1):
        if line.strip():
            yield Example(str(number), line.strip(), {})


def _jsonl(file: TextIO, name: str) -> Iterator[Example]:
    for number, values in json_lines(file, name):
        yield _row(values, values.get("choices") or [], f"{name}:{number}", number)


def _csv(file: TextIO, name: str) -> Iterator[Example]:
    reader = csv.DictReader(file)
    for values in reader:
        choices = [choice.strip() for choice in (values.get("choices") or "").split("|") if choice.strip()]
        yield _row(values, choices, f"{name}:{reader.line_num}", reader.line_num)


def _row(values: dict[str, Any], choices: Any, where: str, number: int) -> Example:
    text = values.get("input")
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{where}: no text in `input`; there is {', '.join(str(key) for key in values)}")
    if not isinstance(choices, list) or not all(isinstance(choice, str) and choice for choice in choices):
        raise DataError(f"{where}: choices is {json.dumps(choices)[:80]}; it must be a list of texts")
    return Example(str(values.get("id") or number), text, {}, tuple(choices))


FORMATS: dict[str, Callable[[TextIO, str], Iterator[Example]]] = {"text": _text, "jsonl": _jsonl, "csv": _csv}
