"""Stated error rates, kept: exactly, by summing over every outcome, and by draws where there are too many."""

from __future__ import annotations

import math
import sys
from statistics import fmean

import pytest

from distill.intervals import mcnemar, wilson
from house import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import planted_effects


def binomial(n: int, p: float) -> list[float]:
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


@pytest.mark.parametrize("level", [0.01, 0.05, 0.1])
def test_mcnemars_test_finds_nothing_more_often_than_stated_whatever_the_number_of_rows(level):
    for n in range(1, 121):
        size = sum(weight for k, weight in enumerate(binomial(n, 0.5)) if mcnemar(k, n - k) <= level)
        assert size <= level + 1e-12, n
    assert size > 0.6 * level, "and not because it never finds anything"


@pytest.mark.parametrize("rows", [50, 200, 600])
def test_wilsons_interval_covers_as_stated_on_average_over_accuracies(rows):
    spans = [wilson(k, rows) for k in range(rows + 1)]

    def coverage(p: float) -> float:
        return sum(weight for weight, (low, high) in zip(binomial(rows, p), spans, strict=True) if low <= p <= high)

    covered = [coverage(percent / 100) for percent in range(5, 100, 5)]
    assert 0.945 <= fmean(covered) <= 0.96 and min(covered) > 0.92


@pytest.mark.parametrize(
    "name", ["bootstrap_600_rows_planted_5_points", "students_t_5_seeds", "students_t_5_seeds_planted_5_points_paired"]
)
def test_planted_effects_are_judged_at_the_stated_rates(name):
    assert planted_effects.check(name, draws=250, seed=1)["holds"]


def test_an_interval_that_is_too_narrow_would_be_caught(monkeypatch):
    monkeypatch.setattr(
        planted_effects, "student_t", lambda values, confidence: (fmean(values) - 0.01, fmean(values) + 0.01)
    )
    assert planted_effects.check("students_t_5_seeds", draws=250, seed=1)["holds"] is False


def test_the_best_of_many_equals_looks_good_only_where_it_was_chosen():
    found = planted_effects.optimism(draws=2000, seed=1)
    assert 0.045 <= found["on_the_rows_that_chose"] <= 0.06 and abs(found["on_other_rows"]) < 0.003
