"""How good a student is on the validation rows, while it trains."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.stats import binom

from distill.answers.matching import same_label
from distill.errors import DataError
from distill.rows.records import Example
from distill.student.architecture import Architecture
from distill.student.predicting import Student, candidates, scores

# A student without knowledge passes for one that learned at most so often.
CHANCE_LEVEL = 0.01


@dataclass(frozen=True)
class ValidationScore:
    """How good a student is on the validation rows.

    accuracy: the share of rows whose label is the gold label. loss: -log probability of the gold label in nats, the
    mean over the rows; where the student writes its labels, of the written label.
    """

    accuracy: float
    loss: float

    @property
    def rank(self) -> tuple[float, float]:
        """Orders students by accuracy, and by loss among equals. A loss that is no number ranks last."""
        return self.accuracy, -self.loss if math.isfinite(self.loss) else -math.inf


class Validation:
    """Judges a student by gold labels. Raises DataError on a row without one, or whose answers lack it."""

    def __init__(self, rows: Sequence[Example], student: Architecture, rows_per_batch: int):
        if not rows:
            raise DataError("validation has no rows, so the best weights cannot be chosen; see task.validation_rows")
        for row in rows:
            if row.label is None:
                raise DataError(f"validation row {row.id!r} has no gold label, by which the best weights are chosen")
        self.rows, self.student, self.rows_per_batch = rows, student, rows_per_batch
        self.answers = [] if student.plan.writes_labels else candidates(rows, student.plan)
        for row, answers in zip(rows, self.answers, strict=False):
            if row.label not in answers:
                raise DataError(
                    f"validation row {row.id!r} has the gold label {row.label!r}; allowed: {', '.join(answers)}"
                )

    def chance(self, looks: int) -> float:
        """The accuracy that a student without knowledge reaches at best; 0 where the student writes its labels.

        Such a student is right on a row by the share of the most frequent label, or of one guess among a row's own
        choices. Of `looks` judgements the best is kept, so the accuracy is what one of them passes with a probability
        of at most CHANCE_LEVEL / looks (the binomial's quantile; Bonferroni), and below 1.
        """
        if self.student.plan.writes_labels:
            return 0.0
        if self.student.plan.classes:
            share = max(Counter(row.label for row in self.rows).values()) / len(self.rows)
        else:
            share = _mean([1 / len(answers) for answers in self.answers])
        by_luck = binom.isf(CHANCE_LEVEL / max(looks, 1), len(self.rows), share) / len(self.rows)
        return min(float(by_luck), math.nextafter(1, 0))

    def judge(self) -> ValidationScore:
        """Leaves the student in evaluation mode."""
        with torch.random.fork_rng(devices=[]):
            return self._by_written_labels() if self.student.plan.writes_labels else self._by_scores()

    def _by_written_labels(self) -> ValidationScore:
        answers = Student(self.student, self.rows_per_batch).label(self.rows)
        right = [
            same_label(self.student.plan.task_kind, row.label or "", label)
            for (label, _), row in zip(answers, self.rows, strict=True)
        ]
        return ValidationScore(_mean(right), -_mean([math.log(max(probability, 1e-30)) for _, probability in answers]))

    def _by_scores(self) -> ValidationScore:
        logs = scores(self.student, [row.input for row in self.rows], self.answers, self.rows_per_batch)
        right, losses = [], []
        for row, answers, row_logs in zip(self.rows, self.answers, logs, strict=True):
            values = torch.tensor(row_logs, dtype=torch.float64)
            gold = answers.index(row.label or "")
            right.append(max(range(len(row_logs)), key=row_logs.__getitem__) == gold)
            losses.append(float(torch.logsumexp(values, 0) - values[gold]))
        return ValidationScore(_mean(right), _mean(losses))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
