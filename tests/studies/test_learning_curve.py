"""From a study's table to the curves, their words and their figure."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from distill.errors import UserError
from distill.studies.learning_curve import curve_text, draw_curves, learning_curves
from distill.studies.study_file import read_study
from house import ROOT

SHARES = (0.125, 0.25, 0.375, 0.5, 0.75, 1.0)


def cells(accuracy, bar, labels="teacher", shares=SHARES):
    """Three seeds a share; `accuracy` and `bar` say what is reached with so many rows."""
    return [
        {
            "subsample.labels": labels, "subsample.data_share": share, "seed": seed, "test_rows": 600,
            "training_rows": round(800 * share), "accuracy": accuracy(800 * share) + (seed - 2) * 0.002,
            "bar_accuracy": bar(800 * share),
        }
        for share in shares for seed in (1, 2, 3)
    ]  # fmt: skip


def steep(rows):
    return 1 - 4.0 * rows**-0.6


def flat(rows):
    return 0.6


def table(*groups):
    settings = {"subsample": {"labels": "teacher", "data_share": 1.0}}
    return {"confidence": 0.95, "cells": [cell for group in groups for cell in group], "settings": settings}


def test_student_and_bar_have_a_curve_for_the_labels_of_each():
    curves = learning_curves(table(cells(steep, flat), cells(steep, flat, "gold")))
    assert list(curves) == [
        "bar, gold labels",
        "bar, teacher labels",
        "student, gold labels",
        "student, teacher labels",
    ]
    student = curves["student, teacher labels"]
    assert [point.rows for point in student["points"]] == [100, 200, 300, 400, 600, 800]
    assert student["points"][0].accuracies == pytest.approx([steep(100) + error for error in (-0.002, 0, 0.002)])
    assert student["twice"]["rows"] == 1600 and student["twice"]["gain"] == pytest.approx(0.0247, abs=0.004)
    assert student["check"]["rows"] == 800 and student["check"]["measured"] == pytest.approx(steep(800))


def test_the_words_say_what_twice_the_rows_bring_and_whether_that_is_worth_it():
    big = table(cells(steep, flat))
    for cell in big["cells"]:
        cell["test_rows"] = 60_000
    lines = curve_text(learning_curves(big), 0.95).splitlines()
    assert lines[0].startswith("bar, teacher labels: 60.0 % with 800 rows; with 1,600 perhaps 60.0 %")
    assert lines[0].endswith("more rows bring less than a point")
    assert lines[2].startswith("student, teacher labels: 92.8 % with 800 rows; with 1,600 perhaps 95.")
    assert lines[2].endswith("more rows are worth it, if a point is")
    few = table(cells(steep, flat))
    for cell in few["cells"]:
        cell["test_rows"] = 60
    assert "it is open whether more rows bring a point" in curve_text(learning_curves(few), 0.95)


def test_a_student_that_leaves_chance_at_once_fails_the_check():
    """At chance up to three quarters of the rows, and good with all: no power law foretells that."""
    curves = learning_curves(table(cells(lambda rows: 0.92 if rows == 800 else 0.335, flat)))
    assert "the curve failed its check" in curve_text(curves, 0.95)


def test_a_last_share_that_few_test_rows_have_measured_does_not_fail_the_check_by_their_noise():
    """As 48 of 48 right after a bend: what was measured is anything from 93 to 100 %."""
    few = table(
        cells(lambda rows: min(1.0 - 20 / rows**1.1, 0.998), lambda rows: {100: 0.75, 200: 0.958}.get(rows, 0.98))
    )
    for cell in few["cells"]:
        cell["test_rows"] = 48
    assert "failed its check" not in curve_text(learning_curves(few), 0.95)


def test_unfinished_cells_are_left_out_and_too_few_shares_are_refused():
    rows = cells(steep, flat)
    for cell in rows[:3]:
        cell["accuracy"] = None
    curves = learning_curves(table(rows))
    assert len(curves["student, teacher labels"]["points"]) == 5 and len(curves["bar, teacher labels"]["points"]) == 6
    with pytest.raises(UserError, match="no curve has 4 finished shares"):
        learning_curves(table(cells(steep, flat, shares=SHARES[:3])))


def test_rows_of_no_cell_of_the_study_are_not_drawn():
    good = table(cells(steep, flat))
    stray = [{**cell, "accuracy": 0.1, "stale": "study"} for cell in good["cells"]]
    assert learning_curves({**good, "cells": [*good["cells"], *stray]}) == learning_curves(good)


def test_a_study_of_one_kind_of_labels_has_no_column_of_them():
    rows = [{key: value for key, value in cell.items() if key != "subsample.labels"} for cell in cells(steep, flat)]
    assert list(learning_curves(table(rows))) == ["bar, teacher labels", "student, teacher labels"]
    alone = [{key: value for key, value in cell.items() if key != "subsample.data_share"} for cell in rows]
    with pytest.raises(UserError, match="no curve has 4 finished shares"):
        learning_curves(table(alone))


def test_the_figure_is_the_same_bytes_for_the_same_table(tmp_path):
    curves = learning_curves(table(cells(steep, flat), cells(steep, flat, "gold")))
    files = [[tmp_path / f"{time}.svg", tmp_path / f"{time}.png"] for time in ("first", "second")]
    for pair in files:
        draw_curves(curves, pair)
    assert files[0][0].read_bytes() == files[1][0].read_bytes() and files[0][1].stat().st_size > 10_000
    svg = files[0][0].read_text()
    assert "TF-IDF with logistic regression, gold labels" in svg and "training rows" in svg


def test_the_front_door_draws_what_the_table_has_and_runs_nothing(tmp_path):
    place = tmp_path / "metrics" / "studies" / "learning_curve.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(table(cells(steep, flat))))
    command = [sys.executable, str(ROOT / "stages" / "curve.py"), "draw"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "student, teacher labels: 92.8 % with 800 rows" in done.stdout
    assert {file.name for file in place.parent.iterdir()} == {
        f"learning_curve.{kind}" for kind in ("json", "svg", "png")
    }


def test_the_study_has_nested_shares_of_both_labels_and_the_bars():
    study = read_study(ROOT / "data" / "studies" / "learning_curve.yaml")
    assert [float(node.value) for node in study.grid["subsample.data_share"]] == list(SHARES)
    assert [node.value for node in study.grid["subsample.labels"]] == ["teacher", "gold"]
    # Another subsample.seed would draw other rows for each seed, and a smaller share would be no part of a larger.
    assert study.seeds.keys == ("student.seed", "train.seed")
