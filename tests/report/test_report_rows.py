from __future__ import annotations

import json
from dataclasses import replace

from run_of_tests import HOSTILE, IMAGE, judged, make_run

from distill.answers.choices import with_choices
from distill.report.rows import MOST_CHARACTERS, ROW_COLUMNS, browser_rows, embeddable_json, row_values
from distill.rows.records import Judged


def named(row: Judged, kind: str = "classes") -> dict:
    return dict(zip(ROW_COLUMNS, row_values(row, kind), strict=True))


def test_a_row_has_all_that_was_answered_and_the_teachers_text_where_no_label_was_read():
    rows = judged()
    assert named(rows[0]) == {
        "id": "row-0000",
        "input": f"question 0 {HOSTILE[0]}",
        "choices": [],
        "gold": "down",
        "student_right": False,
        "student_label": "up",
        "student_probability": 0.5,
        "student_rationale": f"because {HOSTILE[1]}",
        "teacher_asked": True,
        "teacher_right": True,
        "teacher_label": "down",
        "teacher_rationale": f"since 0 {HOSTILE[2]}",
        "teacher_status": "ok",
        "teacher_response": None,
        "disagree": True,
    }
    unread = named(rows[9])
    assert unread["teacher_label"] is None and unread["teacher_response"] == f"I cannot say {IMAGE}"
    assert unread["teacher_right"] is False and unread["disagree"] is False


def test_who_was_not_asked_or_said_nothing_does_not_disagree_and_numbers_do_not_over_their_form():
    alone = Judged("a", "2 + 2", gold=None, student_label="4")
    assert (
        named(alone)["teacher_asked"] is False
        and named(alone)["disagree"] is False
        and named(alone)["student_right"] is None
    )
    both = Judged("a", "2 + 2", student_label="4.0", teacher_label="4", teacher_status="ok")
    assert named(both, "number")["disagree"] is False and named(both, "classes")["disagree"] is True
    assert named(replace(both, student_label=None))["disagree"] is False


def test_choices_stand_apart_from_the_question_and_an_equation_beside_its_value():
    choices = ("a pond", "the sky")
    row = Judged("a", with_choices("Where is a duck?", choices), choices, "a pond")
    assert named(row, "choices")["input"] == "Where is a duck?" and named(row, "choices")["choices"] == [*choices]
    assert named(replace(row, choices=()), "choices")["input"] == row.input
    for gold, shown in (
        ("( 10.0 * 45.0 )", "( 10.0 * 45.0 ) = 450"),
        ("1 / 3", "1 / 3 = 1/3"),
        ("-4.50", "-4.50"),
        ("many", "many"),
        (None, None),
    ):
        assert named(Judged("a", "?", gold=gold), "number")["gold"] == shown
    assert named(Judged("a", "?", gold="2 + 2"))["gold"] == "2 + 2"


def test_a_very_long_text_is_cut_and_says_how_much():
    row = named(Judged("a", "x" * (MOST_CHARACTERS + 1234)))
    assert row["input"] == "x" * MOST_CHARACTERS + " … (1,234 more characters)"


def test_of_too_many_rows_the_same_share_is_drawn_each_time_in_the_order_of_ids(make_settings):
    run = make_run(make_settings(**{"report.rows": 100}), judged=judged(1000))
    shown = browser_rows(run)
    ids = [row[0] for row in shown["rows"]]
    assert shown["total"] == 1000 and len(ids) == 100 and ids == sorted(ids) and browser_rows(run) == shown
    larger = make_run(make_settings(**{"report.rows": 200}), judged=judged(1000))
    more = [row[0] for row in browser_rows(larger)["rows"]]
    assert set(ids) < set(more)
    wrong = sum(row[ROW_COLUMNS.index("student_right")] is False for row in shown["rows"])
    assert 15 <= wrong <= 45, "a share like that of all rows, 30 in 100"
    assert browser_rows(make_run(make_settings(**{"report.rows": 0})))["rows"] == []


def test_data_in_a_script_element_cannot_end_it_and_is_the_same_when_read():
    text = "</script><!--<script>&amp;\u2028\u2029 \N{GRINNING FACE}"
    assert json.loads(embeddable_json({"a": [text]})) == {"a": [text]}
    assert not set("<>&\u2028\u2029") & set(embeddable_json({"a": [text]}))
