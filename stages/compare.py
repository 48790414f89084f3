"""Compares two experiments on the test rows that both answered: which is better, and could it be chance?

run     python stages/compare.py main slow-hare          # commits, branches, tags and experiments, by name
        python stages/compare.py main                    # with the workspace
        python stages/compare.py main slow-hare --answerer teacher --rows 20
        python stages/compare.py main slow-hare --json > comparison.json

What each answered comes out of DVC's cache, or its remote. Reads no test row: evaluate has judged them.
"""

import argparse
import json

from distill.evaluation.comparison import compare_answers, comparison_text, judged_at
from distill.revisions import WORKSPACE
from distill.running import run_front_door
from distill.settings import load_settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", help="a revision or an experiment")
    parser.add_argument("second", nargs="?", default=WORKSPACE, help="another; default: %(default)s")
    parser.add_argument(
        "--answerer", choices=("student", "teacher"), default="student", help="whose answers; default: %(default)s"
    )
    parser.add_argument(
        "--shared", action="store_true", help="where the test rows differ, compare on those that both have"
    )
    parser.add_argument(
        "--rows", type=int, default=0, help="show so many of the rows that changed; default: %(default)s"
    )
    parser.add_argument("--json", action="store_true", help="all of it as JSON, every changed row included")
    arguments = parser.parse_args()
    names = (arguments.first, arguments.second)
    rows = [judged_at(name) for name in names]
    comparison = compare_answers(
        rows[0], rows[1], arguments.answerer, load_settings().evaluate.confidence, arguments.shared
    )
    if arguments.json:
        print(
            json.dumps(
                {"revisions": dict(zip(("first", "second"), names, strict=True)), **comparison},
                ensure_ascii=False,
                indent=2,
            )
        )
    else:
        print(comparison_text(comparison, names, arguments.rows))


if __name__ == "__main__":
    run_front_door("compare", main)
