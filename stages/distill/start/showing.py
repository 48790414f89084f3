"""What a person sees of their task before anything is paid: rows, the prompt as it is sent, the cost, the
next command.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from distill.annotation.asks import rows_to_ask
from distill.annotation.preview import preview
from distill.prompts.prompt_file import hand_written
from distill.settings import Settings
from distill.start.looking import Look
from distill.tasks.registry import get_task

SHOWN_ROWS = 5


def introduction(file: Look, settings: Settings) -> str:
    """In words, from the task as the stages read it. Raises DataError where it cannot be read."""
    task = get_task(settings.task)
    splits, card = task.splits(), task.card()
    asks = rows_to_ask(splits, settings.annotate)
    parts = [
        f"{file.path}: {len(file.rows):,} rows seen, columns {', '.join(file.columns)}",
        "\n".join(f"  {row.input[:100]!r} -> {row.label or '(no label)'}" for row in splits["train"][:SHOWN_ROWS]),
        *(f"note: {notice}" for notice in task.notices),
        ", ".join(f"{split}: {len(rows):,} rows" for split, rows in splits.items())
        + f"; the teacher is asked {sum(map(len, asks.values())):,} times by annotate",
        _prompt_and_cost(preview(splits, hand_written(card, settings.prompt), card, settings, 1)),
        *_untracked(file),
    ]
    if settings.teacher.provider == "simulated":
        parts.append(
            "The simulated teacher knows nothing of these rows. Name a teacher:\n"
            "  python stages/start.py … --provider openai --model MODEL [--base-url http://localhost:8000/v1]"
        )
    else:
        parts.append(_next(settings))
    return "\n\n".join(parts)


def _prompt_and_cost(text: str) -> str:
    """Of a preview the first prompt, and the sum."""
    shown = text.split("\n=== ")
    return f"{shown[0].rstrip()}\n\n{text.rstrip().splitlines()[-1]}"


def _untracked(file: Look) -> list[str]:
    """A note where Git and DVC do not know the file."""
    if not file.path.exists():
        return []
    listed = subprocess.run(["git", "ls-files", "--", str(file.path)], capture_output=True, text=True)
    if listed.stdout.strip() or Path(f"{file.path}.dvc").exists():
        return []
    return [
        f"note: {file.path} is not tracked: put it into the repository and `git add` it (`dvc add` where it is large), "
        "as queued experiments and colleagues see only what is tracked"
    ]


def _next(settings: Settings) -> str:
    key = settings.runtime.key_env
    steps = ["Next, what the prompt search and the annotation would cost, then the run:"]
    if settings.teacher.base_url is None:
        steps.append(f"  export {key}=…")
    steps += ["  python stages/plan.py", "  dvc repro"]
    return "\n".join(steps)
