"""Peak memory and seconds of the prepare stage on a table of many short rows.

    python benchmarks/prepare_memory.py --rows 1000000

Writes a made-up CSV into a temporary folder, of which 1,000 rows are labelled, runs stages/prepare.py there,
and prints one JSON line: rows, CSV megabytes, seconds, and peak resident megabytes. What the kernel holds of
memory-mapped files counts as resident, though it can be dropped at any time; `anonymous_mb`, sampled ten
times a second, leaves it out.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SYLLABLES = ("ba", "co", "di", "fu", "ga", "he", "ki", "lo", "mu", "ne", "pi", "ra", "so", "tu", "ve", "za")


def write_csv(path: Path, rows: int) -> None:
    rng = random.Random(1)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["message", "desk"])
        for index in range(rows):
            words = ("".join(rng.choices(SYLLABLES, k=rng.randint(1, 4))) for _ in range(12))
            writer.writerow([" ".join(words), ("one", "two")[index % 2] if index < 1000 else ""])


def anonymous_mb(process: int) -> float:
    """Resident memory that is of no file, in MB; 0 where the system does not tell."""
    try:
        found = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        write_csv(scratch / "rows.csv", rows)
        shutil.copytree(ROOT / "stages", scratch / "stages", ignore=shutil.ignore_patterns("__pycache__"))
        params = (ROOT / "params.yaml").read_text(encoding="utf-8")
        changes = {
            "name": "table",
            "path": "rows.csv",
            "train_rows": "all",
            "validation_rows": "200",
            "test_rows": "400",
        }
        head, tail = params.split("\nteacher:\n", 1)
        for key, value in changes.items():
            head = re.sub(rf"(?m)^  {key}: \S+", f"  {key}: {value}", head, count=1)
        (scratch / "params.yaml").write_text(f"{head}\nteacher:\n{tail}", encoding="utf-8")
        started, peak = time.perf_counter(), 0.0
        process = subprocess.Popen([sys.executable, "stages/prepare.py"], cwd=scratch, stdout=subprocess.DEVNULL)
        while process.poll() is None:
            peak = max(peak, anonymous_mb(process.pid))
            time.sleep(0.1)
        if process.returncode:
            sys.exit("prepare failed")
        result = {
            "rows": rows,
            "csv_mb": round((scratch / "rows.csv").stat().st_size / 1e6, 1),
            "seconds": round(time.perf_counter() - started, 1),
            "peak_resident_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
            "anonymous_mb": round(peak),
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
