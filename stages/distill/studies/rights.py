"""Which test rows a cell got right: a bit a row, kept in a study's table, so that arms can be compared row by row."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from distill.errors import DataError
from distill.rows.records import Judged, read_rows

# Columns of a row: the bits of the labelled test rows by rising id, in hexadecimal, and a hash of these rows' ids and
# gold labels. Only cells with the same hash were tested on the same rows.
RIGHT, RIGHT_OF = "right", "right_of"
# Above so many rows the bits would outweigh the rest of a table, and chance over rows is small.
MOST_BITS = 10_000
_HEX = re.compile(r"(?:[0-9a-f]{2})+\Z")


def right_columns(judged: Path | None) -> dict[str, str | None]:
    """The two columns, of a cell's data/judged.jsonl; null where it is not here, has too many rows, or is of a version
    that judged otherwise. A table without them has the wider intervals, and says so (distill.studies.wording)."""
    try:
        rows = [] if judged is None else [row for row in read_rows(judged, Judged) if row.gold is not None]
    except DataError:
        rows = []
    if not 0 < len(rows) <= MOST_BITS:
        return {RIGHT: None, RIGHT_OF: None}
    same = "".join(f"{row.id}\0{row.gold}\0" for row in rows)
    bits = np.packbits([bool(row.student_right) for row in rows])
    return {RIGHT: bits.tobytes().hex(), RIGHT_OF: hashlib.sha256(same.encode()).hexdigest()[:12]}


def rights_of(rows: Sequence[Mapping[str, Any]]) -> list[np.ndarray] | None:
    """(test rows,) of bool for each row of a table; None where one has no bits, was tested on other rows than the rest,
    or its bits do not give its accuracy."""
    if len({(row.get(RIGHT_OF), row.get("test_rows")) for row in rows}) != 1:
        return None
    rights = []
    for row in rows:
        text, count = row.get(RIGHT), row.get("test_rows")
        if not text or not count or not _HEX.match(text) or len(text) // 2 != -(-count // 8):
            return None
        bits = np.unpackbits(np.frombuffer(bytes.fromhex(text), dtype=np.uint8), count=count).astype(bool)
        if abs(bits.mean() - row["accuracy"]) > 1e-5:
            return None
        rights.append(bits)
    return rights
