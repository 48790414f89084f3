"""The results of a run: what the model card is written from, read from the files of the stages."""

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
# What the stage that hands over reads besides the student.
CARD_INPUTS = (
    paths.STUDENT, paths.TASK_CARD, paths.PROMPT, paths.annotated("train"), paths.TRAINING, *map(paths.metrics, STAGES),
)  # fmt: skip


@dataclass(frozen=True)
class RunResults:
    """metrics: of every stage, by its name. returned_models: how many answers each model string came with, "" for those
    without one. prompt_uses: of how many train rows each prompt was asked, by its name. example: the input and choices
    of a training row."""

    task: TaskCard
    metrics: Mapping[str, Mapping[str, Any]]
    prompts: Mapping[str, Template]
    returned_models: Mapping[str, int]
    prompt_uses: Mapping[str, int]
    example: Example

    @property
    def teacher_is_simulated(self) -> bool:
        return "simulated" in self.metrics["annotate"]["teacher"]


def read_results() -> RunResults:
    """Of the run whose files are in the working folder. Raises DataError where one is missing or broken."""
    task = read_json(paths.TASK_CARD, TaskCard)
    annotations = read_rows(paths.annotated("train"), Annotation)
    row = read_rows(paths.TRAINING, TrainingRow)[0]
    return RunResults(
        task=task,
        metrics={stage: read_object(paths.metrics(stage)) for stage in STAGES},
        prompts=read_prompts(paths.PROMPT, task),
        returned_models=Counter(answer.model or "" for answer in annotations if answer.response is not None),
        prompt_uses=Counter(answer.asked for answer in annotations),
        example=Example(row.id, row.input, {}, row.choices),
    )
