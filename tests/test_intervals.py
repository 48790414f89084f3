from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.special import xlogy
from scipy.stats import binom, binomtest, t

from distill.evaluation.metrics import per_class
from distill.intervals import (
    FEW,
    compare,
    expected_calibration_error,
    largest_t,
    macro_f1_interval,
    mcnemar,
    mean_interval,
    p_in_words,
    student_t,
    t_quantile,
    tango,
    wilson,
)


def test_wilson_gives_the_published_values():
    # Newcombe (1998), table I, method 3: 81/263, 15/148, 0/20, 1/29.
    for successes, trials, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_a_higher_confidence_is_wider():
    assert wilson(5, 10, 0.99)[0] < wilson(5, 10, 0.95)[0] < 0.5


@pytest.mark.parametrize("bad", [(1, 0), (3, 2), (-1, 2)])
def test_impossible_counts_are_refused(bad):
    with pytest.raises(ValueError, match="successes in"):
        wilson(*bad)


def test_a_small_p_value_is_told_by_a_bound():
    assert [p_in_words(value) for value in (1.0, 0.0429571, 0.0001, 0.00009, 0.0)] == [
        "= 1",
        "= 0.043",
        "= 0.0001",
        "< 0.0001",
        "< 0.0001",
    ]


def test_the_largest_of_several_t_values_is_dunnetts():
    # Dunnett (1955), table 1a, one-sided 0.95: 2 and 5 treatments against one control, infinite degrees of freedom.
    random = np.random.default_rng(1)
    shared = random.standard_normal((20_000, 1))
    for treatments, value in ((2, 1.92), (5, 2.23)):
        # Differences to one control correlate by a half; of so many rows the t values are normal ones.
        rows = random.standard_normal((20_000, treatments)) - shared
        assert largest_t(rows, 0.9) == pytest.approx(value, abs=0.04)


def test_one_mean_alone_or_with_constants_has_students_interval():
    rows = np.array([[0.0, 1.0], [1.0, 1.0], [0.5, 1.0], [2.0, 1.0]])
    assert largest_t(rows[:, :1], 0.95) == largest_t(rows, 0.95) == pytest.approx(t.ppf(0.975, 3))
    twice = np.hstack([rows[:, :1], rows[:, :1]])
    assert largest_t(twice, 0.9) == pytest.approx(t.ppf(0.95, 3), rel=0.05), "what is one and the same counts once"
    assert largest_t(rows[:1], 0.9) == np.inf


PAIRS = [("a", "a")] * 30 + [("a", "b")] * 10 + [("b", "b")] * 25 + [("b", "a")] * 5 + [("b", None)] * 10


def macro_f1(pairs) -> float:
    found = per_class(pairs)
    return sum(one["f1"] for one in found.values()) / len(found)


def test_the_interval_is_that_of_resampled_rows():
    draws = np.random.default_rng(7)
    resampled = [macro_f1([PAIRS[place] for place in draws.integers(0, len(PAIRS), len(PAIRS))]) for _ in range(2000)]
    low, high = macro_f1_interval(PAIRS, 0.9)
    assert (low, high) == pytest.approx(tuple(np.quantile(resampled, [0.05, 0.95])), abs=0.01)
    assert low < macro_f1(PAIRS) < high and (low, high) == macro_f1_interval(PAIRS, 0.9)


def test_a_class_that_a_resample_lacks_is_not_counted_as_missed():
    assert macro_f1_interval([("a", "a")] * 3 + [("b", "b")], 0.95) == (1.0, 1.0)


def test_the_mean_of_one_value_a_row():
    values = [0.0, 1.0] * 50
    low, high = mean_interval(values, 0.95)
    assert (low, high) == (pytest.approx(0.5 - 1.96 * 0.05, abs=0.011), pytest.approx(0.5 + 1.96 * 0.05, abs=0.011))


def test_nothing_cannot_be_resampled():
    for interval in (macro_f1_interval, mean_interval):
        with pytest.raises(ValueError, match="to resample"):
            interval([], 0.95)


def test_mcnemar_is_the_two_sided_binomial_by_enumeration():
    for n in range(1, 9):
        for k in range(n + 1):
            as_far = [sum(flips) for flips in product((0, 1), repeat=n) if abs(sum(flips) - n / 2) >= abs(k - n / 2)]
            assert mcnemar(k, n - k) == pytest.approx(min(1.0, len(as_far) / 2**n))
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(10, 2) == pytest.approx(0.03857, abs=1e-5)


def test_mcnemar_of_many_rows_is_the_exact_binomial_and_never_0():
    for ahead, behind in ((600, 700), (9_800, 10_200), (30, 200)):
        assert mcnemar(ahead, behind) == pytest.approx(binomtest(ahead, ahead + behind).pvalue, rel=1e-10)
    assert mcnemar(500_000, 501_500) == pytest.approx(0.134165, rel=1e-5)
    assert 0 < mcnemar(20_000, 0) < 1e-300


