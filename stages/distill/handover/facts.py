"""What the run says of itself: all that the card is written from, read from the stages' files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from distill import paths
from distill.prompts.prompt_file import read_prompts
from distill.rows.files import read_object
from distill.rows.records import Annotation, Example, TaskCard, TrainingRow, read_json, read_rows
from distill.templates import Template

STAGES = ("prepare", "optimize_prompt", "annotate", "subsample", "train", "evaluate")


@dataclass(frozen=True)
class Facts:
    """metrics: of every stage, by its name. returned: how many answers came under which model string; "" for those
    without one. example: a training row's input and choices."""

    task: TaskCard
    metrics: Mapping[str, Mapping[str, Any]]
    prompts: Mapping[str, Template]
    returned: Mapping[str, int]
    asked: Mapping[str, int]
    example: Example


def read_facts() -> Facts:
    """Of the run whose files are in the working folder. Raises DataError where one is missing or broken."""
    task = read_json(paths.TASK_CARD, TaskCard)
    annotated = read_rows(paths.annotated("train"), Annotation)
    first = read_rows(paths.TRAINING, TrainingRow)[0]
    return Facts(
        task=task,
        metrics={stage: read_object(paths.metrics(stage)) for stage in STAGES},
        prompts=read_prompts(paths.PROMPT, task),
        returned=Counter(row.model or "" for row in annotated if row.response is not None),
        asked=Counter(row.asked for row in annotated),
        example=Example(first.id, first.input, {}, first.choices),
    )


# What the stage that hands over reads besides the student.
READ = (
    paths.STUDENT, paths.TASK_CARD, paths.PROMPT, paths.annotated("train"), paths.TRAINING, *map(paths.metrics, STAGES),
)  # fmt: skip
