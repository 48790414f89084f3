"""How good a student is on the validation rows, while it trains."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from distill.answers.matching import same_label
from distill.errors import DataError
from distill.rows.records import Example
from distill.student.architecture import Architecture
from distill.student.predicting import Student, candidates, scores


@dataclass(frozen=True)
class Judged:
    """accuracy: share of gold labels met. loss: -log probability of the gold label, in nats, the mean of the
    rows; of the generated label where labels are generated."""

    accuracy: float
    loss: float

    @property
    def rank(self) -> tuple[float, float]:
        """Orders students: by accuracy, and by loss among equals. Not a number ranks last."""
        return self.accuracy, -self.loss if math.isfinite(self.loss) else -math.inf


class Validation:
    """Judges by gold labels. Raises DataError where a row has none, or none that its choices hold."""

    def __init__(self, rows: Sequence[Example], student: Architecture, rows_per_batch: int):
        if not rows:
            raise DataError("validation has no rows, so the best weights cannot be chosen; see task.validation_rows")
        for row in rows:
            if row.label is None:
                raise DataError(f"validation row {row.id!r} has no gold label, by which the best weights are chosen")
        self.rows, self.student, self.rows_per_batch = rows, student, rows_per_batch
        self.generates = student.plan.task_kind in ("number", "text")
        self.answers = [] if self.generates else candidates(rows, student.plan)
        for row, answers in zip(rows, self.answers, strict=False):
            if row.label not in answers:
                raise DataError(
                    f"validation row {row.id!r} has the gold label {row.label!r}; allowed: {', '.join(answers)}"
                )

    @property
    def chance(self) -> float:
        """What knowing nothing reaches at best: the share of the most frequent label, or of one guess among a
        row's own choices, plus two standard errors, below 1; 0 where labels are generated."""
        if self.generates:
            return 0.0
        if self.student.plan.classes:
            share = max(Counter(row.label for row in self.rows).values()) / len(self.rows)
        else:
            share = _mean([1 / len(answers) for answers in self.answers])
        return min(share + 2 * math.sqrt(share * (1 - share) / len(self.rows)), math.nextafter(1, 0))

    def judge(self) -> Judged:
        """Leaves the student in evaluation mode."""
        with torch.random.fork_rng(devices=[]):
            return self._generated() if self.generates else self._scored()

    def _generated(self) -> Judged:
        made = Student(self.student, self.rows_per_batch).label(self.rows)
        right = [
            same_label(self.student.plan.task_kind, row.label or "", label)
            for (label, _), row in zip(made, self.rows, strict=True)
        ]
        return Judged(_mean(right), -_mean([math.log(max(probability, 1e-30)) for _, probability in made]))

    def _scored(self) -> Judged:
        logs = scores(self.student, [row.input for row in self.rows], self.answers, self.rows_per_batch)
        right, losses = [], []
        for row, answers, found in zip(self.rows, self.answers, logs, strict=True):
            values = torch.tensor(found, dtype=torch.float64)
            gold = answers.index(row.label or "")
            right.append(max(range(len(found)), key=found.__getitem__) == gold)
            losses.append(float(torch.logsumexp(values, 0) - values[gold]))
        return Judged(_mean(right), _mean(losses))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