def test_rows_are_compared_pair_by_pair():
    first = [True] * 60 + [True] * 20 + [False] * 10 + [False] * 10
    second = [True] * 60 + [False] * 20 + [True] * 10 + [False] * 10
    found = compare(first, second, 0.95)
    assert (found.first_only, found.second_only, found.difference) == (20, 10, 0.1)
    # The normal approximation: 0.1 ± 1.96 · sqrt((0.3 - 0.01) / 100).
    assert (found.ci_low, found.ci_high) == (
        pytest.approx(0.1 - 0.1056, abs=0.01),
        pytest.approx(0.1 + 0.1056, abs=0.01),
    )
    assert found == compare(first, second, 0.95)
    back = compare(second, first, 0.95)
    assert back.difference == -0.1 and back.p_value == found.p_value


def test_arrays_of_numpy_are_compared_as_lists_are():
    first, second = np.arange(500) % 2 == 0, np.arange(500) % 3 == 0
    found = compare(first, second, 0.95)
    assert found == compare(first.tolist(), second.tolist(), 0.95)
    assert (found.first_only, found.second_only, type(found.first_only)) == (166, 83, int)
    assert mcnemar(np.int64(166), np.int64(83)) == mcnemar(166, 83) == found.p_value
    assert 1e-8 < found.p_value < 1e-6
    with pytest.raises(ValueError, match="cannot be compared"):
        compare(first[:0], second[:0], 0.95)


def test_answerers_that_never_differ_may_differ_on_rows_that_were_not_asked():
    found = compare([True, False] * 25, [True, False] * 25, 0.95)
    assert (found.difference, found.p_value) == (0, 1)
    # As far as Wilson's interval of no success in 50 rows.
    assert (-found.ci_low, found.ci_high) == (pytest.approx(wilson(0, 50)[1]), pytest.approx(wilson(0, 50)[1]))


def score_statistic(difference, ahead, behind, rows):
    """Tango's, its nuisance by search over the likelihood instead of by formula."""
    share = np.linspace(max(0.0, -difference), (1 - difference) / 2, 200_001)[1:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        likelihood = (
            xlogy(ahead, share + difference)
            + xlogy(behind, share)
            + xlogy(rows - ahead - behind, 1 - 2 * share - difference)
        )
    best = share[np.nanargmax(likelihood)]
    return (ahead - behind - rows * difference) / (rows * (2 * best + difference * (1 - difference))) ** 0.5


@pytest.mark.parametrize(("ahead", "behind", "rows"), [(9, 3, 50), (1, 0, 100), (2, 6, 30), (0, 4, 20)])
def test_few_rows_that_differ_have_tangos_interval(ahead, behind, rows):
    low, high = tango(ahead, behind, rows, 0.95)
    assert [score_statistic(end, ahead, behind, rows) for end in (low, high)] == pytest.approx([1.96, -1.96], abs=2e-3)
    assert tango(behind, ahead, rows, 0.95) == (-high, -low) and low < (ahead - behind) / rows < high


def test_the_ends_of_the_scale_stay_on_it():
    assert tango(50, 0, 50, 0.95) == (pytest.approx(1 - 2 * wilson(0, 50)[1]), 1.0)


@pytest.mark.parametrize("share", [0.001, 0.005, 0.01])
def test_intervals_of_rare_differences_hold(share):
    """Exact coverage, over all counts of 300 rows of which either answerer alone is right on `share`."""
    rows, covered = 300, 0.0
    for ahead in range(FEW):
        for behind in range(FEW - ahead):
            low, high = tango(ahead, behind, rows, 0.95)
            weight = binom.pmf(ahead + behind, rows, 2 * share) * binom.pmf(ahead, ahead + behind, 0.5)
            covered += weight * (low <= 0 <= high)
    few = binom.cdf(FEW - 1, rows, 2 * share)
    assert covered / few > 0.95


def test_what_cannot_be_compared_is_refused():
    for first, second in (([], []), ([True], [True, False])):
        with pytest.raises(ValueError, match="cannot be compared"):
            compare(first, second, 0.95)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 30, 121])
@pytest.mark.parametrize("probability", [0.5, 0.8, 0.95, 0.975, 0.995])
def test_quantiles_are_those_of_students_t(probability, freedom):
    assert t_quantile(probability, freedom) == pytest.approx(t.ppf(probability, freedom), rel=1e-9, abs=1e-12)


def test_the_interval_of_a_mean():
    low, high = student_t([1.0, 2.0, 3.0, 4.0], 0.9)
    assert (low + high) / 2 == pytest.approx(2.5)
    assert high - low == pytest.approx(2 * 2.353363 * (5 / 3) ** 0.5 / 2, rel=1e-6)


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match="1 values have no interval; it takes two"):
        student_t([0.5])
    with pytest.raises(ValueError, match="0 degrees"):
        t_quantile(0.9, 0)


def test_the_error_is_the_weighted_gap_of_the_bins():
    # Bin of 0.9: 3 rows, mean probability 0.9, accuracy 2/3; bin of 0.5: one row, right.
    found = expected_calibration_error([0.9, 0.9, 0.9, 0.5], [True, True, False, True], bins=10)
    assert found == pytest.approx((3 * (0.9 - 2 / 3) + 0.5) / 4)
    assert expected_calibration_error([1.0, 1.0, 0.0], [True, True, False]) == 0.0


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match=r"a probability of 1\.5"):
        expected_calibration_error([1.5], [True])
    with pytest.raises(ValueError, match="2 probabilities for 1 rows"):
        expected_calibration_error([0.5, 0.5], [True])
