from __future__ import annotations

import pytest

from distill.rows.records import TrainingRow
from distill.student.targets import soft_target

CLASSES = ("a", "b", "c")


def target(given, share=1.0, label="a", kind="classes", classes=CLASSES, choices=()):
    found = soft_target(TrainingRow("r", "x", label, choices=choices, label_probabilities=given), kind, classes, share)
    assert sum(part for _, part in found) == pytest.approx(1.0)
    return [(name, round(part, 9)) for name, part in found]


def test_nothing_known_is_the_hard_label():
    assert target({}, 0.5) == [("a", 1.0)]
    assert target({"a": 0.7, "b": 0.3}, 0.0) == [("a", 1.0)]


def test_votes_are_mixed_with_the_label_by_the_share():
    assert target({"b": 0.25, "a": 0.75}, 0.4) == [("a", 0.9), ("b", 0.1)]
    assert target({"b": 0.25, "a": 0.75}) == [("a", 0.75), ("b", 0.25)]


def test_what_is_left_of_one_goes_evenly_to_the_answers_that_are_not_named():
    assert target({"a": 0.8}) == [("a", 0.8), ("b", 0.1), ("c", 0.1)]
    assert target({"a": 0.5, "b": 0.3}) == [("a", 0.5), ("b", 0.3), ("c", 0.2)]
    assert target({"x": 0.9}, label="x", classes=(), choices=("x", "y")) == [("x", 0.9), ("y", 0.1)]
    assert target({"42": 0.8}, label="42", kind="number", classes=()) == [("42", 1.0)]


def test_a_gold_label_that_the_teacher_never_gave_stays_first():
    assert target({"b": 1.0}, 0.5) == [("a", 0.5), ("b", 0.5)]


def test_numbers_are_one_label_by_their_value():
    assert target({"1,000": 0.5, "7": 0.5}, label="1000", kind="number", classes=()) == [("1000", 0.5), ("7", 0.5)]
