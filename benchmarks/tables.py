"""Prints a table of the docs from its raw rows, metrics/tables/<name>.json; a test holds the page's text against that.

    python benchmarks/tables.py                 the tables that there are, what made each, and where
    python benchmarks/tables.py gold_labels     one of them, in Markdown

A file has the page that the table stands on, the command that makes the rows, what they were `made` with (commit,
versions, CPU; null where that was not recorded), and a row an arm: its seeds and the accuracy of each, in percent. A
row that is `against` another arm has its lead over that one's row of the same seeds, by seed, with Student's t.
`test_rows` is how many test rows all seeds share: the interval then holds for other seeds and other rows
(distill.studies.hierarchical). Where it is null each seed draws its own rows: Student's t over seeds holds for both.

Benchmarks write such a file where they are given --record NAME.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "stages"))

from distill.intervals import student_t  # noqa: E402
from distill.rows.files import read_object, write_json  # noqa: E402
from distill.studies.hierarchical import seeds_and_rows  # noqa: E402

TABLES = ROOT / "metrics" / "tables"
CONFIDENCE = 0.95
# Instruction sets that decide in which order a CPU adds, and so which student comes out.
FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "fma", "asimd", "sve")
PACKAGES = ("torch", "transformers", "numpy")


def made_with() -> dict[str, Any]:
    """The commit, versions and CPU of this very run."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    words = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in lines}
    flags = (words.get("flags") or words.get("Features") or "").split()
    return {
        "commit": commit or None,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "cpu": words.get("model name") or platform.processor() or None,
        "flags": [flag for flag in FLAGS if flag in flags],
    }


def record(name: str, page: str, command: str, test_rows: int | None, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Writes metrics/tables/<name>.json; each row is {"arm", "seeds", "accuracy": [percent, a seed each]}, and
    "at_chance" (how many of them) where that is known."""
    path = TABLES / f"{name}.json"
    table = {"page": page, "command": command, "made": made_with(), "test_rows": test_rows, "rows": list(rows)}
    write_json(path, table)
    return path


def table_text(table: Mapping[str, Any]) -> str:
    """The table in Markdown."""
    chance, against = (any(row.get(key) is not None for row in table["rows"]) for key in ("at_chance", "against"))
    head = ["arm", "accuracy, each seed (%)", "mean", "95 % interval"]
    head += [*(["at chance"] if chance else []), *(["points ahead of the arm without it"] if against else [])]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for row in table["rows"]:
        values = row["accuracy"]
        low, high = (100 * end for end in _interval(values, table["test_rows"]))
        cells = [
            row["arm"],
            ", ".join(f"{value:.1f}" for value in values),
            f"{statistics.fmean(values):.1f}",
            f"{max(low, 0):.1f} to {min(high, 100):.1f}",
        ]
        cells += [f"{row['at_chance']} of {len(values)}"] if chance else []
        cells += [_lead(row, table["rows"])] if against else []
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _lead(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    if row.get("against") is None:
        return ""
    other = next(other for other in rows if (other["arm"], other["seeds"]) == (row["against"], row["seeds"]))
    leads = [own - beside for own, beside in zip(row["accuracy"], other["accuracy"], strict=True)]
    low, high = student_t(leads, CONFIDENCE)
    return f"{statistics.fmean(leads):+.1f} ({low:+.1f} to {high:+.1f})"


def _interval(percents: Sequence[float], test_rows: int | None) -> tuple[float, float]:
    shares = [percent / 100 for percent in percents]
    return student_t(shares, CONFIDENCE) if test_rows is None else seeds_and_rows(shares, test_rows, CONFIDENCE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", choices=sorted(path.stem for path in TABLES.glob("*.json")))
    name = parser.parse_args().name
    if name:
        print(table_text(read_object(TABLES / f"{name}.json")))
        return
    for path in sorted(TABLES.glob("*.json")):
        table = read_object(path)
        made = table["made"]
        where = f"commit {made['commit'][:10]}, {made['cpu']}" if made else "with what was not recorded"
        print(f"{path.stem}: {table['page']}; {table['command']}; made {where}")


if __name__ == "__main__":
    main()
