"""Columns of Arrow, in Parquet files and hub data sets, as texts. What is no text is refused, not guessed at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from distill.tasks.problems import Problems, missing_columns

Cells = dict[str, str | None]
_ROWS = 1000
_MOST_EXACT = 2**53  # whole numbers up to here are exact as 64-bit floats
_DO = "write it as a column of text"


class Unreadable(str):
    """Stands for a cell that cannot be read as text, and says why."""


def cell_text(value: Any, class_names: Sequence[str] | None = None) -> str | None:
    """A cell as text: lists as JSON, and None where it is empty or not a number. A column of a hub data set may have
    `class_names`, by the cell's number; a negative one is no class. A whole number is written as one, whatever it is
    stored as: gaps in a column turn its numbers into floats.
    """
    if value is None or isinstance(value, str):
        return value
    if class_names is not None and type(value) is int:
        if value >= len(class_names):
            return Unreadable(f"has the class number {value}, and there are {len(class_names)} classes")
        return class_names[value] if value >= 0 else None
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if not isinstance(value, float):
        return str(value)
    if value != value:
        return None
    if abs(value) == float("inf"):
        return Unreadable("holds infinity or a number that is too large")
    return str(int(value)) if value.is_integer() and abs(value) <= _MOST_EXACT else str(value)


def refused_columns(schema: Any, wanted: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(what is wrong, what to do) of columns that hold something else than text, numbers, dates, or lists of these."""
    for name in wanted:
        place = schema.get_field_index(name)
        if place >= 0 and not _is_plain(schema.field(place).type):
            yield f"the column {name!r} is of type {schema.field(place).type}, which is no text", _DO


def class_names(schema: Any) -> dict[str, list[str]]:
    """The names of classes, by column, that the `datasets` library left in the schema of a Parquet file."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {name: feature["names"] for name, feature in features.items() if feature["_type"] == "ClassLabel"}
    except (KeyError, TypeError, AttributeError, ValueError):
        return {}


def column_texts(column: Any, names: Sequence[str] | None = None) -> list[str | None]:
    """A column's cells as texts; one that cannot be read is Unreadable. `names` are those of `class_names`."""
    import pyarrow

    kind = column.type
    if pyarrow.types.is_float32(kind) or pyarrow.types.is_float16(kind):
        # As a 64-bit float 0.1 would be 0.10000000149011612.
        values = column.to_numpy(zero_copy_only=False)
        return [cell_text(float(str(value))) for value in values]
    try:
        return [cell_text(value, names) for value in column.to_pylist()]
    except (ValueError, OverflowError, pyarrow.ArrowException):
        return [_cell(column, place) for place in range(len(column))]


def parquet_rows(path: Path, wanted: Sequence[str], problems: Problems, prefix: str) -> Iterator[tuple[int, Cells]]:
    """(row from 1, the wanted columns as texts) of a Parquet file; its faults go to `problems`."""
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            if missing_columns(wanted, schema.names, problems, prefix):
                return
            for what, do in refused_columns(schema, wanted):
                problems.add(f"{prefix}{what}", do, fatal=True)
            if problems.fatal:
                return
            names, number = class_names(schema), 0
            for batch in file.iter_batches(_ROWS, columns=list(wanted)):
                columns = [column_texts(batch.column(name), names.get(name)) for name in wanted]
                for cells in zip(*columns, strict=True):
                    number += 1
                    yield number, dict(zip(wanted, cells, strict=True))
    except (OSError, MemoryError, UnicodeDecodeError, KeyError, pyarrow.ArrowException) as error:
        problems.add(f"{prefix}{damaged(error)}", "write the file anew", fatal=True)


def parquet_columns(path: Path, *, of_text: bool = False) -> tuple[str, ...]:
    """The columns of a Parquet file, or those that can be read as text. Raises ValueError, in words, where it is
    damaged."""
    import pyarrow.parquet

    try:
        schema = pyarrow.parquet.read_schema(path)
        names = schema.names
    except (OSError, MemoryError, UnicodeDecodeError, pyarrow.ArrowException) as error:
        raise ValueError(f"{damaged(error)}; write the file anew") from error
    if of_text:
        names = [name for name in names if names.count(name) == 1 and not any(refused_columns(schema, [name]))]
    return tuple(names)


def damaged(error: BaseException) -> str:
    """That a Parquet file cannot be read, in one line."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
    return f"no Parquet, or damaged, or cut off ({reason})"


def _cell(column: Any, place: int) -> str | None:
    import pyarrow

    try:
        return cell_text(column[place].as_py())
    except UnicodeDecodeError:
        return Unreadable("is not UTF-8")
    except (ValueError, OverflowError, pyarrow.ArrowException):
        pass
    try:  # nanoseconds, and dates that Python does not have
        return str(column.slice(place, 1).cast(pyarrow.string())[0].as_py())
    except (ValueError, OverflowError, pyarrow.ArrowException):
        return Unreadable("holds a value that cannot be read")


def _is_plain(kind: Any) -> bool:
    from pyarrow import types

    if isinstance(kind, types.lib.BaseExtensionType):
        return False
    if types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _is_plain(kind.value_type)
    if types.is_struct(kind):
        return all(_is_plain(kind.field(place).type) for place in range(kind.num_fields))
    plain = (
        types.is_string, types.is_large_string, types.is_string_view, types.is_null, types.is_boolean,
        types.is_integer, types.is_floating, types.is_decimal, types.is_date, types.is_time, types.is_timestamp,
        types.is_duration,
    )  # fmt: skip
    return any(is_kind(kind) for is_kind in plain)
