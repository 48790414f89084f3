from __future__ import annotations

import math

import numpy as np
import pytest

from distill.intervals import student_t, wilson
from distill.studies.hierarchical import lead, seeds_and_rows


def test_where_all_seeds_agree_the_interval_is_the_rows():
    assert seeds_and_rows([0.9] * 5, 600, 0.95) == pytest.approx(wilson(540, 600))
    assert seeds_and_rows([0.9], 600, 0.95) == pytest.approx(wilson(540, 600)), "one seed"
    right = np.array([True] * 540 + [False] * 60)
    assert seeds_and_rows([0.9] * 5, 600, 0.95, [right] * 5) == pytest.approx(wilson(540, 600))
    for same in (0.0, 1.0):
        low, high = seeds_and_rows([same] * 3, 600, 0.95)
        assert 0 <= low < high <= 1


def test_both_parts_add_up_as_squares():
    accuracies = [0.90, 0.94, 0.92]
    low, high = seeds_and_rows(accuracies, 1000, 0.95)
    of_rows, of_seeds = wilson(920, 1000), student_t(accuracies)
    assert low == pytest.approx(0.92 - math.hypot(0.92 - of_rows[0], 0.92 - of_seeds[0]))
    assert high == pytest.approx(0.92 + math.hypot(of_rows[1] - 0.92, of_seeds[1] - 0.92))
    assert seeds_and_rows([0.1, 0.9], 100, 0.95) == (0.0, 1.0), "an accuracy lies between 0 and 1"


def world(random, seeds: int, rows: int, lift: float = 0.0):
    """Rights (seeds, rows) of two arms in a world in which rows differ in how hard they are, and seeds in luck."""
    hard = random.normal(0, 1.5, rows)
    return [
        random.random((seeds, rows)) < 1 / (1 + np.exp(-(1.5 + shift + random.normal(0, 0.15, (seeds, 1)) + hard)))
        for shift in (lift, 0.0)
    ]


# The mean of that over all rows and seeds there could be, by Gauss-Hermite quadrature.
TRUTH = 0.7452


def test_the_interval_covers_other_rows_and_students_t_over_seeds_does_not():
    random, draws = np.random.default_rng(1), 1000
    covered, width = {"t": 0, "both": 0, "by row": 0}, {"both": 0.0, "by row": 0.0, "t": 0.0}
    for _ in range(draws):
        rights = list(world(random, 8, 200)[0])
        accuracies = [float(right.mean()) for right in rights]
        for name, (low, high) in (
            ("t", student_t(accuracies)),
            ("both", seeds_and_rows(accuracies, 200, 0.95)),
            ("by row", seeds_and_rows(accuracies, 200, 0.95, rights)),
        ):
            covered[name] += low <= TRUTH <= high
            width[name] += (high - low) / draws
    assert covered["t"] / draws < 0.85, "the interval of before: the rows are the same for all seeds"
    assert 0.94 <= covered["by row"] / draws <= covered["both"] / draws
    assert width["t"] < width["by row"] < 0.9 * width["both"]


@pytest.mark.parametrize("paired", [True, False])
def test_a_difference_covers_and_a_test_errs_as_often_as_it_says(paired):
    random, draws, covered, wrong, width = np.random.default_rng(2), 500, 0, 0, 0.0
    for _ in range(draws):
        one, other = world(random, 5, 200)
        found = lead(list(one.mean(1)), list(other.mean(1)), 200, 0.95, (list(one), list(other)) if paired else None)
        covered += found.ci_low <= 0 <= found.ci_high
        wrong += found.p_value < 0.05
        width += (found.ci_high - found.ci_low) / draws
        assert found.rows_paired == paired and 0 < found.p_value <= 1
    assert covered / draws >= 0.94 and wrong / draws <= 0.06
    assert width < (0.14 if paired else 0.21)


def test_a_difference_that_is_there_is_found():
    one, other = world(np.random.default_rng(3), 5, 600, lift=1.5)
    found = lead(list(one.mean(1)), list(other.mean(1)), 600, 0.95, (list(one), list(other)))
    assert found.mean == pytest.approx(one.mean() - other.mean())
    assert 0 < found.ci_low < found.mean < found.ci_high and 0 < found.p_value < 1e-4
    assert lead(list(other.mean(1)), list(one.mean(1)), 600, 0.95).mean == pytest.approx(-found.mean)


@pytest.mark.parametrize("seeds", [1, 2, 3, 8])
def test_the_p_value_says_what_the_interval_says(seeds):
    one, other = world(np.random.default_rng(4), seeds, 300, lift=0.4)
    accuracies, rights = (list(one.mean(1)), list(other.mean(1))), (list(one), list(other))
    p = lead(*accuracies, 300, 0.95, rights).p_value
    at, beyond = (lead(*accuracies, 300, 1 - level, rights) for level in (p, p / 2))
    assert min(at.ci_low, -at.ci_high, key=abs) == pytest.approx(0, abs=1e-6)
    assert beyond.ci_low < 0 < beyond.ci_high


def test_two_seeds_err_no_more_often_than_they_say():
    random = np.random.default_rng(5)
    found = [lead(list(a.mean(1)), list(b.mean(1)), 200, 0.95, (list(a), list(b)))
             for a, b in (world(random, 2, 200) for _ in range(500))]  # fmt: skip
    assert sum(one.p_value < 0.05 for one in found) <= 25 and sum(one.p_value < 0.01 for one in found) <= 5


def test_a_p_value_is_never_0():
    assert lead([1.0], [0.0], 100_000, 0.95).p_value == 1e-200


def test_answers_that_are_all_the_same_leave_open_what_so_few_rows_do():
    right = [np.array([True] * 80 + [False] * 20)] * 3
    found = lead([0.8] * 3, [0.8] * 3, 100, 0.95, (right, right))
    assert (found.mean, found.p_value) == (0.0, 1.0)
    assert found.ci_high == -found.ci_low == pytest.approx(wilson(0, 100)[1])
