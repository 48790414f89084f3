"""Files of rows (CSV, TSV, JSONL, Parquet), row by row, as texts: faults are gathered with their lines, and reading
goes on. Whoever reads a table reads it here: the tasks, predict.py and start.py."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.tasks.problems import Problems, named

Cells = dict[str, str | None]

# Python's codec for broken bytes maps each to one of these, so that a row can be named and reading goes on; JSON may
# hold the others as half of an escaped pair.
_BROKEN = re.compile("[\ud800-\udfff]")
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
    if style == "parquet":
        yield from _parquet_rows(path, wanted)
    elif style == "jsonl":
        yield from _json_rows(path, wanted, problems, prefix)
    else:
        yield from _csv_rows(path, wanted, "\t" if style == "tsv" else delimiter, problems, prefix)


def column_names(path: Path, style: str | None, delimiter: str) -> tuple[str, ...]:
    """The columns of a file in one of TABLE_FORMATS: its header, the keys of its first objects, or its schema. Raises
    DataError.
    """
    try:
        if style == "parquet":
            import pyarrow.parquet

            return tuple(pyarrow.parquet.read_schema(path).names)
        with open(path, encoding="utf-8-sig", newline="") as file:
            if style == "jsonl":
                objects = (_parsed(line) for line in islice((line for line in file if line.strip()), 20))
                return tuple(dict.fromkeys(key for values in objects if isinstance(values, dict) for key in values))
            header = next(csv.reader(file, delimiter="\t" if style == "tsv" else delimiter), [])
            return tuple(name.strip() for name in header)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except (OSError, ValueError, csv.Error, RecursionError) as error:
        raise DataError(f"{path}: cannot be read as {style or 'a table'} ({error})") from error


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _parquet_rows(path: Path, wanted: Sequence[str]) -> Iterator[tuple[int, Cells]]:
    import pyarrow.parquet

    number = 0
    for batch in pyarrow.parquet.ParquetFile(path).iter_batches(columns=list(wanted)):
        for values in batch.to_pylist():
            number += 1
            yield number, {name: cell_text(values.get(name)) for name in wanted}


def cell_text(value: Any, class_names: Sequence[str] | None = None) -> str | None:
    """A cell as text: lists as JSON, and None where it is empty or not a number. A column of a hub data set may have
    `class_names`, by the cell's number; a negative one is no class.
    """
    if class_names is not None and isinstance(value, int):
        return class_names[value] if value >= 0 else None
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value) if value == value else None


def _csv_rows(
    path: Path, wanted: Sequence[str], delimiter: str, problems: Problems, prefix: str
) -> Iterator[tuple[int, Cells]]:
    csv.field_size_limit(LONGEST_CELL)
    with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        header = [name.strip() for name in next(reader, [])]
        if _misses(wanted, header, problems, prefix):
            return
        places = {name: header.index(name) for name in wanted}
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                problems.add(f"not CSV ({error})", "mend the quotes of this row", f"{prefix}line {line}")
                continue
            if len(cells) != len(header):
                if cells:
                    what = f"{len(cells)} cells where the header has {len(header)}"
                    problems.add(
                        what,
                        "put quotes around cells that hold the delimiter or a line break, or set task.table.delimiter",
                        f"{prefix}line {line}",
                    )
                continue
            yield line, _sound({name: cells[place] for name, place in places.items()}, problems, f"{prefix}line {line}")


def _json_rows(path: Path, wanted: Sequence[str], problems: Problems, prefix: str) -> Iterator[tuple[int, Cells]]:
    seen: set[str] = set()
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
        for line, text in enumerate(file, 1):
            if not text.strip():
                continue
            try:
                values = json.loads(text)
            except (ValueError, RecursionError):
                problems.add("not JSON", "write one object a line", f"{prefix}line {line}")
                continue
            if not isinstance(values, dict):
                problems.add(
                    f"a {type(values).__name__} and no object", "write one object a line", f"{prefix}line {line}"
                )
                continue
            seen |= values.keys()
            yield line, _sound({name: cell_text(values.get(name)) for name in wanted}, problems, f"{prefix}line {line}")
    _misses(wanted, sorted(seen), problems, prefix)


def _misses(wanted: Sequence[str], there: Sequence[str], problems: Problems, prefix: str) -> bool:
    missing = [name for name in wanted if name not in there]
    if missing and any(_BROKEN.search(name) or "\0" in name for name in there):
        problems.add(f"{prefix}the column names are not UTF-8", "save the file as UTF-8", fatal=True)
        return True
    for name in missing:
        problems.add(
            f"{prefix}no column {name!r} (there are: {named(there)})",
            "correct task.table, or task.table.delimiter",
            fatal=True,
        )
    for name in sorted({name for name in wanted if there.count(name) > 1}):
        problems.add(f"{prefix}two columns are called {name!r}", "rename one", fatal=True)
    return bool(missing)


def _sound(cells: Cells, problems: Problems, row: str) -> Cells:
    for name, text in cells.items():
        if text and _BROKEN.search(text):
            problems.add(f"column {name!r} is not UTF-8", "save the file as UTF-8", row)
            cells[name] = _BROKEN.sub("\ufffd", text)
    return cells
