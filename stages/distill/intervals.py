"""What few numbers say: intervals of shares, means and differences, exact and paired tests, calibration."""

from __future__ import annotations

import math
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np


def wilson(successes: float, trials: float, confidence: float = 0.95) -> tuple[float, float]:
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
    """Two-sided exact p-value of McNemar's test (McNemar 1947; the binomial form): 1 where nothing differs, never 0.

    Of more than 1,000 rows that differ, the largest term of the binomial's tail is taken by logarithms and those beyond
    it by their ratios to it, in time that grows with their number.
    """
    # Python's own whole numbers, that do not overflow.
    n, less = int(first_only) + int(second_only), min(int(first_only), int(second_only))
    if n <= 1000:
        return min(1.0, 2 * sum(math.comb(n, k) for k in range(less + 1)) / 2**n)
    largest = math.lgamma(n + 1) - math.lgamma(less + 1) - math.lgamma(n - less + 1) - n * math.log(2)
    fewer = np.arange(less, 0, -1)
    terms = 1 + float(np.cumprod(fewer / (n - fewer + 1)).sum())
    return min(1.0, max(math.exp(largest + math.log(2 * terms)), sys.float_info.min))


def p_in_words(value: float) -> str:
    """ "= 0.043", or "< 0.0001"."""
    return "< 0.0001" if value < 0.0001 else f"= {value:.2g}"


DRAWS = 10_000
SEED = 0
# Rows that differ, from which on resamples of them are many enough.
FEW = 10


def macro_f1_interval(pairs: Sequence[tuple[str, str | None]], confidence: float) -> tuple[float, float]:
    """Interval of the macro-F1 of (gold, answer) pairs, over DRAWS resamples of the rows.

    A resample's classes are those that it has gold rows of. Equal pairs are one cell, so that a resample of the rows is
    one multinomial draw of the cells' counts. Raises ValueError on no pairs.
    """
    cells = sorted(Counter(pairs).items(), key=lambda cell: (cell[0][0], cell[0][1] or ""))
    if not cells:
        raise ValueError("no pairs to resample")
    counts = np.random.default_rng(SEED).multinomial(len(pairs), [count / len(pairs) for _, count in cells], size=DRAWS)
    classes = sorted({gold for gold, _ in pairs})
    gold = np.stack(
        [counts[:, [place for place, ((g, _), _) in enumerate(cells) if g == name]].sum(1) for name in classes]
    )
    answered = np.stack(
        [counts[:, [place for place, ((_, a), _) in enumerate(cells) if a == name]].sum(1) for name in classes]
    )
    hits = np.stack(
        [counts[:, [place for place, (pair, _) in enumerate(cells) if pair == (name, name)]].sum(1) for name in classes]
    )
    f1 = 2 * hits / np.maximum(gold + answered, 1)
    there = gold > 0
    return _interval((f1 * there).sum(0) / there.sum(0), confidence)


def mean_interval(values: Sequence[float], confidence: float) -> tuple[float, float]:
    """Interval of the mean of one value a row, over DRAWS resamples of the rows. Raises ValueError on no values."""
    if not values:
        raise ValueError("no values to resample")
    numbers, draws = np.asarray(values, dtype=float), np.random.default_rng(SEED)
    # One resample at a time: all at once would take 8 bytes a row and draw.
    return _interval(
        np.array([numbers[draws.integers(0, len(numbers), len(numbers))].mean() for _ in range(DRAWS)]), confidence
    )


def _interval(draws: np.ndarray, confidence: float) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)


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


def compare(
    first: Sequence[bool] | np.ndarray, second: Sequence[bool] | np.ndarray, confidence: float, seed: int = 0
) -> Paired:
    """Compares what was right, row by row, in the same order; lists or NumPy arrays of truth values.

    The interval is the percentile interval of DRAWS paired bootstrap resamples (Efron and Tibshirani 1993).
    A row's difference is -1, 0 or 1, so a resample of n rows is one multinomial draw of the three counts. Where fewer
    than FEW rows differ there is too little to draw from (from none, an interval of width 0), and the interval is
    Tango's.
    Raises ValueError on no rows, or on different numbers of rows.
    """
    if not len(first) or len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} rows cannot be compared pair by pair")
    n = len(first)
    # Python's own whole numbers: NumPy's overflow in an exact test.
    ahead = sum(bool(a) and not b for a, b in zip(first, second, strict=True))
    behind = sum(bool(b) and not a for a, b in zip(first, second, strict=True))
    if ahead + behind < FEW:
        low, high = tango(ahead, behind, n, confidence)
    else:
        shares = np.array([behind, n - ahead - behind, ahead]) / n
        counts = np.random.default_rng(seed).multinomial(n, shares, size=DRAWS)
        low, high = _interval((counts[:, 2] - counts[:, 0]) / n, confidence)
    return Paired(ahead, behind, (ahead - behind) / n, low, high, mcnemar(ahead, behind))


