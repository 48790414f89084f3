from __future__ import annotations

import pytest

from distill.evaluation.metrics import label_metrics, majority_class, per_class

PAIRS = [("a", "a"), ("a", "b"), ("b", "b"), ("b", "b"), ("c", None), ("c", "a")]


def test_accuracy_and_macro_f1():
    found = label_metrics(PAIRS, "classes", 0.95)
    assert found["accuracy"] == 0.5
    # a: precision 1/2, recall 1/2; b: 2/3 and 1; c: nothing right.
    assert found["macro_f1"] == pytest.approx((0.5 + 0.8 + 0.0) / 3)
    assert found["class"] == per_class(PAIRS)
    assert per_class(PAIRS)["b"] == {"rows": 2, "precision": pytest.approx(2 / 3), "recall": 1.0, "f1": 0.8}
    assert per_class(PAIRS)["c"] == {"rows": 2, "precision": None, "recall": 0.0, "f1": 0.0}


def test_only_classes_have_an_f1_and_numbers_are_right_by_value():
    assert "macro_f1" not in label_metrics(PAIRS, "choices", 0.95)
    assert label_metrics([("3", "3.0"), ("4", "5")], "number", 0.95)["accuracy"] == 0.5
    found = label_metrics([("3", "3.0"), ("1/2", "0.5"), ("4", "5"), ("5", None)], "number", 0.95)
    assert (found["exact_match"], found["accuracy"], found["accuracy_when_parsed"]) == (0.5, 0.5, 2 / 3)
    assert label_metrics([("5", None)], "number", 0.95)["accuracy_when_parsed"] is None


def test_free_text_has_an_overlap_in_words():
    found = label_metrics([("The Hague", "the hague."), ("the old harbour", "a harbour")], "text", 0.95)
    assert found["accuracy"] == 0.5 and found["word_f1"] == pytest.approx((1 + 0.4) / 2)


def test_the_majority_is_the_same_every_time():
    assert majority_class(["b", "a", "b", "a", "c"]) == "a"
