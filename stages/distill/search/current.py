"""The prompts as they stand now, for what only shows or plans."""

from __future__ import annotations

from pathlib import Path

from distill.prompts.prompt_file import OtherTask, read_prompts
from distill.rows.records import TaskCard
from distill.search.search import start_templates
from distill.settings import Settings
from distill.templates import Template


def current_prompts(path: Path, card: TaskCard, settings: Settings) -> dict[str, Template]:
    """The file's prompts; where there is none, or it is of another task, a printed line and the hand-written ones.

    Raises DataError as read_prompts does, where the file is of this task and broken.
    """
    try:
        if path.exists():
            return read_prompts(path, card)
        why = "there is no data/prompt.yaml yet"
    except OtherTask as other:
        why = f"data/prompt.yaml is of the task {other.task}"
    print(f"{why}; here are the hand-written prompts of {card.name}", flush=True)
    return start_templates(card, settings.prompt)
