"""When two labels are one class."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from distill.errors import DataError
from distill.tasks.labels import label_faults, label_form, like_gaps, of_like_punctuation, of_one_form, whole_number
from distill.tasks.table import Table


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("Billing", "billing", True),
        ("two  words", "two words", True),
        ("two\u00a0words", "two words", True),
        ("bill\u200bing", "billing", True),
        ("\ufeffbilling", "billing", True),
        ("1", "1.0", True),
        ("1.50", "1.5", True),
        ("10", "1", False),
        ("100", "1", False),
        ("2.10", "2.1", True),
        ("true", "1", True),
        ("False", "0", True),
        ("yes", "1", False),
        ("-", "—", False),
        ("good 👍", "good 👎", False),
        ("👍", "👎", False),
        ("👨‍👩‍👧", "👨👩👧", False),
        ("post-office", "post office", False),
        ("C", "C++", False),
        ("01", "1", False),
        ("x²", "x2", False),
    ],
)
def test_labels_of_one_class_share_their_form(first, second, alike):
    assert (label_form(first) == label_form(second)) is alike
    assert of_one_form([first, second]) == ([sorted([first, second])] if alike else [])


def test_a_whole_number_has_no_zeros_behind_its_point():
    written = ["1.0", "-3.00", "1.5", "1.", ".0", "v1.0", "1.0.0", "10"]
    assert [whole_number(label) for label in written] == ["1", "-3", "1.5", "1.", ".0", "v1.0", "1.0.0", "10"]


def test_labels_that_differ_in_marks_between_words_are_said_and_others_are_not():
    labels = ["post office", "post-office", "-", "—", "👍", "👎", "C", "C++", "C#", "a b"]
    assert of_like_punctuation(labels) == [["post office", "post-office"]]


def test_faults_of_a_label():
    faults = {label: [what for what, _ in label_faults(label)] for label in ["a\tb", '["a"]', "['a']", "[spam]", "{x}"]}
    assert faults == {
        "a\tb": ["holds a line break, a tab or another control character"],
        '["a"]': ["is a list or an object"],
        "['a']": ["is a list or an object"],
        "[spam]": [],
        "{x}": [],
    }


@pytest.fixture
def make(make_settings, tmp_path):
    def make_table(labels, **changes):
        rows = [{"text": f"{chr(97 + i) * 12} {i}", "desk": labels[i % len(labels)]} for i in range(24)]
        (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        every = {
            "task.name": "table", "task.path": str(tmp_path / "in.jsonl"), "task.train_rows": "all",
            "task.test_rows": 4, "task.validation_rows": 4, "task.table.label": "desk", "task.table.columns": ["text"],
            "task.table.description": "Decide which desk answers.",
        }  # fmt: skip
        return Table(make_settings(**every | {f"task.{key}": value for key, value in changes.items()}).task)

    return make_table


def read(task):
    return Counter(row.label for part in task.splits().values() for row in part)


def test_forms_of_one_class_are_refused_with_a_row_of_each(make):
    with pytest.raises(DataError) as error:
        make(["billing", " billing", "Billing", "BILLING ", "post"]).splits()
    assert str(error.value).splitlines()[1] == (
        "  - line 4, line 3, line 1: the labels 'BILLING' and 'Billing' and 'billing' seem to be one class; write them"
        " alike, or list the classes in task.table.classes, by which case and spaces are passed over"
    )
    with pytest.raises(DataError, match=r"'1\.5' and '1\.50' seem to be one class"):
        make(["1.5", "1.50", "2"]).splits()


def test_listed_classes_pass_over_case_spaces_and_stored_types(make):
    task = make(["billing", " billing", "Billing", "BILLING ", "post"], **{"table.classes": ["Billing", "post"]})
    assert read(task) == {"Billing": 20, "post": 4}
    assert read(make(["1.0", "1", 1, 1.0, "2.0", 2], **{"table.classes": ["1.0", "2"]})) == {"1.0": 16, "2": 8}
    assert read(make(["Polish", "polish"], **{"table.classes": ["Polish", "polish"]})) == {"Polish": 12, "polish": 12}


def test_an_emoji_or_a_dash_tells_classes_apart(make):
    assert read(make(["-", "—"])) == {"-": 12, "—": 12}
    task = make(["good 👍", "good 👎", "post-office", "post office"])
    assert set(read(task).values()) == {6}
    assert task.notices == [
        "labels that differ in punctuation alone: 'post office' and 'post-office'; each is a class of its own"
    ]


def test_booleans_are_classes_in_one_form(make):
    assert read(make([True, False])) == {"true": 12, "false": 12}
    with pytest.raises(DataError, match="'True' and 'true' seem to be one class"):
        make([True, "True", False]).splits()
    with pytest.raises(DataError) as error:
        make([True, 1, "true", 0, False, 0.0]).splits()
    assert "'0' and 'false' seem to be one class" in str(error.value) and "'1' and 'true' seem" in str(error.value)


def test_labels_that_look_like_missing_values_are_said():
    assert like_gaps(["nan", "None", "none of these", "post"]) == ["None", "nan"]


def test_such_a_notice_names_them(make):
    task = make(["nan", "post", "till"])
    assert read(task) == {"nan": 8, "post": 8, "till": 8}
    assert task.notices[0].startswith("labels that look like missing values: 'nan'; each is a class, so leave the cell")
