"""Is it worth annotating more? Student and bar over shares of the rows, with an extrapolation to twice as many.

reads   data/studies/learning_curve.yaml and what stages/study.py reads
writes  what stages/study.py writes, metrics/studies/learning_curve.svg and .png
run     python stages/curve.py --workers 2    runs the cells that are missing, then draws; again, it goes on
        python stages/curve.py draw           draws what the committed table has, and runs nothing
"""

import argparse
from pathlib import Path

from distill import paths
from distill.rows.files import read_object
from distill.running import run_front_door
from distill.studies.learning_curve import curve_text, draw_curves, learning_curves
from distill.studies.study import Study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("run", "draw"), default="run", help="default: run, then draw")
    parser.add_argument("--study", type=Path, default=Path("data/studies/learning_curve.yaml"), help="the study's file")
    parser.add_argument("--workers", type=int, default=1, help="experiments at a time (default: 1)")
    arguments = parser.parse_args()
    if arguments.what == "run":
        Study(arguments.study, max(1, arguments.workers)).run()
    table = read_object(paths.STUDIES / f"{arguments.study.stem}.json")
    curves = learning_curves(table)
    files = [paths.STUDIES / f"{arguments.study.stem}.{kind}" for kind in ("svg", "png")]
    draw_curves(curves, files)
    print(f"{curve_text(curves, table['confidence'])}\n{' and '.join(map(str, files))}", flush=True)


if __name__ == "__main__":
    run_front_door("curve", main)
