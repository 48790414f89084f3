"""Confidence intervals and exact tests."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927; Brown, Cai and DasGupta 2001, eq. 4).

    Raises ValueError on no trials, or more successes than trials.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p, z2n = successes / trials, z * z / trials
    centre = (p + z2n / 2) / (1 + z2n)
    half = z / (1 + z2n) * math.sqrt(p * (1 - p) / trials + z2n / (4 * trials))
    return max(0.0, centre - half), min(1.0, centre + half)


def mcnemar(first_only: int, second_only: int) -> float:
    """Two-sided exact p-value of McNemar's test (McNemar 1947; the binomial form): 1 where nothing differs."""
    # Python's own whole numbers, that do not overflow.
    n, less = int(first_only) + int(second_only), min(int(first_only), int(second_only))
    tail = sum(math.comb(n, k) for k in range(less + 1))
    return min(1.0, 2 * tail / 2**n)


def p_in_words(value: float) -> str:
    """ "= 0.043", or "< 0.0001": metrics are rounded, so that a very small one reads 0, which it never is."""
    return "< 0.0001" if value < 0.0001 else f"= {value:.2g}"
