"""Peak memory of stages/predict.py on files of different sizes.

    python benchmarks/prediction_memory.py --rows 10000 200000

Asks the student in data/student (`dvc repro` makes it) about the inputs of the test rows, over and over, from a text
file. One JSON line a size comes out: rows, peak resident megabytes of the process, and its seconds, from its start to
its end. With --record NAME they are kept for the docs (benchmarks/tables.py).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tables

ROOT = Path(__file__).resolve().parent.parent


def measured(rows: int, inputs: list[str], folder: Path) -> dict[str, float]:
    """What it takes to answer so many rows."""
    asked = folder / "rows.txt"
    with open(asked, "w", encoding="utf-8") as file:
        file.writelines(f"{text}\n" for text in itertools.islice(itertools.cycle(inputs), rows))
    told, started = folder / "told.txt", time.perf_counter()
    with open(folder / "answers.jsonl", "w") as answers, open(told, "w") as errors:
        process = subprocess.Popen(
            [sys.executable, "stages/predict.py", str(asked)], cwd=ROOT, stdout=answers, stderr=errors
        )
        _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(told.read_text(encoding="utf-8"))
    # The kernel tells kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    took = round(time.perf_counter() - started, 1)
    return {"rows": rows, "peak_mb": round(used.ru_maxrss * unit / 1e6, 1), "seconds": took}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 200_000])
    parser.add_argument("--record", metavar="NAME", help="write the rows to metrics/tables/NAME.json")
    given = parser.parse_args()
    lines = (ROOT / "data/prepared/test.jsonl").read_text(encoding="utf-8").splitlines()
    inputs = [json.loads(line)["input"] for line in lines]
    with tempfile.TemporaryDirectory() as folder:
        sizes = []
        for rows in given.rows:
            sizes.append(measured(rows, inputs, Path(folder)))
            print(json.dumps(sizes[-1]), flush=True)
    if given.record:
        tables.record(given.record, "docs/training.md", sizes, "prediction_memory")


if __name__ == "__main__":
    main()
