"""What the student takes: its size, and, measured on this machine, its time and its price.

Sizes are the same wherever they are counted. Times vary from run to run and from machine to machine, so they stand
in metrics/runtime.json, where no stage depends on them.
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
from distill.student.predicting import Student

# Rows a batch that are tried, as far as `runtime.predict_rows` allows.
BATCHES = (1, 4, 16, 64, 256, 1024)
# Seconds of one measurement; of all that are made of single rows; and of a batch that is not tried, as it would take
# longer.
ENOUGH_S = 0.5
SINGLE_S = 5.0
LONGEST_S = 2.0
WARM_UP = 3
COLD_START = "distill.evaluation.cold_start"
PATIENCE_S = 300


def size(student: Student, folder: Path) -> dict[str, int]:
    """Parameters, and bytes of all files in the folder: weights, tokenizer and configuration."""
    return {
        "parameters": sum(parameter.numel() for parameter in student.model.parameters()),
        "bytes": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
    }


def speed(student: Student, rows: Sequence[Example]) -> dict[str, Any]:
    """Milliseconds from question to label of one row at a time (median and 95th percentile of so many `rows`), and
    the number of rows a batch that answers most rows a second. Labels alone, first without measuring."""
    for row in rows[:WARM_UP]:
        student.label([row])
    alone: list[float] = []
    for row in rows:
        alone.append(_seconds(student, [row]))
        if sum(alone) > SINGLE_S:
            break
    tried: dict[int, float] = {}
    for batch in [size for size in BATCHES if size < student.rows_per_batch] + [student.rows_per_batch]:
        if not tried or batch / max(tried.values()) < LONGEST_S:
            tried[batch] = _rows_per_second(student, rows, batch)
    best = max(tried, key=tried.__getitem__)
    alone.sort()
    return {
        "rows": len(alone),
        "latency_p50_ms": 1000 * _percentile(alone, 0.5),
        "latency_p95_ms": 1000 * _percentile(alone, 0.95),
        "best_batch_rows": best,
        "best_batch_rows_per_s": tried[best],
    }


def cold_start(folder: Path, row: Example) -> float:
    """Seconds from the start of a fresh process to its first label: Python, the libraries, the weights, one row.

    The files may be in the system's cache. Raises UserError where that process fails.
    """
    path = os.pathsep.join([str(Path(distill.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", COLD_START, str(folder)],
        input=json.dumps(asdict(row)),
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise UserError(
            f"a fresh process could not answer one row: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}"
        )
    return seconds


def usd_per_1000(rows_per_s: float, usd_per_hour: float | None) -> float | None:
    """US dollars of 1,000 predictions on a machine of that price that does nothing else; None where it has no price."""
    return None if usd_per_hour is None else 1000 / rows_per_s * usd_per_hour / 3600


def _rows_per_second(student: Student, rows: Sequence[Example], batch: int) -> float:
    asked = [rows[place % len(rows)] for place in range(batch)]
    one_batch = Student(student.model, batch)
    done, seconds = 0, 0.0
    while seconds < ENOUGH_S:
        seconds += _seconds(one_batch, asked)
        done += batch
    return done / seconds


def _seconds(student: Student, rows: Sequence[Example]) -> float:
    started = time.perf_counter()
    student.label(rows)
    return time.perf_counter() - started


def _percentile(ordered: Sequence[float], part: float) -> float:
    """The least value that at least this part of them does not exceed."""
    return ordered[math.ceil(part * len(ordered)) - 1]
