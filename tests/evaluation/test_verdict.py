from __future__ import annotations

import pytest

from distill.evaluation.verdict import bar_sentence, bar_verdict
from distill.intervals import compare


def metrics(verdict: str, p_value: float = 0.0123, best: str = "logistic_regression"):
    return {
        "student": {"label": {"accuracy": 0.9}},
        "bars": {"best": best, best: {"label": {"accuracy": 0.8}}},
        "student_less_bar": {"verdict": verdict, "p_value": p_value},
    }


@pytest.mark.parametrize(
    ("first", "second", "confidence", "verdict"),
    [
        ([1] * 6, [0] * 6, 0.95, "beats"),
        ([0] * 6, [1] * 6, 0.95, "beaten"),
        ([1] * 5, [0] * 5, 0.95, "not_told_apart"),  # p = 0.0625
        ([1] * 5, [0] * 5, 0.9, "beats"),
        ([1] * 6, [0] * 6, 0.99, "not_told_apart"),
        ([1, 0], [1, 0], 0.95, "not_told_apart"),
    ],
)
def test_two_are_told_apart_where_the_exact_test_does_at_the_level_of_the_intervals(first, second, confidence, verdict):
    assert bar_verdict(compare(first, second, confidence), confidence) == verdict


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("beats", "the student beats TF-IDF with logistic regression"),
        ("beaten", "the student does not beat TF-IDF with logistic regression, which is better"),
        ("not_told_apart", "the student is not told apart from TF-IDF with logistic regression"),
    ],
)
def test_one_line_says_it_with_both_accuracies_and_p(verdict, words):
    assert bar_sentence(metrics(verdict), "{:.1%}".format) == f"{words} (90.0% against 80.0%, p = 0.012)"


def test_it_names_the_bar_that_is_best_on_validation_rows():
    line = bar_sentence(metrics("beats", 0.0, "nearest_neighbours"), "{:.1%}".format)
    assert line == "the student beats TF-IDF with nearest neighbours (90.0% against 80.0%, p < 0.0001)"


def test_where_there_is_no_bar_it_says_why_and_where_none_was_wanted_nothing():
    reason = {"bars": {"best": None, "reason": "no bar gives answers of the kind text"}}
    assert bar_sentence(reason, str) == "no bar stands beside the student: no bar gives answers of the kind text"
    assert bar_sentence({}, str) == ""
