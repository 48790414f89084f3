"""The law of the error over rows: found again where it is planted, and continued as surely as stated."""

from __future__ import annotations

import numpy as np
import pytest

from distill.studies.power_law import EXPONENTS, CurvePoint, continued, power_laws

ROWS = (100, 200, 300, 400, 600, 800)


def planted(rows, slope=3.0, exponent=float(EXPONENTS[40]), floor=0.04):
    return 1 - slope * np.asarray(rows, dtype=float) ** -exponent - floor


def test_a_planted_law_is_found_again():
    errors = np.stack([1 - planted(ROWS), np.full(6, 0.3), 2.0 * np.array(ROWS, float) ** -EXPONENTS[30]])
    slope, exponent, floor = power_laws(np.array(ROWS, float), errors, np.ones(6))
    assert slope.tolist() == pytest.approx([3.0, 0.0, 2.0], rel=1e-6)
    assert exponent[0] == EXPONENTS[40] and exponent[2] == EXPONENTS[30]
    assert floor.tolist() == pytest.approx([0.04, 0.3, 0.0], abs=1e-7)


def test_an_error_that_grows_with_the_rows_is_continued_as_its_mean():
    points = [CurvePoint(rows, (0.9 - rows / 10_000,), 10**9) for rows in ROWS]
    (twice,) = continued(points, [1600], 0.95)
    mean = np.mean([point.accuracies[0] for point in points])
    assert twice["accuracy"] == pytest.approx(mean) and twice["gain"] == 0.0


def test_twice_the_rows_are_foretold_with_their_gain():
    points = [CurvePoint(rows, (float(planted([rows])[0]),) * 3, 10**9) for rows in ROWS]
    (twice,) = continued(points, [1600], 0.95)
    truth, now = planted([1600])[0], planted([800])[0]
    assert twice["accuracy"] == pytest.approx(truth, abs=1e-6) and twice["gain"] == pytest.approx(truth - now, abs=1e-6)
    assert twice["accuracy_ci_low"] == pytest.approx(truth, abs=2e-3)


@pytest.mark.parametrize("floor", [0.0, 0.04])
@pytest.mark.parametrize("spread", [0.015, 0.04])
def test_the_intervals_cover_what_twice_the_rows_bring_in_95_of_100_worlds(floor, spread):
    """With three seeds a point; by seeds drawn with replacement and a floor of 0 or more, 77 of 100 without a floor."""
    draws, worlds, reached, gained = np.random.default_rng(11), 150, 0, 0
    truth, now = planted([1600], floor=floor)[0], planted([800], floor=floor)[0]
    for _ in range(worlds):
        points = []
        for rows, value in zip(ROWS, planted(ROWS, floor=floor), strict=True):
            on_rows = draws.binomial(600, value) / 600  # all seeds share the test rows
            points.append(CurvePoint(rows, tuple(np.clip(draws.normal(on_rows, spread, 3), 0, 1)), 600))
        (twice,) = continued(points, [1600], 0.95)
        reached += twice["accuracy_ci_low"] <= truth <= twice["accuracy_ci_high"]
        gained += twice["gain_ci_low"] <= truth - now <= twice["gain_ci_high"]
    # Two standard errors below 95 % are 91.4 %.
    assert min(reached, gained) / worlds >= 0.914


def test_seeds_that_agree_have_the_noise_of_their_test_rows_all_the_same():
    points = [CurvePoint(rows, (float(planted([rows])[0]),) * 3, 600) for rows in ROWS]
    narrow, wide = (
        continued([CurvePoint(p.rows, p.accuracies, rows) for p in points], [1600], 0.95)[0] for rows in (6000, 600)
    )
    width = [span["accuracy_ci_high"] - span["accuracy_ci_low"] for span in (narrow, wide)]
    assert width[1] > 2 * width[0] > 0.01


def test_where_all_test_rows_are_right_the_interval_has_a_width_all_the_same():
    (twice,) = continued([CurvePoint(rows, (1.0, 1.0), 48) for rows in ROWS], [1600], 0.95)
    assert 0.005 < twice["accuracy_ci_high"] - twice["accuracy_ci_low"] < 0.1


def test_two_points_are_no_curve():
    with pytest.raises(ValueError, match="2 shares"):
        continued([CurvePoint(10, (0.5,), 9), CurvePoint(20, (0.6,), 9)], [40], 0.95)
