from __future__ import annotations

import pytest

from distill.intervals import wilson
from distill.studies.summary import accuracy_summary, arms_of_table, by_arm, tuned_labels


def row(arm, seed, accuracy, status="ok"):
    return {
        "arm": arm,
        "seed": seed,
        "accuracy": accuracy,
        "accuracy_ci_low": (accuracy or 0) - 0.03,
        "accuracy_ci_high": (accuracy or 0) + 0.03,
        "test_rows": 100,
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
        "sd": None,
        "ci_low": pytest.approx(wilson(80, 100)[0]),
        "ci_high": pytest.approx(wilson(80, 100)[1]),
        "least": 0.80,
        "most": 0.80,
    }
    assert found["other"]["usd"] == 0.5 and found["other"]["teraflop"] is None


def test_seeds_that_are_right_alike_often_have_the_interval_of_the_test_rows():
    accuracy = by_arm([row("own", 1, 0.9), row("own", 2, 0.9)], {}, 0.95)["own"]["accuracy"]
    assert (accuracy["n"], accuracy["ci_low"], accuracy["ci_high"]) == (2, *map(pytest.approx, wilson(90, 100)))


def test_differences_are_paired_by_seed():
    found = by_arm(ROWS, {"own": None, "other": "own"}, 0.95)
    assert "difference" not in found["own"]
    difference = found["other"]["difference"]
    assert difference["n"] == 2 and difference["mean"] == pytest.approx((-0.10 - 0.60) / 2)
    assert difference["least"] == pytest.approx(-0.60)


def test_an_interval_is_students_t_where_the_test_rows_are_not_known():
    found = accuracy_summary([{"accuracy": value} for value in (0.90, 0.94, 0.92)], 0.95)
    # mean 0.92, standard deviation 0.02, t of 2 degrees 4.302653: 4.302653 * 0.02 / sqrt(3) = 0.0496828
    assert found["ci_low"] == pytest.approx(0.92 - 0.0496828, abs=1e-6)
    assert found["ci_high"] == pytest.approx(0.92 + 0.0496828, abs=1e-6)
    assert found["sd"] == pytest.approx(0.02)
    nothing = accuracy_summary([], 0.95)
    assert nothing["n"] == 0 and {nothing[key] for key in ("mean", "sd", "ci_low", "ci_high", "least", "most")} == {
        None
    }


def test_several_arms_against_one_reference_are_corrected_by_holm():
    rows = [
        row(arm, seed, level + seed / 100) for arm, level in (("own", 0.9), ("a", 0.5), ("b", 0.86)) for seed in (1, 2)
    ]
    rows += [row("alone", 1, 0.9)]
    found = by_arm(rows, {"own": None, "a": "own", "b": "own", "alone": None}, 0.95)
    far, near = found["a"]["difference"], found["b"]["difference"]
    assert far["compared"] == near["compared"] == 2 and "difference" not in found["alone"]
    assert far["holm_p_value"] == pytest.approx(2 * far["p_value"]) and near["holm_p_value"] == near["p_value"]


def test_the_baseline_is_chosen_by_validation_and_not_by_test():
    rows = [
        row("own", 1, 0.9) | {"validation_accuracy": 0.9},
        row("label_only", 1, 0.6) | {"validation_accuracy": 0.4},
        row("label_only_8x", 1, 0.5) | {"validation_accuracy": 0.45},
        row("bare_codes", 1, 0.8) | {"validation_accuracy": 0.8},
    ]
    arms = by_arm(rows, {}, 0.95)
    assert tuned_labels(arms, "own") == {"arm": "label_only_8x", "tried": 2, "validation_accuracy": 0.45}
    assert tuned_labels({arm: arms[arm] for arm in ("own", "label_only")}, "own") is None


def test_a_table_is_summed_up_anew_from_its_rows():
    table = {"cells": ROWS, "reference": "own", "confidence": 0.95}
    assert arms_of_table(table) == by_arm(ROWS, {"own": None, "other": "own"}, 0.95)
    stale = [*ROWS, row("gone", 1, 0.1) | {"stale": "study"}]
    assert arms_of_table({**table, "cells": stale}) == arms_of_table(table)
