"""Describes what students do inside, two experiments side by side: attention by layer and head, and confidence.

Descriptive: the figures neither explain answers nor rank students.

reads   data/student/ and data/judged.jsonl, of the workspace or of a revision, out of DVC's cache or its remote
writes  diagnostics/index.html, diagnostics/diagnostics.json
run     python stages/diagnose.py                     # the workspace alone
        python stages/diagnose.py slow-hare           # an experiment beside the workspace
        python stages/diagnose.py main slow-hare      # two revisions or experiments
"""

import argparse
from pathlib import Path

from distill import paths
from distill.diagnostics.experiment import diagnose_revision, shared_test_rows
from distill.diagnostics.page import ABOUT, diagnostics_page
from distill.revisions import WORKSPACE
from distill.rows.files import write_json, write_text
from distill.running import run_front_door
from distill.settings import load_settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revisions", nargs="*", metavar="REVISION", help="one or two; default: the workspace")
    parser.add_argument("--rows", type=int, default=64, help="test rows to look at; default: %(default)s")
    parser.add_argument("--out", type=Path, default=paths.DIAGNOSTICS, help="folder to write; default: %(default)s")
    options = parser.parse_args()
    if len(options.revisions) > 2 or options.rows < 1:
        parser.error("give at most two revisions, and at least one row")
    names = [*options.revisions, WORKSPACE] if len(options.revisions) < 2 else options.revisions
    runtime = load_settings().runtime
    rows = shared_test_rows(names, options.rows)
    experiments = [diagnose_revision(name, rows, runtime) for name in names]
    content = {"about": ABOUT, "rows": [row.id for row in rows], "experiments": experiments}
    write_json(options.out / "diagnostics.json", content)
    write_text(options.out / "index.html", diagnostics_page(experiments))
    print(f"{options.out / 'index.html'}: {len(rows)} test rows, {' beside '.join(names)}. {ABOUT}", flush=True)


if __name__ == "__main__":
    run_front_door("diagnose", main)
