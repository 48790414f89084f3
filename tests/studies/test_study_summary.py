from __future__ import annotations

import pytest

from distill.studies.table import by_arm, mean_and_interval


def row(arm, seed, accuracy, status="ok"):
    return {
        "arm": arm,
        "seed": seed,
        "accuracy": accuracy,
        "accuracy_ci_low": (accuracy or 0) - 0.03,
        "accuracy_ci_high": (accuracy or 0) + 0.03,
        "status": status,
        "usd": 0.5,
        "teraflop": None,
        "steps": 10,
        "train_seconds": 1.0,
    }


ROWS = [
    row("own", 1, 0.90), row("own", 2, 0.94), row("own", 3, 0.92),
    row("other", 1, 0.80), row("other", 2, 0.34, "at_chance"), row("other", 3, None, "crashed"),
]  # fmt: skip


def test_failures_are_counted_and_not_averaged_away():
    found = by_arm(ROWS, {"own": None, "other": "own"}, 0.95)
    assert found["other"]["failures"] == {"at_chance": 1, "diverged": 0, "crashed": 1}
    assert (found["other"]["seeds"], found["other"]["finished"]) == (3, 2)
    assert found["other"]["accuracy"]["mean"] == pytest.approx(0.57), "the seed at chance is in the mean"
    assert found["other"]["learned"] == {
        "n": 1,
        "mean": 0.80,
        "ci_low": None,
        "ci_high": None,
        "least": 0.80,
        "most": 0.80,
    }
    assert found["other"]["usd"] == 0.5 and found["other"]["teraflop"] is None


def test_seeds_that_are_right_alike_often_have_the_interval_of_the_test_rows():
    accuracy = by_arm([row("own", 1, 0.9), row("own", 2, 0.9)], {}, 0.95)["own"]["accuracy"]
    assert (accuracy["n"], accuracy["ci_low"], accuracy["ci_high"]) == (2, pytest.approx(0.87), pytest.approx(0.93))


def test_differences_are_paired_by_seed():
    found = by_arm(ROWS, {"own": None, "other": "own"}, 0.95)
    assert "difference" not in found["own"]
    difference = found["other"]["difference"]
    assert difference["n"] == 2 and difference["mean"] == pytest.approx((-0.10 - 0.60) / 2)
    assert difference["least"] == pytest.approx(-0.60)


def test_an_interval_is_students_t():
    found = mean_and_interval([0.90, 0.94, 0.92], 0.95)
    # mean 0.92, standard deviation 0.02, t of 2 degrees 4.302653: 4.302653 * 0.02 / sqrt(3) = 0.0496828
    assert found["ci_low"] == pytest.approx(0.92 - 0.0496828, abs=1e-6)
    assert found["ci_high"] == pytest.approx(0.92 + 0.0496828, abs=1e-6)
    assert mean_and_interval([], 0.95) == {
        "n": 0,
        "mean": None,
        "ci_low": None,
        "ci_high": None,
        "least": None,
        "most": None,
    }
