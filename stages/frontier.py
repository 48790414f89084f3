"""Says what accuracy costs over all experiments at hand: the front, its knee, and what a student saves.

reads   the workspace, the experiments of this clone and commits named (`dvc exp show --json`); of studies whose
        experiments are not here, their tables, metrics/studies/*.json
writes  metrics/frontier.json, metrics/frontier.md, metrics/plots/frontier.json
run     python stages/frontier.py
        python stages/frontier.py --rev main --rev v1    these commits' own results as well
        python stages/frontier.py --rows 50000           what the student would spare on so many rows
"""

import argparse

from distill.running import run_front_door
from distill.studies.survey import survey_experiments


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rev",
        action="append",
        default=[],
        help="a commit, tag or branch whose results are a point as well; may be repeated",
    )
    parser.add_argument(
        "--rows", type=int, action="append", default=[], help="rows to predict the saving for; may be repeated"
    )
    parser.add_argument(
        "--forget", action="store_true", help="drop points of an earlier survey whose experiments are not in this clone"
    )
    arguments = parser.parse_args()
    survey_experiments(arguments.rev, [max(1, rows) for rows in arguments.rows], arguments.forget)


if __name__ == "__main__":
    run_front_door("frontier", main)
