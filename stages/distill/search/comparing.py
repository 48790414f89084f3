"""Prompts compared row by row, on the rows that both were tried on: intervals, not point scores, decide."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

from distill.intervals import mcnemar
from distill.search.scoring import Score

# What a row's score can hardly differ by less than, in standard deviations: a handful of equal rows is no certainty.
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


def difference(one: Score, other: Score, confidence: float) -> Difference:
    """`one` less `other`. The interval is that of a mean of paired differences, normal, at `confidence`.

    Raises ValueError where they share no row.
    """
    shared = [i for i in one.by_row if i in other.by_row]
    if not shared:
        raise ValueError("two prompts that were tried on different rows cannot be compared")
    apart = [one.by_row[i] - other.by_row[i] for i in shared]
    mean, n = fmean(apart), len(apart)
    deviation = max(stdev(apart) if n > 1 else 1.0, LEAST_DEVIATION)
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * deviation / math.sqrt(n)
    gained = sum(i in one.right and i not in other.right for i in shared)
    lost = sum(i in other.right and i not in one.right for i in shared)
    return Difference(n, mean, mean - half, mean + half, mcnemar(gained, lost))
