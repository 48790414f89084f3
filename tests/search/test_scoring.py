from __future__ import annotations

import pytest

from distill.rows.records import Annotation
from distill.search.scoring import score
from distill.settings.prompt import ScoreWeights


def answer(i, label, rationale, tokens=(90, 10)):
    return Annotation(i, "explain", label, rationale, "ok", "", "stop", "m", tokens[0], 0, tokens[1], "reported")


GOLD = {"a": "yes", "b": "yes", "c": "no", "d": "no"}
ANSWERS = [
    answer("a", "yes", "one two three"),
    answer("b", "no", "one"),
    answer("c", "no", None),
    answer("d", None, None),
]


def test_the_score_is_the_stated_formula():
    found = score(ANSWERS, GOLD, "classes", ScoreWeights(1.0, 0.5, 0.5, 0.2, 0.1), (2, 5))
    assert (found.correct, found.parsed, found.explained, found.in_band, found.tokens) == (2, 0.75, 0.5, 0.25, 100.0)
    assert found.total == pytest.approx((1.0 * 0.5 + 0.5 * 0.75 + 0.5 * 0.5 + 0.2 * 0.25) / 2.2 - 0.1 * 0.1)
    assert score(ANSWERS, GOLD, "classes", ScoreWeights(1, 0, 0, 0, 0), (2, 5)).total == 0.5


def test_numbers_are_right_by_value():
    found = score([answer("a", "10.0", None)], {"a": "10"}, "number", ScoreWeights(1, 0, 0, 0, 0), (1, 2))
    assert found.accuracy == 1.0


def test_unknown_tokens_are_left_out_of_the_score():
    answers = [answer("a", "yes", "x", (None, None))]
    assert score(answers, GOLD, "classes", ScoreWeights(1, 0, 0, 0, 5), (1, 2)).total == 1.0


def test_a_row_that_failed_never_raises_a_score():
    weights = ScoreWeights(1.0, 0.5, 0.5, 0.2, 5.0)
    whole = score(ANSWERS, GOLD, "classes", weights, (2, 5))
    for i, one in enumerate(ANSWERS):
        failed = Annotation(one.id, "explain", None, None, "failed", None, None, None, None, None, None, None)
        found = score([*ANSWERS[:i], failed, *ANSWERS[i + 1 :]], GOLD, "classes", weights, (2, 5))
        assert found.tokens == 100.0 and found.total <= whole.total
        assert found.by_row[one.id] == -0.5, "charged what the others use"


def test_metrics_are_named_as_in_other_stages():
    found = score(ANSWERS, GOLD, "classes", ScoreWeights(1, 1, 1, 1, 0), (2, 5)).metrics()
    assert (
        found["label"]["accuracy"] == 0.5
        and 0.15 < found["label"]["accuracy_ci_low"] < 0.5 < found["label"]["accuracy_ci_high"] < 0.85
    )
    assert found["parse"]["failure_rate"] == 0.25 and found["rationale"] == {"coverage": 0.5, "in_band": 0.25}


def test_no_rows_no_score():
    with pytest.raises(ValueError, match="on no rows"):
        score([], {}, "classes", ScoreWeights(1, 1, 1, 1, 1), (1, 2))
