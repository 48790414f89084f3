"""What is checked of any task's splits, and the data report."""

from __future__ import annotations

import pytest

from distill.errors import DataError
from distill.rows.records import Example
from distill.sizes import estimate_tokens
from distill.tasks.base import Task
from distill.tasks.survey import interval_width, survey


class Yes(Task):
    name, classes = "yes", ("yes", "no")

    def splits(self):
        return {}


class Published(Yes):
    cut_elsewhere = True


def split(**changes):
    rows = {
        "train": [Example("a", "A", {}, label="yes")],
        "validation": [Example("b", "B", {})],
        "test": [Example("c", "C D", {}, label="no")],
    }
    return rows | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test": []}, "the split 'test' is empty; see task.test_rows and task.path"),
        ({"test": [Example("a", "C", {})]}, "the id 'a' is there 2 times; make ids unique"),
        ({"test": [Example("c", "A", {})]}, r"'a' \(train\) and 'c' \(test\): the same input is in two splits"),
        (
            {"test": [Example("c", "C", {}, label="maybe", source="f:3")]},
            r"f:3 \(test\): the label 'maybe' is not allowed; use one of: yes, no",
        ),
        (
            {"test": [Example("c", "C", {}, label="yes", choices=("x", "y"))]},
            "the label 'yes' is not allowed; use one of: x, y",
        ),
        ({"test": [Example("c", " ", {})]}, "the input is empty"),
    ],
)
def test_a_split_that_cannot_be_used_is_named(changes, message):
    with pytest.raises(DataError, match=message):
        survey(split(**changes), Yes(None), 128)


def test_all_problems_come_at_once():
    rows = split(train=[Example("a", "A", {}, label="x"), Example("a", " ", {})], test=[])
    with pytest.raises(DataError) as error:
        survey(rows, Yes(None), 128)
    assert str(error.value).count("\n") == 4


def test_published_splits_that_share_an_input_are_counted_and_said():
    found = survey(split(test=[Example("c", "A", {}, label="no")]), Published(None), 128)
    assert found.metrics["duplicates"]["across_splits"] == 1
    assert any("inputs in more than one of the published splits: 1" in notice for notice in found.notices)


def test_metrics_count_what_is_there():
    found = survey(split(), Yes(None), 128).metrics
    assert found["test"] == {
        "rows": 1,
        "labelled": 1,
        "with_rationale": 0,
        "input_tokens_estimated": {
            "mean": 1.0,
            "p50": 1,
            "p95": 1,
            "p99": 1,
            "max": 1,
            "rows_over": {"128": 0, "256": 0, "512": 0, "1024": 0},
        },
        "label": {"no": 1.0},
        "interval_width": interval_width(1),
    }
    assert "label" not in found["validation"] and "interval_width" not in found["validation"]


def test_a_split_that_is_too_small_is_said_with_the_width_of_its_interval():
    few = [Example(f"t{i}", f"text {i}", {}, label="yes") for i in range(40)]
    notices = survey(split(test=few), Yes(None), 128).notices
    assert (
        "test has 40 labelled rows, which is few: an accuracy of 80% measured on them has a 95 % interval 24 points "
        "wide" in notices
    )
    many = [Example(f"t{i}", f"text {i}", {}, label="yes") for i in range(100)]
    assert not any(notice.startswith("test has") for notice in survey(split(test=many), Yes(None), 128).notices)
    assert interval_width(100) == pytest.approx(0.15546, abs=1e-5)


def test_inputs_that_the_student_would_cut_are_counted_by_an_estimate():
    long = Example("l", "word " * 120, {}, label="no")
    found = survey(split(test=[long]), Yes(None), 128)
    assert estimate_tokens(long.input) == 150
    assert found.metrics["test"]["input_tokens_estimated"]["rows_over"] == {"128": 1, "256": 0, "512": 0, "1024": 0}
    assert any(
        notice.startswith("inputs longer than student.max_input_tokens (128)") and ": 1 (l among them)" in notice
        for notice in found.notices
    )
    assert not any("max_input_tokens" in notice for notice in survey(split(test=[long]), Yes(None), 200).notices)


def test_a_label_that_no_train_row_has_is_said():
    assert (
        "no labelled train row has the label no; the prompt search cannot score it"
        in survey(split(), Yes(None), 128).notices
    )


def test_fewer_rows_than_a_batch_has_are_said():
    splits = split()
    rows = len(splits["train"])
    line = f"train has {rows} rows and train.batch_rows is {rows + 1}: a step would see rows more than once; lower it"
    assert line in survey(splits, Yes(None), 128, rows + 1).notices
    assert line not in survey(splits, Yes(None), 128, rows).notices
