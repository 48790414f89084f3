"""The error that is left, over the number of rows: a power law with a floor, and how sure its continuation is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# The exponents that are tried, from an error that hardly falls to one that falls with the square of the rows.
EXPONENTS = np.geomspace(0.02, 2.0, 60)
_DRAWS = 2000
_SEED = 0


@dataclass(frozen=True)
class CurvePoint:
    """What students (or bars) of several seeds reach with so many training rows, each on `test_rows` test rows."""

    rows: float
    accuracies: tuple[float, ...]
    test_rows: int


def power_laws(
    rows: np.ndarray, errors: np.ndarray, weights: np.ndarray, any_floor: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(a, b, c) of error = a * rows ** -b + c with a of 0 or more, and c too but for `any_floor`, of least weighted
    squares.

    rows: (points,). errors: (fits, points). weights: (points,). Each result: (fits,). With b given the law is linear:
    each of EXPONENTS is solved exactly, and the best is taken (the form: Hestness et al. 2017, arXiv 1712.00409).
    """
    weights = weights / weights.sum()
    mean = errors @ weights
    # Without a slope, the floor is the mean error.
    best, law = ((errors - mean[:, None]) ** 2) @ weights, [np.zeros_like(mean), np.full_like(mean, EXPONENTS[0]), mean]
    for exponent in EXPONENTS:
        shrink = (rows / rows.max()) ** -exponent
        centred = shrink - shrink @ weights
        slope = (errors @ (weights * centred)) / (weights @ centred**2)
        floor = mean - slope * (shrink @ weights)
        if not any_floor:  # one below 0 is none: then the slope alone is fitted
            slope = np.where(floor < 0, (errors @ (weights * shrink)) / (weights @ shrink**2), slope)
            floor = np.maximum(floor, 0.0)
        loss = ((errors - slope[:, None] * shrink - floor[:, None]) ** 2) @ weights
        better = (slope >= 0) & (loss < best - 1e-15)
        best = np.where(better, loss, best)
        law = [np.where(better, new, old) for new, old in zip((slope, exponent, floor), law, strict=True)]
    slope, exponents, floor = law
    return slope * rows.max() ** exponents, exponents, floor


def continued(points: Sequence[CurvePoint], wanted: Sequence[float], confidence: float) -> list[dict[str, float]]:
    """The accuracy that the law gives at each number of `wanted` rows, with its interval, and its gain over the most
    rows that were measured.

    Interval: 2,000 times the mean of the seeds is drawn anew at each point, from Student's t with the spread of all
    points together, gets the noise of the test rows, which all seeds share, and the law is fitted again (percentiles).
    The floor of these fits may be below 0: where it is held at 0, and none is there, the interval of the gain held the
    truth in 77 of 100 worlds. Points are drawn apart, though they share test rows, which makes it wider rather than
    narrower. Raises ValueError on fewer than three points.
    """
    if len(points) < 3:
        raise ValueError(f"{len(points)} shares of the rows; a curve takes three")
    rows = np.array([point.rows for point in points], dtype=float)
    means = np.array([[1 - np.mean(point.accuracies) for point in points]])
    weights = np.array([len(point.accuracies) for point in points], dtype=float)
    # Few seeds a point tell their spread badly, and all points together well.
    freedom = sum(len(point.accuracies) - 1 for point in points)
    squares = sum(len(point.accuracies) * float(np.var(point.accuracies)) for point in points)
    draws, drawn = np.random.default_rng(_SEED), []
    for point in points:
        mean, error = np.mean(point.accuracies), np.sqrt(squares / max(freedom, 1) / len(point.accuracies))
        seeds = mean + error * draws.standard_t(max(freedom, 1), size=_DRAWS)
        # Jeffreys' posterior: where all test rows are right, they are not surely all right elsewhere.
        right = np.clip(seeds, 0, 1) * point.test_rows
        drawn.append(1 - draws.beta(right + 0.5, point.test_rows - right + 0.5))
    fitted = power_laws(rows, means, weights)
    resampled = power_laws(rows, np.stack(drawn, 1), weights, any_floor=True)
    continuations = []
    for number in wanted:
        value, spread = _accuracy(fitted, number)[0], _accuracy(resampled, number)
        gain = spread - _accuracy(resampled, rows.max())
        low, high = np.quantile(spread, [0.5 - confidence / 2, 0.5 + confidence / 2])
        gain_low, gain_high = np.quantile(gain, [0.5 - confidence / 2, 0.5 + confidence / 2])
        continuations.append(
            {"rows": float(number), "accuracy": float(value), "accuracy_ci_low": float(low),
             "accuracy_ci_high": float(high), "gain": float(value - _accuracy(fitted, rows.max())[0]),
             "gain_ci_low": float(gain_low), "gain_ci_high": float(gain_high)}
        )  # fmt: skip
    return continuations


def _accuracy(law: tuple[np.ndarray, np.ndarray, np.ndarray], rows: float) -> np.ndarray:
    slope, exponent, floor = law
    return np.clip(1 - slope * rows**-exponent - floor, 0, 1)
