"""How good a prompt is: one formula, every part of it kept.

score = (a * accuracy + p * parsed + e * explained + b * in_band) / (a + p + e + b) - t * tokens / 1000

accuracy: share of rows whose label is the gold one (a row without a label is wrong); parsed: share with
a label; explained: share with a rationale; in_band: share whose rationale has the wanted number of
words; tokens: mean tokens of prompt and answer. The weights are `prompt.weights`. The score is the mean
of what each row adds to it, so that prompts can be compared row by row.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev
from typing import Any

from distill.answers.matching import same_label
from distill.intervals import mcnemar, wilson
from distill.rows.records import Annotation
from distill.settings.prompt import ScoreWeights


@dataclass(frozen=True, slots=True)
class Score:
    """A prompt's score on some rows, its parts, what each row (by id) adds, the rows answered right, and those whose
    answer has both a label and a rationale."""

    rows: int
    correct: int
    parsed: float
    explained: float
    in_band: float
    tokens: float | None
    total: float
    by_row: dict[str, float]
    right: frozenset[str]
    whole: frozenset[str]

    @property
    def accuracy(self) -> float:
        return self.correct / self.rows

    def parts(self) -> dict[str, Any]:
        """The parts as plain numbers, for the trace."""
        return {
            "rows": self.rows,
            "score": self.total,
            "accuracy": self.accuracy,
            "parsed": self.parsed,
            "explained": self.explained,
            "in_band": self.in_band,
            "tokens": self.tokens,
        }

    def metrics(self, confidence: float = 0.95) -> dict[str, Any]:
        """Nested as in every stage: label.accuracy with its Wilson interval, parse.failure_rate, …"""
        low, high = wilson(self.correct, self.rows, confidence)
        return {
            "score": self.total,
            "rows": self.rows,
            "label": {"accuracy": self.accuracy, "accuracy_ci_low": low, "accuracy_ci_high": high},
            "parse": {"failure_rate": 1 - self.parsed},
            "rationale": {"coverage": self.explained, "in_band": self.in_band},
            "tokens_per_row": self.tokens,
        }


def score(
    annotations: Collection[Annotation],
    gold: Mapping[str, str],
    kind: str,
    weights: ScoreWeights,
    band: tuple[int, ...],
) -> Score:
    """The score of one prompt's answers to a task of `kind`. `band` is (least, most) words of a rationale.

    A row of unknown tokens, as one that failed, is charged the mean of the others; where all are unknown, tokens are
    left out of the score. Raises ValueError on no rows.
    """
    rows = len(annotations)
    if not rows:
        raise ValueError("a prompt cannot be scored on no rows")
    right = frozenset(a.id for a in annotations if same_label(kind, gold[a.id], a.label))
    parsed = {a.id: a.label is not None for a in annotations}
    explained = {a.id: a.rationale is not None for a in annotations}
    in_band = {a.id: a.rationale is not None and band[0] <= len(a.rationale.split()) <= band[1] for a in annotations}
    tokens_of = {
        a.id: a.tokens_in + a.tokens_out for a in annotations if a.tokens_in is not None and a.tokens_out is not None
    }
    tokens = sum(tokens_of.values()) / len(tokens_of) if tokens_of else None
    weight = (weights.accuracy + weights.parsed + weights.explained + weights.in_band) or 1.0
    by_row = {
        i: (
            (
                weights.accuracy * (i in right)
                + weights.parsed * parsed[i]
                + weights.explained * explained[i]
                + weights.in_band * in_band[i]
            )
            / weight
            - weights.tokens * tokens_of.get(i, tokens or 0.0) / 1000
        )
        for i in parsed
    }
    return Score(
        rows,
        len(right),
        sum(parsed.values()) / rows,
        sum(explained.values()) / rows,
        sum(in_band.values()) / rows,
        tokens,
        math.fsum(by_row.values()) / rows,
        by_row,
        right,
        frozenset(i for i in parsed if parsed[i] and explained[i]),
    )


# The least standard deviation of a row's difference: a handful of equal rows is no certainty.
LEAST_DEVIATION = 0.02


@dataclass(frozen=True, slots=True)
class Difference:
    """One prompt's score less another's on `rows` shared rows, with its interval, and the p-value of McNemar's
    exact test of what was answered right."""

    rows: int
    mean: float
    low: float
    high: float
    p_value: float

    def metrics(self) -> dict[str, float]:
        return {"score": self.mean, "score_ci_low": self.low, "score_ci_high": self.high, "label_p_value": self.p_value}


def difference(score: Score, other: Score, confidence: float) -> Difference:
    """`score` less `other`, on the rows that both have. The interval is that of a mean of paired differences, normal,
    at `confidence`.

    Raises ValueError where they share no row.
    """
    shared = [i for i in score.by_row if i in other.by_row]
    if not shared:
        raise ValueError("two prompts that were tried on different rows cannot be compared")
    mean, error = mean_and_error([score.by_row[i] - other.by_row[i] for i in shared])
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * error
    return Difference(len(shared), mean, mean - half, mean + half, label_p_value(score, other))


def mean_and_error(apart: Sequence[float]) -> tuple[float, float]:
    """The mean of rows' differences, and its standard error, which LEAST_DEVIATION keeps from 0."""
    deviation = max(stdev(apart) if len(apart) > 1 else 1.0, LEAST_DEVIATION)
    return fmean(apart), deviation / math.sqrt(len(apart))


def label_p_value(score: Score, other: Score) -> float:
    """McNemar's exact test of what two prompts answered right, on the rows that both have."""
    gained = sum(i in other.by_row for i in score.right - other.right)
    lost = sum(i in score.by_row for i in other.right - score.right)
    return mcnemar(gained, lost)
