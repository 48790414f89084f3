"""Peak memory of stages/predict.py on files of different sizes.

    python benchmarks/prediction_memory.py --rows 10000 200000

Asks the student in data/student (`dvc repro` makes it) about the inputs of the test rows, over and over, from a text
file. One JSON line a size comes out: rows, peak resident megabytes of the process, rows a second as it says.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def measured(rows: int, inputs: list[str], folder: Path) -> dict[str, float]:
    """What it takes to answer so many rows."""
    asked = folder / "rows.txt"
    with open(asked, "w", encoding="utf-8") as file:
        file.writelines(f"{text}\n" for text in itertools.islice(itertools.cycle(inputs), rows))
    told = folder / "told.txt"
    with open(folder / "answers.jsonl", "w") as answers, open(told, "w") as errors:
        process = subprocess.Popen(
            [sys.executable, "stages/predict.py", str(asked)], cwd=ROOT, stdout=answers, stderr=errors
        )
        _, status, used = os.wait4(process.pid, 0)
    last = told.read_text(encoding="utf-8").splitlines()[-1]
    if status:
        sys.exit(last)
    (speed,) = re.findall(r"([\d,]+) rows/s", last)
    # The kernel tells kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return {"rows": rows, "peak_mb": round(used.ru_maxrss * unit / 1e6, 1), "rows_per_s": float(speed.replace(",", ""))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 200_000])
    given = parser.parse_args()
    lines = (ROOT / "data/prepared/test.jsonl").read_text(encoding="utf-8").splitlines()
    inputs = [json.loads(line)["input"] for line in lines]
    with tempfile.TemporaryDirectory() as folder:
        for rows in given.rows:
            print(json.dumps(measured(rows, inputs, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
