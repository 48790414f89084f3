"""Prints what `annotate` would send, with tokens, before anything is sent.

reads   data/prepared/*, data/prompt.yaml (where there is none, or another task's: the hand-written prompts)
writes  nothing
run     python stages/show_prompts.py --rows 2
"""

import argparse
import sys

from distill import paths
from distill.annotation.preview import preview
from distill.errors import UserError
from distill.prompts.prompt_file import read_prompts
from distill.rows.records import Example, TaskCard, read_json, read_rows
from distill.search.current import current_prompts
from distill.settings import load_settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1, help="rows shown of each prompt and split (1)")
    rows = parser.parse_args().rows
    settings = load_settings()
    card = read_json(paths.TASK_CARD, TaskCard)
    splits = {split: read_rows(paths.prepared(split), Example) for split in paths.SPLITS}
    if settings.prompt.file:
        templates = read_prompts(paths.PROMPTS / settings.prompt.file, card)
    else:
        templates = current_prompts(paths.PROMPT, card, settings)
    print(preview(splits, templates, card, settings, rows))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"show_prompts: {error}")
