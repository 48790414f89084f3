"""All that the report is made of, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distill import paths
from distill.prompts.prompt_file import read_prompts
from distill.rows.files import read_list, read_object, read_plot
from distill.rows.records import Annotation, Judged, TaskCard, read_json, read_rows
from distill.settings import Settings
from distill.templates import Template

MetricsSection = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """A run's metrics, curves and rows.

    `prepare`, `search`, `annotate`, `subsample`, `train` and `evaluate` are the metrics of those stages; `trace`,
    `curve`, `confusion`, `cascade` and `frontier_points` the rows of their plots. `train_answers` are the teacher's.
    What differs from run to run (seconds, dollars paid now) is not here: the same outs give the same page.
    """

    settings: Settings
    card: TaskCard
    prompts: Mapping[str, Template]
    prepare: MetricsSection
    search: MetricsSection
    annotate: MetricsSection
    subsample: MetricsSection
    train: MetricsSection
    evaluate: MetricsSection
    trace: Sequence[MetricsSection]
    curve: Sequence[MetricsSection]
    confusion: Sequence[Mapping[str, str]]
    cascade: Sequence[MetricsSection]
    frontier: MetricsSection
    frontier_points: Sequence[MetricsSection]
    train_answers: Sequence[Annotation]
    judged: Sequence[Judged]

    @property
    def simulated(self) -> bool:
        """Whether what was asked was no LLM."""
        return self.has_teacher and self.settings.teacher.provider == "simulated"

    @property
    def has_teacher(self) -> bool:
        """Whether any teacher gave any answer; where people labelled the rows, none need have."""
        return any(cost.get("calls") != 0 for cost in (self.search["cost"], *self.annotate["cost"].values()))

    @property
    def recorded(self) -> bool:
        """Whether the answers were there before, and given to nobody knows which prompt."""
        return self.has_teacher and self.settings.teacher.provider == "recorded"

    @property
    def by_people(self) -> bool:
        """Whether people, and not the teacher, wrote the labels and rationales of the train rows."""
        return self.settings.annotate.rationale_source == "human"

    @property
    def explains(self) -> bool:
        """Whether the student learned from rationales."""
        coverage = (self.train.get("rationale") or {}).get("coverage")
        return self.settings.train.mode != "standard" and bool(coverage)


def read_run(settings: Settings) -> Run:
    """Reads the outs of the stages before. Raises DataError where one is missing."""
    card = read_json(paths.TASK_CARD, TaskCard)
    return Run(
        settings=settings,
        card=card,
        prompts=read_prompts(paths.PROMPT, card),
        prepare=read_object(paths.metrics("prepare")),
        search=read_object(paths.metrics("optimize_prompt")),
        annotate=read_object(paths.metrics("annotate")),
        subsample=read_object(paths.metrics("subsample")),
        train=read_object(paths.metrics("train")),
        evaluate=read_object(paths.metrics("evaluate")),
        trace=read_plot(paths.PROMPT_SEARCH_PLOT),
        curve=read_list(paths.TRAINING_PLOT),
        confusion=read_plot(paths.CONFUSION_PLOT),
        cascade=read_list(paths.CASCADE_PLOT),
        frontier=read_object(paths.FRONTIER_METRICS),
        frontier_points=read_plot(paths.FRONTIER_PLOT),
        train_answers=read_rows(paths.annotated("train"), Annotation),
        judged=read_rows(paths.JUDGED, Judged),
    )
