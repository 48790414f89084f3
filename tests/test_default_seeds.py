"""What the README promises of the default run on another seed or CPU is what its committed students say."""

from __future__ import annotations

import json
import statistics
import sys

import pytest
import yaml

from house import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import default_seeds

ROWS = default_seeds.read_table()["rows"]


def students(*accuracies):
    return [{"accuracy": accuracy, "sent": 0.2, "instructions": "avx2"} for accuracy in accuracies]


def test_what_is_expected_of_one_more_student():
    """By hand: mean 0.90, sd 0.01, n 3: t at 99.5 % with 2 degrees of freedom is 9.925, times 0.01 * sqrt(4 / 3)."""
    assert default_seeds.expected(students(0.89, 0.90, 0.91)) == pytest.approx((0.7854, 1.0), abs=1e-4)
    low, high = default_seeds.expected(students(0.499, 0.5, 0.501))
    assert (low, high) == pytest.approx((0.48854, 0.51146), abs=1e-5)


def test_where_a_run_stands():
    inside, text = default_seeds.standing(0.92, students(0.89, 0.90, 0.91))
    assert inside and text == (
        "student: 92.0 % of test rows, +2.0 points from the mean of 3 students (90.0 %), within the 78.5 to 100.0 %"
        " expected of a run elsewhere"
    )
    inside, text = default_seeds.standing(0.7, students(0.89, 0.90, 0.91))
    assert not inside and "-20.0 points" in text and "OUTSIDE the 78.5 to 100.0 %" in text


def test_a_student_is_counted_once_and_says_what_made_it():
    assert len(ROWS) >= 8
    assert len({(row["instructions"], row["seed"]) for row in ROWS}) == len(ROWS)
    assert all(row["made"]["commit"] and row["made"]["cpu"] and row["test_rows"] == 600 for row in ROWS)


def test_settings_are_known_again_when_the_table_is_read_back(make_settings, monkeypatch, tmp_path):
    """Tuples come back as lists: the rows of the table were taken for those of other settings, and dropped."""
    rows = tmp_path / "train.jsonl"
    rows.write_text("")
    monkeypatch.setattr(default_seeds.paths, "TRAINING", rows)
    monkeypatch.setattr(default_seeds, "TABLE", tmp_path / "table.json")
    made_of = default_seeds._made_of(make_settings())
    default_seeds.write_metrics(default_seeds.TABLE, {"made_of": made_of, "rows": students(0.9)})
    assert default_seeds._rows_of(default_seeds._made_of(make_settings())) == students(0.9)
    assert default_seeds._rows_of(default_seeds._made_of(make_settings(**{"train.steps": 7}))) == []


def test_the_run_of_this_clone_is_within_the_tolerance(make_settings):
    """The committed run, and after `dvc repro` that of this machine; a run of other rows or settings is not judged."""
    lock = yaml.safe_load((ROOT / "dvc.lock").read_text(encoding="utf-8"))["stages"]["train"]
    made_of = default_seeds.read_table()["made_of"]
    rows = next(dep["md5"] for dep in lock["deps"] if dep["path"] == "data/training/train.jsonl")
    settings = lock["params"]["params.yaml"]
    if rows != made_of["training_rows"] or any(
        settings["train"][name] != value for name, value in made_of["train"].items()
    ):
        pytest.skip("the workspace's student was trained on other rows or with other settings")
    metrics = json.loads((ROOT / "metrics" / "evaluate.json").read_text(encoding="utf-8"))
    inside, text = default_seeds.standing(metrics["student"]["label"]["accuracy"], ROWS)
    assert inside, text
    print(text)


def test_the_readme_heads_with_the_mean_of_the_rows_and_promises_their_range():
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    values = [100 * row["accuracy"] for row in ROWS]
    low, high = (100 * end for end in default_seeds.interval(ROWS))
    mean, least, most = statistics.fmean(values), *(100 * end for end in default_seeds.expected(ROWS))
    assert f"mean of {len(ROWS)} students" in text
    assert f"| {mean:.1f} % | {low:.1f} to {high:.1f} % |" in text, (mean, low, high)
    assert f"should end at {least:.1f} to {most:.1f} %" in text, (least, most)


def test_the_table_of_the_page_is_that_of_the_rows():
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert default_seeds.table_text(ROWS) in page, default_seeds.table_text(ROWS)
