"""Intervals of what several seeds came to on the same test rows, that hold for other seeds and for other rows.

Student's t over seeds knows nothing of the rows: they are the same for all seeds, and would be others another time.
Two independent parts are put together here, each from its own interval, by recovering variances from limits (MOVER:
Zou and Donner 2008, section 2): the distances from the estimate to either limit add up as squares do. Both parts hold
what seeds and rows do together, so that the interval is too wide rather than too narrow (as Owen 2007, "The pigeonhole
bootstrap", section 4, finds of resampling both).

- Seeds: Student's t over them. Of one seed there is no such part; the table says so.
- Rows: Wilson's interval of a mean accuracy; where it is known which rows each seed got right, of as many rows as
  would give, with one answer each, the spread that the mean over seeds has over rows. Of a difference, the spread over
  rows of the mean difference, where those rows are known, and else Newcombe's interval of two independent shares (1998,
  method 10), which is wider. Where no row differs, what none of so many leaves open (Wilson's upper limit).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy.optimize import bisect
from scipy.stats import norm
from scipy.stats import t as student

from distill.intervals import student_t, wilson

_LEAST_P = 1e-200

# Of each seed, which rows were right: (rows,) of bool.
Rights = Sequence[np.ndarray]


@dataclass(frozen=True)
class Lead:
    """A mean difference of accuracies, paired by seed. `rows_paired` says whether the rows' part is of paired rows."""

    mean: float
    ci_low: float
    ci_high: float
    p_value: float
    rows_paired: bool


def seeds_and_rows(
    accuracies: Sequence[float], rows: int, confidence: float, rights: Rights | None = None
) -> tuple[float, float]:
    """Interval of the mean accuracy of seeds, all on the same `rows` test rows; it is never of width 0.

    Where all seeds agree, or there is one, it is Wilson's. Raises ValueError on no accuracies or no rows.
    """
    mean = statistics.fmean(accuracies)
    below, above = _distances_of_rows(mean, _worth(rights, rows), confidence)
    seeds = _distance_of_seeds(accuracies, confidence)
    return max(0.0, mean - math.hypot(below, seeds)), min(1.0, mean + math.hypot(above, seeds))


def lead(
    first: Sequence[float],
    second: Sequence[float],
    rows: int,
    confidence: float,
    rights: tuple[Rights, Rights] | None = None,
) -> Lead:
    """First less second of accuracies that are paired by seed, all on the same `rows`; `rights` are theirs row by row.

    The p-value is the least level at which the interval leaves out 0, so that both say the same. Raises ValueError on
    no accuracies, or different numbers of them.
    """
    differences = [own - other for own, other in zip(first, second, strict=True)]
    mean, k = statistics.fmean(differences), len(differences)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    if rights is None:
        low, high = (_distances_of_rows(statistics.fmean(some), rows, confidence) for some in (first, second))
        below, above = math.hypot(low[0], high[1]), math.hypot(low[1], high[0])
    else:
        below = above = z * _error_of_paired_rows(*rights)
    seeds = _distance_of_seeds(differences, confidence)
    ends = max(-1.0, mean - math.hypot(below, seeds)), min(1.0, mean + math.hypot(above, seeds))
    # Towards no difference, as the test asks whether that could be.
    of_rows = (below if mean > 0 else above) / z
    of_seeds = statistics.stdev(differences) / math.sqrt(k) if k > 1 else 0.0
    return Lead(mean, *ends, _p_value(mean, of_seeds, of_rows, k), rights is not None)


def _distance_of_seeds(values: Sequence[float], confidence: float) -> float:
    if len(values) < 2:
        return 0.0
    low, high = student_t(values, confidence)
    return (high - low) / 2


def _worth(rights: Rights | None, rows: int) -> float:
    """How many rows with one answer each would have the spread that the mean over seeds has over these."""
    if rights is None:
        return rows
    means = np.mean(rights, axis=0)
    share, spread = means.mean(), means.var()
    return rows * float(share * (1 - share) / spread) if spread > 0 else rows


def _distances_of_rows(share: float, rows: float, confidence: float) -> tuple[float, float]:
    # A mean over seeds is right in no whole number of rows; Wilson's formula asks for none.
    low, high = wilson(min(share * rows, rows), rows, confidence)
    return share - low, high - share


def _error_of_paired_rows(first: Rights, second: Rights) -> float:
    """Standard error over rows of the mean over seeds of what the first got right more often than the second."""
    differences = np.mean([own.astype(float) - other for own, other in zip(first, second, strict=True)], axis=0)
    n = len(differences)
    if n > 1 and differences.any():
        return float(differences.std(ddof=1) / math.sqrt(n))
    z = NormalDist().inv_cdf(0.975)
    return wilson(0, n, 0.95)[1] / z


def _p_value(mean: float, of_seeds: float, of_rows: float, seeds: int) -> float:
    """From standard errors; at least _LEAST_P."""

    def beyond(log_level: float) -> float:
        """How far the interval of this level reaches beyond no difference."""
        tail = math.exp(log_level) / 2
        by_seeds = student.isf(tail, seeds - 1) * of_seeds if of_seeds else 0.0
        return math.hypot(norm.isf(tail) * of_rows, by_seeds) - abs(mean)

    least = math.log(_LEAST_P)
    return math.exp(bisect(beyond, least, 0.0)) if beyond(least) > 0 else _LEAST_P
