"""Prepared rows as canonical JSONL, one at a time where there are too many to hold."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path

from distill.errors import DataError
from distill.rows.records import Example, write_rows


def write_prepared(path: Path, rows: Sequence[Example]) -> None:
    """Like distill.rows.records.write_rows; a sequence that is no list is written as it comes, in order of its ids.

    Raises DataError where the ids are not in order.
    """
    if isinstance(rows, list):
        write_rows(path, rows)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [field.name for field in dataclasses.fields(Example)]
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "w", encoding="utf-8", newline="\n") as file:
            before = ""
            for row in rows:
                if row.id <= before:
                    raise DataError(f"{path}: the row {row.id!r} comes after {before!r}; rows must be in the order of their ids, each once")
                before = row.id
                file.write(json.dumps({name: getattr(row, name) for name in names}, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
