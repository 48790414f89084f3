from __future__ import annotations

from dataclasses import replace

import pytest

from distill.errors import DataError
from distill.evaluation.judging import confusion_rows, evaluation_metrics, extract_answer, judge_rows, total_cost
from distill.rows.records import Annotation, Example, Judged, Prediction, TaskCard, read_rows, write_rows

CARD = TaskCard("t", "classes", "d", ("q",), {}, ("larger", "smaller"))


def row(name, gold, student, teacher=None, status=None, **more) -> Judged:
    taught = {"teacher_label": teacher, "teacher_status": status, "teacher_right": teacher == gold} if status else {}
    return Judged(name, f"a {name}", gold=gold, student_label=student, student_right=student == gold, **taught, **more)


ROWS = [
    row("a", "larger", "larger", None, "no_label"),
    row(
        "b",
        "smaller",
        "smaller",
        "smaller",
        "ok",
        student_rationale="No idea.",
        teacher_rationale="It is small, so it is smaller.",
    ),
    row("c", "larger", "larger", student_rationale="The second is house sized, so the first is smaller."),
    row("d", "larger", "smaller", student_rationale="The first is small, so the first is smaller."),
]


def test_student_teacher_and_majority_are_measured_on_the_same_rows():
    found = evaluation_metrics(ROWS, CARD, 0.95)
    assert found["rows"] == 4 and found["student"]["label"]["accuracy"] == 0.75
    assert found["majority"]["label"]["accuracy"] == 0.75
    assert found["teacher"]["rows"] == 2 and found["teacher"]["label"]["accuracy"] == 0.5
    against = found["student_less_teacher"]
    assert (against["rows"], against["first_only"], against["second_only"], against["difference"]) == (2, 1, 0, 0.5)


def test_parsing_and_accuracy_of_what_was_parsed_are_apart_for_both():
    found = evaluation_metrics(ROWS, CARD, 0.95)
    assert (
        found["teacher"]["parse"] == {"failure_rate": 0.5} and found["teacher"]["label"]["accuracy_when_parsed"] == 1.0
    )
    assert (
        found["student"]["parse"] == {"failure_rate": 0.0} and found["student"]["label"]["accuracy_when_parsed"] == 0.75
    )
    numbers = [replace(ROWS[0], gold="3", student_label=None), replace(ROWS[1], gold="4", student_label="4.0")]
    found = evaluation_metrics(numbers, TaskCard("t", "number", "d", ("q",), {}), 0.95)["student"]
    assert (
        found["parse"] == {"failure_rate": 0.5}
        and found["label"]["accuracy_when_parsed"] == found["label"]["exact_match"] * 2 == 1.0
    )


def test_probabilities_are_held_against_what_was_right():
    rows = [replace(ROWS[0], student_probability=1.0), replace(ROWS[3], student_probability=0.5)]
    assert evaluation_metrics(rows, CARD, 0.95)["student"]["label"]["calibration_error"] == 0.25
    assert "calibration_error" not in evaluation_metrics(ROWS, CARD, 0.95)["student"]["label"]


def test_one_set_of_measures_for_the_rationales_of_both():
    found = evaluation_metrics(ROWS, CARD, 0.95)
    student, teacher = found["student"]["rationale"], found["teacher"]["rationale"]
    assert student["rows"] == 3 and student["coverage"] == 1.0
    assert student["states_label"] == pytest.approx(2 / 3) and student["agrees_with_label"] == 0.5
    assert teacher["coverage"] == 0.5 and teacher["supports_label"] == 1.0
    assert set(student) - {"rows"} == set(teacher)


def test_without_teacher_or_gold():
    rows = [replace(one, teacher_label=None, teacher_status=None, teacher_right=None) for one in ROWS]
    assert "teacher" not in evaluation_metrics(rows, CARD, 0.95)
    with pytest.raises(DataError, match="no test row has a gold label"):
        evaluation_metrics([Judged("a", "a", student_label="larger")], CARD, 0.95)


def test_confusion_names_choices_by_letter_and_what_could_not_be_parsed():
    assert confusion_rows(ROWS, "classes")[3] == {"gold": "larger", "predicted": "smaller"}
    assert confusion_rows([Judged("x", "x", ("red", "blue"), "blue", "red")], "choices") == [
        {"gold": "b", "predicted": "a"}
    ]
    assert confusion_rows([Judged("x", "x", gold="yes")], "classes") == [{"gold": "yes", "predicted": "no answer"}]


@pytest.mark.parametrize("kind", ["number", "text"])
def test_numbers_and_texts_are_no_classes_that_could_be_confused(kind):
    rows = [
        Judged("a", "a", gold="3", student_label="3.0", student_right=True),
        Judged("b", "b", gold="4", student_label="5", student_right=False),
        Judged("c", "c", gold="6"),
        Judged("d", "d", student_label="7"),
    ]
    assert confusion_rows(rows, kind) == [{"gold": kind, "predicted": said} for said in ("right", "wrong", "no answer")]


def test_costs_add_up_and_the_unknown_stays_unknown():
    one = {"usd": 0.5, "calls": 2, "tokens_in": 10, "tokens_cached": 0, "tokens_out": 3, "tokens_reasoning": 1}
    assert total_cost(one, one) == {
        "usd": 1.0,
        "calls": 4,
        "tokens_in": 20,
        "tokens_cached": 0,
        "tokens_out": 6,
        "tokens_reasoning": 2,
    }
    assert total_cost(one, one | {"usd": None})["usd"] is None


def card(kind: str) -> TaskCard:
    return TaskCard("t", kind, "d", ("q",), {})


def test_rows_are_joined_by_id_whatever_their_order(tmp_path):
    test = [Example("a", "one?", {}, ("x", "y"), "x"), Example("b", "two?", {})]
    said = [Prediction("b", "y"), Prediction("a", "x", "x", 0.75, "since")]
    taught = [Annotation("a", "explain", None, "because", "no_label", "who knows", "", "m")]
    found = judge_rows(test, said, taught, card("choices"))
    assert found[0] == Judged(
        "a", "one?", ("x", "y"), "x", "x", True, 0.75, "since", None, False, "no_label", "because", "who knows"
    )
    assert found[1] == Judged("b", "two?", student_label="y")
    write_rows(tmp_path / "judged.jsonl", reversed(found))
    assert read_rows(tmp_path / "judged.jsonl", Judged) == found


def test_a_written_answer_is_read_as_the_teachers_is_and_may_hold_none():
    assert [extract_answer(text, card("number")) for text in ("72", "72.0 eggs", "the eggs")] == ["72", "72", None]
    assert extract_answer("the larger of the two", card("classes")) == "the larger of the two"
    row = Example("a", "how many?", {}, label="72")
    right = [
        judge_rows([row], [Prediction("a", text)], [], card("number"))[0].student_right
        for text in ("72.0 eggs", "no idea")
    ]
    assert right == [True, False]


def test_a_row_without_an_answer_is_an_error():
    with pytest.raises(KeyError):
        judge_rows([Example("a", "one?", {})], [], [], card("choices"))
