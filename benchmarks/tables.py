"""Prints tables and figures of the docs from their raw rows in metrics/tables/; a test holds the pages to them.

    python benchmarks/tables.py                 the files that there are, what made each, and which page shows it
    python benchmarks/tables.py few_shot        one of them: its table in Markdown, and the phrases that state figures

A file has the page that it is shown on, its layout (benchmarks/table_layouts.py), the command that makes the rows, what
they were `made` with (commit, versions, CPU; null where that was not recorded), and the rows: what was measured for
each seed, turn or size. Benchmarks write such a file where they are given --record NAME.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import table_layouts

from distill.rows.files import read_object, write_json
from distill.studies.machine import machine

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "metrics" / "tables"


def made_with() -> dict[str, Any]:
    """The commit, versions and CPU of this very run."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return {"commit": commit or None} | machine()


def command() -> str:
    """The command that runs now. A folder of this machine is called FOLDER."""
    words = ["FOLDER" if Path(word).is_absolute() else word for word in sys.argv[1:]]
    return shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *words])


def record(name: str, page: str, rows: Sequence[Mapping[str, Any]], layout: str = "accuracy", **more: Any) -> Path:
    """Writes metrics/tables/<name>.json, and says so. What the layout needs beside the rows is `more`."""
    path = TABLES / f"{name}.json"
    table = {"page": page, "command": command(), "layout": layout, "made": made_with(), "rows": list(rows)}
    write_json(path, table | more)
    print(f"the rows are in {path}", file=sys.stderr)
    return path


def pieces(table: Mapping[str, Any]) -> list[str]:
    """What its page must have: tables in Markdown, and phrases."""
    return table_layouts.LAYOUTS[table["layout"]](table)


def printed(tables: Sequence[Mapping[str, Any]]) -> str:
    """All of it; tables with the same head, one after the other, under one."""
    blocks: list[list[str]] = []
    phrases: list[str] = []
    for table in tables:
        for piece in pieces(table):
            lines = piece.splitlines()
            if not piece.startswith("|"):
                phrases.append(piece)
            elif blocks and blocks[-1][:2] == lines[:2]:
                blocks[-1] += lines[2:]
            else:
                blocks.append(lines)
    return "\n\n".join("\n".join(lines) for lines in [*blocks, phrases] if lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    there = sorted(path.stem for path in TABLES.glob("*.json"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(there))
    names = parser.parse_args().names
    if set(names) - set(there):
        parser.error(f"there is no {', '.join(sorted(set(names) - set(there)))}, but {', '.join(there)}")
    if names:
        print(printed([read_object(TABLES / f"{name}.json") for name in names]))
        return
    for name in there:
        table = read_object(TABLES / f"{name}.json")
        made = table["made"]
        where = f"commit {made['commit'][:10]}, {made['cpu']}" if made else "with what was not recorded"
        print(f"{name}: {table['page']}; {table['command']}; made {where}")


if __name__ == "__main__":
    main()
