from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as some

from distill.studies.frontier import SAVING_ROWS, knee, pareto, student_saving


@dataclass(frozen=True)
class At:
    usd: float
    accuracy: float


def test_the_front_is_what_no_point_beats():
    points = [At(1, 0.5), At(2, 0.7), At(2, 0.6), At(3, 0.7), At(4, 0.65), At(5, 0.9), At(1, 0.5)]
    assert pareto(points) == [At(1, 0.5), At(2, 0.7), At(5, 0.9)]
    assert pareto([]) == []


@given(some.lists(some.builds(At, some.floats(0, 10), some.floats(0, 1)), max_size=20))
def test_every_point_off_the_front_is_beaten_by_one_on_it(points):
    front = pareto(points)
    for point in points:
        beaten = [one for one in front if one.usd <= point.usd and one.accuracy >= point.accuracy]
        assert beaten and (
            point in front
            or any((one.usd, -one.accuracy) != (point.usd, -point.accuracy) for one in beaten)
            or point == beaten[0]
        )
    assert all(a.usd < b.usd and a.accuracy < b.accuracy for a, b in itertools.pairwise(front))


def test_the_knee_is_furthest_above_the_chord_on_log_dollars():
    # Scaled to 0..1, dollars 1, 10, 100, 1000 are 0, 1/3, 2/3, 1; above the chord by 0, 0.2667, 0.2333, 0.
    front = [At(1, 0.4), At(10, 0.7), At(100, 0.85), At(1000, 0.9)]
    assert knee(front) == At(10, 0.7)
    assert knee([At(1, 0.4), At(10, 0.5), At(100, 0.85), At(1000, 0.9)]) == At(100, 0.85)


def test_a_front_that_does_not_bend_has_no_knee():
    assert knee([At(1, 0.4), At(10, 0.9)]) is None
    assert knee([At(10.0**k, 0.4 + 0.1 * k) for k in range(4)]) is None, "a straight line"
    assert knee([At(1, 0.4), At(10, 0.45), At(100, 0.9)]) is None, "it bends the other way"
    assert knee([At(0, 0.3), At(1, 0.4), At(10, 0.9)]) is None, "a point that cost nothing has no place on a log scale"


@given(some.lists(some.integers(1, 10**6), min_size=3, max_size=8, unique=True), some.floats(0.1, 1000))
def test_the_knee_does_not_depend_on_the_currency(dollars, rate):
    front = pareto([At(usd, math.sqrt(math.log(usd + 1))) for usd in sorted(dollars)])
    found, other = knee(front), knee([At(point.usd * rate, point.accuracy) for point in front])
    assert (found is None) == (other is None)
    assert found is None or math.isclose(found.usd * rate, other.usd)


def test_a_student_costs_once_and_its_teacher_every_time():
    found = student_saving(0.5, 0.0001, None, SAVING_ROWS)
    assert found["break_even_rows"] == 5000
    assert student_saving(0.5, 0.0003, None, ())["break_even_rows"] == 1667, "1,666 rows cost the teacher $0.4998"
    assert found["rows_1000"] == {
        "teacher_usd": pytest.approx(0.1),
        "student_usd": 0.5,
        "saved_usd": pytest.approx(-0.4),
    }
    assert found["rows_1000000"]["saved_usd"] == pytest.approx(99.5)


def test_any_number_of_rows_can_be_asked_for():
    assert student_saving(0.5, 0.0001, None, (7000,))["rows_7000"]["saved_usd"] == pytest.approx(0.2)


def test_computing_counts_where_it_has_a_price():
    assert student_saving(0.5, 0.0001, 0.00005, SAVING_ROWS)["break_even_rows"] == 10_000
    assert student_saving(0.5, 0.0001, 0.0002, SAVING_ROWS)["break_even_rows"] is None, (
        "a student dearer than its teacher never pays"
    )
    assert student_saving(0.5, 0.0001, 0.00005, SAVING_ROWS)["rows_1000"]["student_usd"] == pytest.approx(0.55)


def test_an_unknown_price_is_null_and_never_0():
    found = student_saving(None, 0.0001, None, SAVING_ROWS)
    assert (
        found["break_even_rows"] is None
        and found["rows_1000"]["student_usd"] is None
        and found["rows_1000"]["saved_usd"] is None
    )
    assert found["rows_1000"]["teacher_usd"] == pytest.approx(0.1)
    assert student_saving(0.5, None, None, SAVING_ROWS)["rows_1000"] == {
        "teacher_usd": None,
        "student_usd": 0.5,
        "saved_usd": None,
    }
