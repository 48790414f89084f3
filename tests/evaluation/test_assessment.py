from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from toy_student import CARD, RUNTIME, examples, settings, training_rows

from distill.evaluation import assessment
from distill.evaluation.assessment import Split, assess
from distill.rows.records import Annotation
from distill.settings.evaluate import CascadeSettings, EvaluateSettings
from distill.student.loading import load_student, new_student, save_student

COST = {"usd": 0.5, "calls": 4, "tokens_in": 10, "tokens_cached": 0, "tokens_out": 3}
SEARCH = {"cost": COST}
ANNOTATION = {"teacher": "m, simulated", "cost": {split: COST for split in ("train", "validation", "test")}}
ROWS = examples()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A student that was never trained, so that it and its untrained self must agree in all."""
    place = tmp_path_factory.mktemp("student")
    save_student(new_student(training_rows(), CARD, settings(mode="standard")), place)
    return place


def asked(untrained=True, speed_rows=0, usd=None, bars=False):
    runtime = SimpleNamespace(**vars(RUNTIME), speed_rows=speed_rows, compute_usd_per_hour=usd)
    return SimpleNamespace(
        evaluate=EvaluateSettings(0.95, 5, untrained, bars, CascadeSettings(0.0, None, 1.0)), runtime=runtime
    )


def taught(rows):
    return [Annotation(row.id, "explain", row.label, "so", "ok", "", "stop", "m") for row in rows]


def splits(rows, validation):
    return {
        "train": Split(rows, taught(rows)),
        "validation": Split(rows, taught(validation)),
        "test": Split(rows, taught(rows)),
    }


def run(folder, settings, validation=ROWS[:8], rows=ROWS):
    return assess(folder, training_rows(), splits(rows, validation), CARD, settings, SEARCH, ANNOTATION)


def test_unlabelled_train_rows_are_counted_in_where_most_are(folder):
    """`taught` answers with the gold label, here of rows that the splits do not have one of."""
    labelled = run(folder, asked(bars=True))
    unlabelled = splits(ROWS, ROWS[:8])
    unlabelled["train"] = Split([replace(row, label=None) for row in ROWS], taught(ROWS))
    few = assess(folder, training_rows(), unlabelled, CARD, asked(bars=True), SEARCH, ANNOTATION).metrics["few_gold"]
    assert (few["rows"], few["unlabelled_rows"]) == (64, 64)
    assert few["teacher"]["label"]["accuracy"] == 1.0 and few["teacher"]["worth_rows"] == 64
    assert few["student"]["label"]["accuracy"] == pytest.approx(
        labelled.metrics["student"]["label"]["accuracy"], abs=0.1
    )


def test_bars_stand_beside_the_student_on_the_labelled_rows_unless_they_are_not_wanted(folder):
    rows = [replace(row, label=None) if row.id.endswith("-car") else row for row in ROWS]
    metrics = run(folder, asked(bars=True), rows=rows).metrics
    assert metrics["bars"]["best"] == "logistic_regression"
    assert metrics["bars"]["logistic_regression"]["label"]["accuracy"] == 1.0
    assert metrics["student_less_bar"]["rows"] == metrics["rows"] == 56
    assert metrics["student_less_bar"]["difference"] == metrics["student"]["label"]["accuracy"] - 1.0
    assert metrics["few_gold"] == {"most_unlabelled": False, "reason": "8 of 64 train rows have no gold label"}
    assert not {"bars", "student_less_bar", "few_gold"} & set(run(folder, asked()).metrics)


def test_everyone_answers_the_same_rows(folder):
    found = run(folder, asked())
    metrics = found.metrics
    assert metrics["untrained"]["label"]["accuracy"] == metrics["student"]["label"]["accuracy"]
    assert metrics["teacher"]["label"]["accuracy"] == 1.0 and metrics["teacher"]["name"] == "m, simulated"
    assert metrics["student"]["parameters"] == sum(weight.numel() for weight in load_student(folder).parameters())
    assert [row.id for row in found.rows] == [row.id for row in ROWS] and len(found.predictions) == 64
    assert "untrained" not in run(folder, asked(untrained=False)).metrics


def test_the_cascade_is_chosen_on_the_validation_rows_that_were_asked(folder):
    found = run(folder, asked())
    assert found.metrics["cascade"]["validation"]["rows"] == 8 and found.metrics["cascade"]["rows"] == 64
    none = run(folder, asked(), validation=[])
    assert none.metrics["cascade"]["threshold"] is None and not any(point["chosen"] for point in none.curve)


def test_what_judging_took_is_apart_from_what_the_student_took(folder):
    cost = run(folder, asked()).metrics["cost"]
    assert cost["total"]["usd"] == cost["judging"]["usd"] == 1.0 and cost["total"]["calls"] == 8
    assert run(folder, asked()).metrics["teacher"]["usd_per_1000"] == 125.0


def test_an_untrained_student_that_cannot_be_made_again_is_null_with_the_reason(folder, tmp_path):
    student = load_student(folder)
    student.plan = replace(student.plan, name=str(tmp_path / "gone"))
    save_student(student, tmp_path / "student")
    found = run(tmp_path / "student", asked()).metrics["untrained"]
    assert found["label"] is None and "cannot be loaded" in found["reason"]


def test_times_are_measured_where_asked_for_and_never_among_the_metrics(folder, monkeypatch):
    monkeypatch.setattr(
        assessment, "measure_speed", lambda student, rows: {"rows": len(rows), "best_batch_rows_per_s": 1000.0}
    )
    monkeypatch.setattr(assessment, "measure_cold_start", lambda folder, row: 4.0)
    found = run(folder, asked(speed_rows=7, usd=3.6))
    assert found.measured["rows"] == 7 and found.measured["cold_start_s"] == 4.0
    usd = found.measured["usd_per_1000"]
    assert usd["student"] == pytest.approx(0.001) and usd["teacher"] == 125.0
    assert usd["cascade"] == pytest.approx(0.001 + 125 * found.metrics["cascade"]["sent"])
    assert run(folder, asked(speed_rows=7)).measured["usd_per_1000"] == {
        "student": None,
        "teacher": 125.0,
        "cascade": None,
    }
    assert found.metrics == run(folder, asked()).metrics and "cold_start_s" not in run(folder, asked()).measured


def test_a_student_that_writes_its_answers_can_fail_to_parse(tmp_path):
    card = replace(CARD, kind="number", classes=())
    save_student(
        new_student([replace(row, label="7") for row in training_rows()], card, settings(mode="standard")), tmp_path
    )
    rows = [replace(row, label="7") for row in ROWS[:12]]
    training = [replace(row, label="7") for row in training_rows()]
    found = assess(tmp_path, training, splits(rows, rows[:4]), card, asked(bars=True), SEARCH, ANNOTATION)
    assert found.metrics["bars"] == {"best": None, "reason": "no bar gives answers of the kind number"}
    student, untrained = found.metrics["student"], found.metrics["untrained"]
    assert student["parse"]["failure_rate"] == sum(row.student_label is None for row in found.rows) / 12 > 0
    assert student["label"]["exact_match"] == student["label"]["accuracy"] and untrained["label"] == {
        name: value for name, value in student["label"].items() if name != "calibration_error"
    }
    # It is sure of nothing, and so every row goes to the teacher, who is right.
    assert found.metrics["cascade"]["sent"] == found.metrics["cascade"]["label"]["accuracy"] == 1.0
