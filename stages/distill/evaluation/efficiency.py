"""The size of the student and, measured on this machine, its speed and its price.

Sizes are the same wherever they are counted. Times differ from run to run, so they stand in metrics/runtime.json, on
which no stage depends. Run as a module, this file is the new process whose start is timed: it answers one row.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import distill
from distill.errors import UserError
from distill.rows.records import Example
from distill.settings import load_settings
from distill.student.predicting import Student

# Rows a batch that are tried, as far as `runtime.predict_rows` allows.
_BATCH_SIZES = (1, 4, 16, 64, 256, 1024)
# Seconds of one measurement; of all that are made of single rows; and of a batch that is not tried, as it would take
# longer.
_ENOUGH_S = 0.5
_SINGLE_S = 5.0
_LONGEST_S = 2.0
_WARM_UP_ROWS = 3
_PATIENCE_S = 300


def student_size(student: Student, folder: Path) -> dict[str, int]:
    """Parameters, and bytes of all files in the folder: weights, tokenizer and configuration."""
    return {
        "parameters": sum(parameter.numel() for parameter in student.model.parameters()),
        "bytes": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
    }


def measure_speed(student: Student, rows: Sequence[Example]) -> dict[str, Any]:
    """Milliseconds from question to label of one row at a time (median and 95th percentile of so many `rows`), and
    the number of rows a batch that answers most rows a second. Labels alone, first without measuring."""
    for row in rows[:_WARM_UP_ROWS]:
        student.label([row])
    alone: list[float] = []
    for row in rows:
        alone.append(_seconds(student, [row]))
        if sum(alone) > _SINGLE_S:
            break
    rows_per_s: dict[int, float] = {}
    for batch in [size for size in _BATCH_SIZES if size < student.rows_per_batch] + [student.rows_per_batch]:
        if not rows_per_s or batch / max(rows_per_s.values()) < _LONGEST_S:
            rows_per_s[batch] = _rows_per_second(student, rows, batch)
    best = max(rows_per_s, key=rows_per_s.__getitem__)
    alone.sort()
    return {
        "rows": len(alone),
        "latency_p50_ms": 1000 * _percentile(alone, 0.5),
        "latency_p95_ms": 1000 * _percentile(alone, 0.95),
        "best_batch_rows": best,
        "best_batch_rows_per_s": rows_per_s[best],
    }


def measure_cold_start(folder: Path, row: Example) -> float:
    """Seconds from the start of a new process to its first label: Python, the libraries, the weights, one row.

    The files may be in the system's cache. Raises UserError where that process fails.
    """
    path = os.pathsep.join([str(Path(distill.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(folder)],
        input=json.dumps(asdict(row)),
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        error = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise UserError(f"a new process could not answer one row: {error}")
    return seconds


def usd_per_1000(rows_per_s: float, usd_per_hour: float | None) -> float | None:
    """US dollars of 1,000 predictions on a machine of that price that does nothing else; None where it has no price."""
    return None if usd_per_hour is None else 1000 / rows_per_s * usd_per_hour / 3600


def _rows_per_second(student: Student, rows: Sequence[Example], batch: int) -> float:
    batch_rows = [rows[place % len(rows)] for place in range(batch)]
    in_one_batch = Student(student.model, batch)
    done, seconds = 0, 0.0
    while seconds < _ENOUGH_S:
        seconds += _seconds(in_one_batch, batch_rows)
        done += batch
    return done / seconds


def _seconds(student: Student, rows: Sequence[Example]) -> float:
    started = time.perf_counter()
    student.label(rows)
    return time.perf_counter() - started


def _percentile(ordered: Sequence[float], part: float) -> float:
    """The least value that at least this part of them does not exceed."""
    return ordered[math.ceil(part * len(ordered)) - 1]


def _answer_one_row() -> None:
    row = json.load(sys.stdin)
    example = Example(row["id"], row["input"], {}, tuple(row["choices"]))
    print(Student.load(Path(sys.argv[1]), load_settings().runtime).label([example])[0][0])


if __name__ == "__main__":
    _answer_one_row()
