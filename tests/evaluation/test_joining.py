from __future__ import annotations

import pytest

from distill.evaluation.joining import extracted, joined
from distill.rows.records import Annotation, Example, Judged, Prediction, TaskCard, read_rows, write_rows


def card(kind: str) -> TaskCard:
    return TaskCard("t", kind, "d", ("q",), {})


def test_rows_are_joined_by_id_whatever_their_order(tmp_path):
    test = [Example("a", "one?", {}, ("x", "y"), "x"), Example("b", "two?", {})]
    said = [Prediction("b", "y"), Prediction("a", "x", "x", 0.75, "since")]
    taught = [Annotation("a", "explain", None, "because", "no_label", "who knows", "", "m")]
    found = joined(test, said, taught, card("choices"))
    assert found[0] == Judged("a", "one?", ("x", "y"), "x", "x", True, 0.75, "since", None, False, "no_label", "because", "who knows")
    assert found[1] == Judged("b", "two?", student_label="y")
    write_rows(tmp_path / "judged.jsonl", reversed(found))
    assert read_rows(tmp_path / "judged.jsonl", Judged) == found


def test_a_written_answer_is_read_as_the_teachers_is_and_may_hold_none():
    assert [extracted(text, card("number")) for text in ("72", "72.0 eggs", "the eggs")] == ["72", "72", None]
    assert extracted("the larger of the two", card("classes")) == "the larger of the two"
    row = Example("a", "how many?", {}, label="72")
    right = [joined([row], [Prediction("a", text)], [], card("number"))[0].student_right for text in ("72.0 eggs", "no idea")]
    assert right == [True, False]


def test_a_row_without_an_answer_is_an_error():
    with pytest.raises(KeyError):
        joined([Example("a", "one?", {})], [], [], card("choices"))
