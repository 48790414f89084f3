"""Whether the student can be trained on the prepared rows, before the teacher is paid for labels and rationales.

It makes the student as training does, in a process that `distill.running.try_student` starts for a pretrained one:
its weights are there, its tokenizer tells the labels apart, its rows can be encoded. It writes nothing.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import torch

from distill import paths
from distill.rows.records import TaskCard, TrainingRow, read_json
from distill.running import run_front_door
from distill.settings import SettingsError, load_settings
from distill.student.loading import new_student

ROWS = 1000


def make_student() -> None:
    """Raises SettingsError or DataError where training would."""
    settings, card = load_settings(), read_json(paths.TASK_CARD, TaskCard)
    with open(paths.prepared("train"), encoding="utf-8") as file:
        rows = [_training_row(json.loads(line), card, place) for place, line in enumerate(islice(file, ROWS))]
    student = new_student(rows, card, settings).eval()
    batch = student.collate(student.encode(rows), range(min(len(rows), 2)))
    with torch.no_grad():
        loss = student(batch).label
    if not torch.isfinite(loss).all():
        raise SettingsError(f"student.name: {settings.student.name!r}: its loss on the first rows is no finite number")


def _training_row(row: dict[str, Any], card: TaskCard, place: int) -> TrainingRow:
    """A prepared row as if it had been answered: with its gold label, or with any that it may have."""
    choices = tuple(row["choices"])
    allowed = choices or card.classes or ("0",)
    label = row["label"] or allowed[place % len(allowed)]
    return TrainingRow(row["id"], row["input"], label, row["rationale"], choices)


if __name__ == "__main__":
    run_front_door("distill.student.trial", make_student)
