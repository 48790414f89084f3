"""Says what the stages that ask the teacher will cost, before a cent is spent. Asks nothing, needs no key.

reads   data/prepared/* (dvc repro prepare), data/prompt.yaml where it is there
run     python stages/plan.py
"""

import sys

from distill import paths
from distill.annotation.planning import annotation_asks, requests_for, search_plan, unpriced
from distill.errors import UserError
from distill.rows.records import Example, TaskCard, read_json, read_rows
from distill.search.current import current_prompts
from distill.settings import load_settings
from distill.teacher import open_teacher


def main() -> None:
    settings = load_settings()
    if why := unpriced(settings):
        print(f"{why}: there is nothing to pay")
        return
    card = read_json(paths.TASK_CARD, TaskCard)
    splits = {split: read_rows(paths.prepared(split), Example) for split in paths.SPLITS}
    templates = current_prompts(paths.PROMPT, card, settings)
    with open_teacher(settings, "plan") as teacher:
        print(f"{teacher.describe()}; teacher.mode {settings.teacher.mode}; store {paths.store()}")
        if settings.prompt.optimizer != "fixed":
            print(f"optimize_prompt: {search_plan(card, splits['train'], settings)}")
        print(f"annotate: {teacher.plan(requests_for(annotation_asks(splits, settings), templates, card, settings))}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"plan: {error}")
