from __future__ import annotations

import pytest

from distill.evaluation.cascade import (
    _MOST_POINTS,
    _SEND_ALL,
    CascadePoint,
    CascadeRow,
    cascade_curve,
    cascade_metrics,
    cascade_points,
    cascade_rows,
    choose_threshold,
)
from distill.rows.records import Judged
from distill.settings.evaluate import CascadeSettings

# The student is right where it is sure; the teacher is right about three of five.
ROWS = [
    CascadeRow(0.5, False, True, True),
    CascadeRow(0.6, False, True, True),
    CascadeRow(0.6, True, False, False),
    CascadeRow(0.8, True, True, True),
    CascadeRow(0.9, True, False, False),
]


def rule(tolerance=0.0, target=None, most=1.0) -> CascadeSettings:
    return CascadeSettings(tolerance, target, most)


def test_every_threshold_by_hand():
    # Rows of equal confidence are sent together.
    assert cascade_points(ROWS[::-1]) == [
        CascadePoint(0.0, 0.0, 0.6),
        CascadePoint(0.6, 0.2, 0.8),
        CascadePoint(0.8, 0.6, 0.8),
        CascadePoint(0.9, 0.8, 0.8),
        CascadePoint(_SEND_ALL, 1.0, 0.6),
    ]


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        (rule(), 0.2),
        (rule(tolerance=0.2), 0.0),
        (rule(target=0.7), 0.2),
        (rule(target=0.6), 0.0),
        (rule(target=0.9), 0.2),
        (rule(most=0.1), 0.0),
    ],
)
def test_the_fewest_rows_that_satisfy_the_rule_are_sent(settings, sent):
    assert choose_threshold(ROWS, settings).sent == sent


def test_a_teacher_without_an_answer_leaves_the_students_and_rows_without_a_teacher_are_left_out():
    judged = [
        Judged(
            "a",
            "a",
            gold="x",
            student_label="x",
            student_right=True,
            student_probability=0.5,
            teacher_right=False,
            teacher_status="refusal",
        ),
        Judged("b", "b", gold="x", student_label="x", student_right=True, student_probability=0.5),
        Judged("c", "c", student_label="x", student_probability=0.5, teacher_label="x", teacher_status="ok"),
    ]
    assert cascade_rows(judged) == [CascadeRow(0.5, True, False, True)]


def test_the_threshold_comes_from_validation_and_the_figures_from_test():
    test = [
        CascadeRow(0.55, False, True, True),
        CascadeRow(0.65, True, False, False),
        CascadeRow(0.7, False, False, False),
        CascadeRow(0.9, True, True, True),
    ]
    found = cascade_metrics(ROWS, test, rule(), 0.95, usd_per_1000=2.0)
    assert found["threshold"] == 0.6 and found["validation"] == {"rows": 5, "sent": 0.2, "label": {"accuracy": 0.8}}
    assert (found["rows"], found["sent"], found["label"]["accuracy"], found["usd_per_1000"]) == (4, 0.25, 0.75, 0.5)
    # Alone both are right on two of four; a quarter sent at random would leave it so.
    assert found["less_random"] == 0.25
    assert (found["less_student"]["first_only"], found["less_student"]["second_only"]) == (1, 0)
    assert (found["less_teacher"]["first_only"], found["less_teacher"]["second_only"]) == (1, 0)
    assert (
        "target_met" not in found and cascade_metrics(ROWS, test, rule(target=0.9), 0.95, None)["target_met"] is False
    )
    assert cascade_metrics(ROWS, test, rule(), 0.95, None)["usd_per_1000"] is None


def test_without_the_teachers_answers_there_is_a_reason_and_no_figure():
    assert cascade_metrics([], ROWS, rule(), 0.95, 2.0) == {
        "threshold": None,
        "reason": "the teacher answered no labelled validation row (annotate.validation_rows)",
    }
    assert "annotate.test_rows" in cascade_metrics(ROWS, [], rule(), 0.95, 2.0)["reason"]


def test_the_curve_is_of_test_rows_and_marks_what_the_chosen_threshold_sends():
    curve = cascade_curve(ROWS, 0.95, 2.0, threshold=0.7)
    assert [(point["sent"], point["accuracy"], point["chosen"]) for point in curve] == [
        (0.0, 0.6, False), (0.2, 0.8, False), (0.6, 0.8, True), (0.8, 0.8, False), (1.0, 0.6, False)
    ]  # fmt: skip
    assert [point["at_random"] for point in curve] == [0.6] * 5 and curve[-1]["usd_per_1000"] == 2.0
    assert [point["chosen"] for point in cascade_curve(ROWS, 0.95, None, _SEND_ALL)][-1]
    assert not any(point["chosen"] for point in cascade_curve(ROWS, 0.95, None, None))


def test_a_long_curve_is_thinned_and_an_empty_one_can_be_drawn():
    many = [CascadeRow(place / 5000, place % 2 == 0, True, True) for place in range(5000)]
    curve = cascade_curve(many, 0.95, None, threshold=0.3333)
    assert _MOST_POINTS <= len(curve) <= _MOST_POINTS + 1 and (curve[0]["sent"], curve[-1]["sent"]) == (0.0, 1.0)
    marked = next(point for point in curve if point["chosen"])
    assert marked["sent"] == pytest.approx(0.3334, abs=1e-4)
    assert cascade_curve([], 0.95, None, None)[0]["accuracy"] is None
