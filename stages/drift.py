"""Asks the teacher again about stored training rows, and says whether it still answers as it did. It costs money.

run     python stages/drift.py --rows 20
        python stages/drift.py --rows 20 --check 1764000000   # goes on with an earlier check; pays for what is missing
"""

import argparse
import time

from distill import paths
from distill.annotation.asks import annotation_asks, annotation_requests
from distill.errors import UserError
from distill.prompts.asking import annotation
from distill.prompts.prompt_file import read_prompts
from distill.rows.permutation import seeded_order
from distill.rows.records import Example, TaskCard, read_json, read_rows
from distill.running import run_stage
from distill.settings import load_settings
from distill.teacher import open_teacher
from distill.teacher.drift import agreement, ask_again, drift_report


def main() -> dict[str, object]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rows", type=int, default=20, help="training rows to ask again, at most (default: %(default)s)"
    )
    parser.add_argument("--check", type=int, default=int(time.time()), help="number of the check (default: a new one)")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of rows (default: %(default)s)")
    options = parser.parse_args()
    settings = load_settings()
    if settings.teacher.provider == "recorded":
        raise UserError(
            "teacher.provider: is recorded, and its answers are in files, so whether it has changed cannot be checked;"
            " set it to openai to check a server"
        )
    card = read_json(paths.TASK_CARD, TaskCard)
    templates = read_prompts(paths.PROMPT, card)
    train = {"train": read_rows(paths.prepared("train"), Example), "validation": [], "test": []}
    asks = {ask.example.id: ask for ask in reversed(annotation_asks(train, settings))}  # the first draw of each row
    order = seeded_order([ask.example for ask in asks.values()], options.seed, "drift check")
    chosen = [asks[row.id] for row in order[: options.rows]]
    with open_teacher(settings, "drift") as teacher:
        pairs = ask_again(teacher, annotation_requests(chosen, templates, card, settings), options.check)
        labels = [
            tuple(annotation(reply, asks[pair.row_id], card).label for reply in (pair.before, pair.after))
            for pair in pairs
        ]
        share = agreement(pairs, labels)
        print(f"check {options.check}, {teacher.describe()}\n{drift_report(share)}\n{teacher.bill.closing_line()}")
        return {"agreement": share, **teacher.bill.runtime()}


if __name__ == "__main__":
    run_stage("drift", main, takes_arguments=True)
