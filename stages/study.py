"""Runs a study: arms, controls and seeds as DVC experiments, and their table.

reads   data/studies/<name>.yaml, params.yaml and dvc.yaml as committed
writes  experiments (`dvc exp show`), metrics/studies/<name>.csv and .json
run     python stages/study.py data/studies/practice.yaml --dry          what would be run, and for how long
        python stages/study.py data/studies/practice.yaml --workers 2    runs what is missing here and in the table
        python stages/study.py data/studies/practice.yaml table          the table of what is finished; --latex
        python stages/study.py data/studies/explanation_rate.yaml plot   the table's curve: metrics/studies/*.svg, *.png
"""

import argparse
from pathlib import Path

from distill.running import run_front_door
from distill.studies.study import Study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="the study's file")
    parser.add_argument(
        "what",
        nargs="?",
        choices=("run", "status", "table", "plot"),
        default="run",
        help="status: each cell and its state; table: of what is finished; plot: its curve (default: run, then table)",
    )
    parser.add_argument("--workers", type=int, default=1, help="experiments at a time (default: 1)")
    parser.add_argument("--dry", action="store_true", help="as status: run nothing")
    parser.add_argument(
        "--forget",
        action="store_true",
        help="run again (table: drop) finished rows whose experiments are not here",
    )
    parser.add_argument("--latex", action="store_true", help="table: print it as a LaTeX tabular (booktabs)")
    arguments = parser.parse_args()
    study = Study(arguments.study, max(1, arguments.workers), arguments.forget)
    if arguments.dry or arguments.what == "status":
        study.describe()
    elif arguments.what == "table":
        study.tabulate(arguments.latex)
    elif arguments.what == "plot":
        study.plot()
    else:
        study.run()


if __name__ == "__main__":
    run_front_door("study", main)
