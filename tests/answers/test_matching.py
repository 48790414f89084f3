from __future__ import annotations

import pytest

from distill.answers.matching import same_label, with_value, word_overlap


@pytest.mark.parametrize(
    ("kind", "gold", "answer", "same"),
    [
        ("classes", "larger", "larger", True),
        ("classes", "larger", "Larger", False),
        ("choices", "park bench", "park", False),
        ("number", "( 84.0 / 2.0 )", "42", True),
        ("number", "42", "41", False),
        ("number", "42", "many", False),
        ("text", "The Hague.", "the  hague", True),
        ("text", "The Hague", "Hague", False),
        ("text", "42", "42.", True),
        ("text", "x", None, False),
    ],
)
def test_when_an_answer_is_right(kind, gold, answer, same):
    assert same_label(kind, gold, answer) is same


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("( 10.0 * 45.0 )", "( 10.0 * 45.0 ) = 450"),
        ("7 / 2", "7 / 2 = 3.5"),
        (" 1,200 ", " 1,200 "),
        ("-4.50", "-4.50"),
        ("many", "many"),
        ("( 1", "( 1"),
    ],
)
def test_an_equation_has_its_value_beside_it(number, shown):
    assert with_value(number) == shown


def test_word_overlap_is_an_f1():
    assert word_overlap("the old harbour", "Harbour, the old!") == 1
    assert word_overlap("the old harbour", "the new harbour") == pytest.approx(2 / 3)
    assert word_overlap("a b", "a") == pytest.approx(2 / 3)
    assert word_overlap("a", None) == word_overlap("a", "") == 0