def tango(first_only: int, second_only: int, rows: int, confidence: float) -> tuple[float, float]:
    """Score interval of the difference of two shares of the same rows (Tango 1998, Statistics in Medicine 17, eq. 12
    and the appendix): the differences that a score test does not reject. Where nothing differs it reaches as far as
    Wilson's interval of no success does.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)

    def rejected(difference: float, ahead: int, behind: int) -> bool:
        """Whether so small a difference is too small. `q` is the likeliest share of rows that count against it."""
        b = -ahead - behind + (2 * rows - ahead + behind) * difference
        c = -behind * difference * (1 - difference)
        q = (math.sqrt(max(0.0, b * b - 8 * rows * c)) - b) / (4 * rows)
        variance = rows * (2 * q + difference * (1 - difference))
        return ahead - behind - rows * difference > z * math.sqrt(max(0.0, variance))

    def lowest(ahead: int, behind: int) -> float:
        low, high = -1.0, (ahead - behind) / rows
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if rejected(middle, ahead, behind) else (low, middle)
        return high

    return lowest(first_only, second_only), -lowest(second_only, first_only)


def student_t(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Student's t interval of the mean of independent values (Student 1908). Raises ValueError on fewer than two."""
    if len(values) < 2:
        raise ValueError(f"{len(values)} values have no interval; it takes two")
    mean, error = statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values))
    half = t_quantile(0.5 + confidence / 2, len(values) - 1) * error
    return mean - half, mean + half


def t_quantile(probability: float, freedom: int) -> float:
    """The value that Student's t with `freedom` degrees stays below with this probability, 0.5 to below 1."""
    if not 0.5 <= probability < 1 or freedom < 1:
        raise ValueError(f"probability {probability} with {freedom} degrees of freedom")
    low, high = 0.0, 1.0
    while _between(high, freedom) < 2 * probability - 1:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _between(middle, freedom) < 2 * probability - 1 else (low, middle)
    return (low + high) / 2


def largest_t(rows: np.ndarray, confidence: float) -> float:
    """How many standard errors wide, to each side, intervals of several means are that hold all at once.

    `rows` is a (rows, means) array, a row's values beside one another. It is the quantile of the largest of their
    correlated t values, over DRAWS draws (the single-step maximum of t: Dunnett 1955; Hothorn, Bretz and Westfall 2008,
    section 3): the largest mean's lower bound is above its true value with a probability of 0.5 - confidence / 2 at
    most. Of one mean it is Student's. A mean whose values are all equal adds nothing. Infinite on fewer than two rows.
    """
    n = len(rows)
    if n < 2:
        return math.inf
    centred = rows - rows.mean(0)
    lengths = np.sqrt((centred**2).sum(0))
    varies = lengths > 1e-12 * math.sqrt(n)
    if varies.sum() < 2:
        return t_quantile(0.5 + confidence / 2, n - 1)
    scaled = centred[:, varies] / lengths[varies]
    # What has the columns' correlations, from as many independent draws as there are columns.
    values, vectors = np.linalg.eigh(scaled.T @ scaled)
    random = np.random.default_rng(SEED)
    draws = random.standard_normal((DRAWS, len(values))) @ (vectors * np.sqrt(np.clip(values, 0, None))).T
    largest = draws.max(1) / np.sqrt(random.chisquare(n - 1, DRAWS) / (n - 1))
    return float(np.quantile(largest, 0.5 + confidence / 2))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number, in their order: below a level, they err in any with no more than that
    probability, whatever hangs together (Holm 1979)."""
    corrected, least = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = least
    return corrected


def _between(t: float, freedom: int) -> float:
    """The share of Student's t between -t and t, as a finite sum (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)."""
    angle = math.atan2(t, math.sqrt(freedom))
    sine, cosine2 = math.sin(angle), math.cos(angle) ** 2
    odd = freedom % 2
    term, total = (math.cos(angle), 0.0) if odd else (1.0, 0.0)
    for k in range((freedom - 1) // 2 if odd else freedom // 2):
        total += term
        term *= cosine2 * ((2 * k + 2) / (2 * k + 3) if odd else (2 * k + 1) / (2 * k + 2))
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


BINS = 15


def expected_calibration_error(probabilities: Sequence[float], correct: Sequence[bool], bins: int = BINS) -> float:
    """Mean gap between probability and accuracy over equally wide bins, weighted by rows (Guo et al. 2017, eq. 3).

    Raises ValueError on no rows or a probability outside 0 to 1.
    """
    if not probabilities or len(probabilities) != len(correct):
        raise ValueError(f"{len(probabilities)} probabilities for {len(correct)} rows")
    gaps = [0.0] * bins
    for probability, right in zip(probabilities, correct, strict=True):
        if not 0 <= probability <= 1:
            raise ValueError(f"a probability of {probability}")
        gaps[min(int(probability * bins), bins - 1)] += probability - right
    return sum(abs(gap) for gap in gaps) / len(probabilities)
