"""Files of rows (CSV, TSV, JSONL, Parquet), row by row, as texts: faults are gathered with their lines, and reading
goes on. Whoever reads a table reads it here: the tasks, predict.py and start.py."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.rows.files import other_kind
from distill.rows.strict_json import strict_json
from distill.tasks.arrow_cells import Cells, Unreadable, cell_text, parquet_columns, parquet_rows
from distill.tasks.problems import BROKEN, Problems, missing_columns

LONGEST_CELL = 10_000_000  # characters
TABLE_FORMATS = ("csv", "tsv", "jsonl", "parquet")
TABLE_ENDINGS = ", ".join(f".{style}" for style in TABLE_FORMATS)


def table_format(path: Path) -> str | None:
    """The one of TABLE_FORMATS that a file's name ends with, in small letters or capitals; None where it has none."""
    style = path.suffix.lower().removeprefix(".")
    return style if style in TABLE_FORMATS else None


def table_rows(
    path: Path, style: str | None, wanted: Sequence[str], delimiter: str, problems: Problems, prefix: str = ""
) -> Iterator[tuple[int, Cells]]:
    """(line, or of Parquet the row's number from 1; the wanted columns as texts) of a file in one of TABLE_FORMATS.

    `delimiter` is that of csv. `prefix` names the file in problems.
    """
    rows: Iterator[tuple[int, Cells]]
    try:
        if unfit := _unfit(path, style):
            problems.add(f"{prefix}the file {unfit[0]}", unfit[1], fatal=True)
            return
        if style == "parquet":
            rows = parquet_rows(path, wanted, problems, prefix)
        elif style == "jsonl":
            rows = _json_rows(path, wanted, problems, prefix)
        else:
            rows = _csv_rows(path, wanted, "\t" if style == "tsv" else delimiter, problems, prefix)
        word = "row" if style == "parquet" else "line"
        for number, cells in rows:
            yield number, _sound(cells, problems, f"{prefix}{word} {number}")
    except OSError as error:
        problems.add(f"{prefix}the file cannot be read ({error.strerror})", "give a file that can be read", fatal=True)


def column_names(path: Path, style: str | None, delimiter: str, *, of_text: bool = False) -> tuple[str, ...]:
    """The columns of a file in one of TABLE_FORMATS: its header, the keys of its first objects, or its schema; of a
    schema those alone that can be read as text, where `of_text`. Raises DataError.
    """
    try:
        if unfit := _unfit(path, style):
            raise DataError(f"{path}: {unfit[0]}; {unfit[1]}")
        if style == "parquet":
            return parquet_columns(path, of_text=of_text)
        with open(path, encoding="utf-8-sig", newline="") as file:
            if style == "jsonl":
                objects = (_parsed(line) for line in islice((line for line in file if line.strip()), 20))
                return tuple(dict.fromkeys(key for values in objects if isinstance(values, dict) for key in values))
            reader = csv.reader(file, delimiter="\t" if style == "tsv" else delimiter, strict=True)
            return tuple(name.strip() for name in next(reader, []))
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except DataError:
        raise
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as {style or 'a table'} ({error})") from error


def _unfit(path: Path, style: str | None) -> tuple[str, str] | None:
    """What a file is instead of a table, and what to do."""
    if not path.stat().st_size:
        return "is empty", "put rows into it"
    return None if style == "parquet" else other_kind(path)


def _parsed(line: str) -> Any:
    try:
        return strict_json(line)
    except ValueError:
        return None


def _csv_rows(
    path: Path, wanted: Sequence[str], delimiter: str, problems: Problems, prefix: str
) -> Iterator[tuple[int, Cells]]:
    csv.field_size_limit(LONGEST_CELL)
    with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        # Leniently read, a quote that is never closed takes all that follows into its cell.
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        header: list[str] | None = None
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                problems.add(f"not CSV ({error})", "mend the quotes of this row", f"{prefix}line {line}")
                continue
            if header is None:
                header = [name.strip() for name in cells]
                if missing_columns(wanted, header, problems, prefix):
                    return
                places = {name: header.index(name) for name in wanted}
            elif len(cells) == len(header):
                yield line, {name: cells[place] for name, place in places.items()}
            elif cells:
                problems.add(
                    f"{len(cells)} cells where the header has {len(header)}",
                    "put quotes around cells that hold the delimiter or a line break, or set task.table.delimiter",
                    f"{prefix}line {line}",
                )


def _json_rows(path: Path, wanted: Sequence[str], problems: Problems, prefix: str) -> Iterator[tuple[int, Cells]]:
    seen: set[str] = set()
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
        for line, text in enumerate(file, 1):
            if not text.strip():
                continue
            where = f"{prefix}line {line}"
            try:
                values = strict_json(text)
            except json.JSONDecodeError:
                problems.add("not JSON", "write one object a line", where)
                continue
            except ValueError as error:
                problems.add(str(error), "mend the line, or drop it", where)
                continue
            if not isinstance(values, dict):
                problems.add(f"a {type(values).__name__} and no object", "write one object a line", where)
                continue
            seen |= values.keys()
            yield line, {name: cell_text(values.get(name)) for name in wanted}
    if seen or not problems:
        missing_columns(wanted, sorted(seen), problems, prefix)


def _sound(cells: Cells, problems: Problems, row: str) -> Cells:
    for name, text in cells.items():
        if not text:
            continue
        if isinstance(text, Unreadable):
            problems.add(f"column {name!r} {text}", "mend the cell, or drop the row", row)
            cells[name] = "\ufffd"
        elif BROKEN.search(text):
            problems.add(f"column {name!r} is not UTF-8", "save the file as UTF-8", row)
            cells[name] = BROKEN.sub("\ufffd", text)
        elif "\0" in text:
            problems.add(f"column {name!r} holds a NUL character", "take it out, or save the file as UTF-8", row)
    return cells
