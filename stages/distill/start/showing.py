"""What a person sees of their task before anything is paid: rows, the prompt as it is sent, the cost, the
next command.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

from distill.annotation.planning import run_ahead
from distill.annotation.preview import preview
from distill.settings import Settings
from distill.settings.task import TableSettings
from distill.start.looking import Look
from distill.tasks.registry import get_task

SHOWN_ROWS = 5
MOST_CLASSES_SHOWN = 30


def introduction(file: Look, settings: Settings) -> str:
    """In words, from the task as the stages read it. Raises UserError where the next run would fail."""
    task = get_task(settings.task)
    splits = task.splits()
    parts = [
        f"{file.path}: {len(file.rows):,} rows seen. {_columns(file, settings.task.table)}",
        *_labels(file, settings.task.table),
        "\n".join(f"  {row.input[:100]!r} -> {row.label or '(no label)'}" for row in splits["train"][:SHOWN_ROWS]),
        "\n".join(
            [
                ", ".join(f"{split}: {len(rows):,} rows" for split, rows in splits.items()),
                *(f"note: {notice}" for notice in task.notices),
                *_untracked(file),
            ]
        ),
    ]
    if settings.teacher.provider == "simulated":
        parts.append(
            "The simulated teacher knows nothing of these rows. Name a teacher:\n"
            "  python stages/start.py … --provider openai --model MODEL [--base-url http://localhost:8000/v1]\n"
            "  python stages/start.py … --gguf FILE    # a model that this machine runs"
        )
        return "\n\n".join(parts)
    ahead = run_ahead(settings)
    first = {"train": splits["train"][:1], "validation": [], "test": []}
    prompt = preview(first, ahead.templates, ahead.card, settings, 1).split("\n\nIn all:")[0]
    return "\n\n".join([*parts, prompt, ahead.bill(), _next(settings)])


def _columns(file: Look, table: TableSettings) -> str:
    """Which column is what."""
    used = (*table.columns, *table.choices, table.context, table.label, table.rationale, table.id)
    unused = [column for column in file.columns if column not in used]
    parts = [
        f"The input is made of {', '.join(table.columns)}",
        *(f"{name}: {column}" for name, column in (("label", table.label), ("id", table.id)) if column),
        *([f"not read: {', '.join(unused)}"] if unused else []),
    ]
    return "; ".join(parts) + " (other columns: --columns)"


def _labels(file: Look, table: TableSettings) -> list[str]:
    """Each class with its rows: one that is misspelt shows itself."""
    if table.kind != "classes" or table.label is None:
        return []
    counts = Counter(file.values(table.label)).most_common()
    rows = [f"  {label}: {count:,} {'row' if count == 1 else 'rows'}" for label, count in counts[:MOST_CLASSES_SHOWN]]
    more = [f"  and {len(counts) - MOST_CLASSES_SHOWN} more"] if len(counts) > MOST_CLASSES_SHOWN else []
    return ["\n".join([f"{sum(count for _, count in counts):,} rows have a label:", *rows, *more])]


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
    vendor = settings.teacher.provider == "openai" and settings.teacher.base_url is None
    steps = [f"  export {settings.runtime.key_env}=…"] if vendor else []
    return "\n".join(["Next:", *steps, "  dvc repro"])
