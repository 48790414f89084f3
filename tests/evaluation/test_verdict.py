from __future__ import annotations

import pytest

from distill.evaluation.verdict import bar_sentence, bar_verdict, few_gold_sentence
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


def few_gold(p_value: float):
    def powered(accuracy: float, worth: float):
        label = {"accuracy": accuracy, "accuracy_ci_low": accuracy - 0.1, "accuracy_ci_high": accuracy + 0.05}
        return {"label": label, "worth_rows": worth}

    return {
        "few_gold": {
            "most_unlabelled": True, "rows": 48, "unlabelled_rows": 1279, "student": powered(0.9, 61.2),
            "teacher": powered(0.8, 119.9), "guess": {"p_value": p_value},
        }
    }  # fmt: skip


def test_accuracies_with_unlabelled_rows_are_one_line_with_a_doubt_where_those_are_unlike():
    line = few_gold_sentence(few_gold(0.36), "{:.1%}".format)
    assert line == (
        "with 1,279 unlabelled rows beside the 48 labelled: student 90.0% (80.0% to 95.0%, as if 61 were labelled);"
        " teacher 80.0% (70.0% to 85.0%, as if 120 were labelled)"
    )
    doubtful = few_gold_sentence(few_gold(0.009), "{:.1%}".format)
    assert doubtful.startswith(line) and "the labelled rows are unlike the unlabelled ones" in doubtful


def test_why_unlabelled_rows_add_nothing_is_told_where_most_rows_are_and_there_alone():
    why = {"few_gold": {"most_unlabelled": True, "reason": "none was asked"}}
    assert few_gold_sentence(why, str) == "the unlabelled rows add nothing to the labelled test rows: none was asked"
    assert few_gold_sentence({"few_gold": {"most_unlabelled": False, "reason": "all labelled"}}, str) == ""
    assert few_gold_sentence({}, str) == ""
