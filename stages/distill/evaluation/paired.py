"""Two answerers on the same rows: is one really better?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distill.intervals import mcnemar

DRAWS = 10_000


@dataclass(frozen=True)
class Paired:
    """`difference` of accuracies, first less second, its paired-bootstrap interval, and McNemar's exact p-value.

    `first_only` and `second_only` count the rows that one got right and the other wrong.
    """

    first_only: int
    second_only: int
    difference: float
    ci_low: float
    ci_high: float
    p_value: float


def compare(first: Sequence[bool] | np.ndarray, second: Sequence[bool] | np.ndarray, confidence: float, seed: int = 0) -> Paired:
    """Compares what was right, row by row, in the same order; lists or NumPy arrays of truth values.

    The interval is the percentile interval of DRAWS paired bootstrap resamples (Efron and Tibshirani 1993).
    A row's difference is -1, 0 or 1, so a resample of n rows is one multinomial draw of the three counts.
    Raises ValueError on no rows, or on different numbers of rows.
    """
    if not len(first) or len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} rows cannot be compared pair by pair")
    n = len(first)
    # Python's own whole numbers: NumPy's overflow in an exact test.
    ahead = sum(bool(a) and not b for a, b in zip(first, second, strict=True))
    behind = sum(bool(b) and not a for a, b in zip(first, second, strict=True))
    shares = np.array([behind, n - ahead - behind, ahead]) / n
    counts = np.random.default_rng(seed).multinomial(n, shares, size=DRAWS)
    low, high = np.quantile((counts[:, 2] - counts[:, 0]) / n, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Paired(ahead, behind, (ahead - behind) / n, float(low), float(high), mcnemar(ahead, behind))
