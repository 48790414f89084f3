"""A trained student's labels and rationales."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

import torch

from distill.errors import DataError
from distill.progress import Progress
from distill.rows.records import Example, Prediction
from distill.settings.runtime import RuntimeSettings
from distill.student.architecture import Architecture, GeneratedText, TaskName
from distill.student.batching import by_length
from distill.student.loading import compute_device, load_student
from distill.student.plan import StudentPlan

# Significant digits of a probability in a file: a small one is not 0, which a log loss could not bear.
_DIGITS = 6


class Student:
    """Predicts in batches of rows of like length; answers come back in the order of the rows."""

    def __init__(self, model: Architecture, rows_per_batch: int):
        self.model, self.rows_per_batch = model, rows_per_batch

    @classmethod
    def load(cls, path: Path, runtime: RuntimeSettings) -> Student:
        """The student in the folder `path`. Raises DataError where the folder holds none."""
        return cls(load_student(path).to(compute_device(runtime)), runtime.predict_rows)

    @property
    def explains(self) -> bool:
        """Whether it learnt to write rationales."""
        return self.model.plan.explains

    def label(self, rows: Sequence[Example], progress: Progress | None = None) -> list[tuple[str, float]]:
        """Label and probability of each row.

        Where the possible answers are known beforehand all of them are scored, and the probability is the label's share
        among them. A number or a free text is written, and the probability is the exponential of the mean log
        probability of its tokens. Raises DataError on a row that lacks the choices it needs.
        """
        return [(label, probability) for label, probability, _ in self.answers(rows, progress)]

    def answers(
        self, rows: Sequence[Example], progress: Progress | None = None
    ) -> list[tuple[str, float, dict[str, float]]]:
        """As `label`, and of each row the probability of every possible answer, in their order; {} where it is written.

        Raises DataError as `label` does.
        """
        if self.model.plan.writes_labels:
            return [(answer.text, answer.probability, {}) for answer in self._generate(rows, "label", progress)]
        possible = candidates(rows, self.model.plan)
        logs_by_row = scores(self.model, [row.input for row in rows], possible, self.rows_per_batch, progress)
        distributions = [
            dict(zip(row, _shares(logs), strict=True)) for row, logs in zip(possible, logs_by_row, strict=True)
        ]
        return [(*max(shares.items(), key=itemgetter(1)), shares) for shares in distributions]

    def explain(self, rows: Sequence[Example], progress: Progress | None = None) -> list[str]:
        """The student's own rationale of each row, decoded greedily. Raises DataError where it learnt none."""
        if not self.explains:
            raise DataError("this student was trained on labels alone (train.mode: standard); it writes no rationales")
        return [rationale.text for rationale in self._generate(rows, "rationale", progress)]

    @torch.inference_mode()
    def _generate(self, rows: Sequence[Example], task: TaskName, progress: Progress | None) -> list[GeneratedText]:
        self.model.eval()
        inputs = self.model.inputs([row.input for row in rows], task)
        texts: dict[int, GeneratedText] = {}
        for batch in by_length([len(ids) for ids in inputs], self.rows_per_batch):
            texts |= zip(batch, self.model.generate([inputs[index] for index in batch], task), strict=True)
            if progress:
                progress.add(len(batch))
        return [texts[index] for index in range(len(rows))]


def predict(
    student: Student, rows: Sequence[Example], rationale_rows: int, title: str
) -> tuple[list[Prediction], dict[str, float]]:
    """Predictions in the order of `rows`, and the rows per second of labels and of rationales.

    `rationale_rows` of them, spread evenly, also get the student's rationale; none do where it learnt none.
    `title` names the work in the progress line.
    """
    started = time.perf_counter()
    with Progress(f"{title}, labels", len(rows)) as progress:
        answers = student.answers(rows, progress)
    speeds = {"label_rows_per_s": len(rows) / (time.perf_counter() - started)}
    wanted = min(rationale_rows, len(rows)) if student.explains else 0
    explained = [place * len(rows) // wanted for place in range(wanted)]
    rationales: dict[int, str] = {}
    if explained:
        started = time.perf_counter()
        with Progress(f"{title}, rationales", len(explained)) as progress:
            written = student.explain([rows[place] for place in explained], progress)
        rationales = dict(zip(explained, written, strict=True))
        speeds["rationale_rows_per_s"] = len(explained) / (time.perf_counter() - started)
    predictions = [
        Prediction(
            row.id,
            label,
            row.label,
            round(probability, 6),
            rationales.get(place),
            {name: float(f"{share:.{_DIGITS}g}") for name, share in shares.items()},
        )
        for place, (row, (label, probability, shares)) in enumerate(zip(rows, answers, strict=True))
    ]
    return predictions, speeds


def _shares(logs: Sequence[float]) -> list[float]:
    """Probabilities from log probabilities, scaled to sum up to 1."""
    most = max(logs)
    parts = [math.exp(log - most) for log in logs]
    whole = sum(parts)
    return [part / whole for part in parts]


def candidates(rows: Sequence[Example], plan: StudentPlan) -> list[tuple[str, ...]]:
    """The labels that each row is scored on: its own choices, or the task's classes.

    Raises DataError on a row that has neither.
    """
    answers = []
    for row in rows:
        if not (row.choices or plan.classes):
            raise DataError(
                f"row {row.id!r} has no choices, and the task has no classes; a {plan.task_kind} task needs either"
            )
        answers.append(row.choices or plan.classes)
    return answers


@torch.inference_mode()
def scores(
    model: Architecture,
    texts: Sequence[str],
    answers: Sequence[Sequence[str]],
    rows_per_batch: int,
    progress: Progress | None = None,
) -> list[list[float]]:
    """Log probability in nats of each row's answers."""
    model.eval()
    inputs = model.inputs(texts, "label")
    by_index: dict[int, list[float]] = {}
    for batch in by_length([len(ids) for ids in inputs], rows_per_batch):
        logs = model.score([inputs[index] for index in batch], [answers[index] for index in batch])
        by_index |= {index: row.tolist() for index, row in zip(batch, logs, strict=True)}
        if progress:
            progress.add(len(batch))
    return [by_index[index] for index in range(len(texts))]
