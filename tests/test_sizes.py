"""What `auto` stands for."""

from __future__ import annotations

import pytest

from distill.sizes import auto_in_words, auto_test_rows, auto_validation_rows, search_sizes


@pytest.mark.parametrize(
    ("labelled", "test", "validation", "search", "held_out"),
    [(20, 8, 4, 3, 5), (70, 28, 14, 9, 19), (120, 48, 24, 16, 32), (400, 160, 80, 53, 107), (5000, 1000, 500, 60, 200)],
)
def test_labelled_rows_are_shared_by_test_validation_and_the_search(labelled, test, validation, search, held_out):
    assert (auto_test_rows(labelled), auto_validation_rows(labelled)) == (test, validation)
    left = labelled - test - validation
    assert search_sizes("auto", "auto", left) == (search, held_out) and search + held_out <= left


def test_a_count_that_is_set_stays_and_the_other_takes_what_is_left():
    assert search_sizes(20, "auto", 50) == (20, 30)
    assert search_sizes("auto", 30, 50) == (20, 30)
    assert search_sizes(60, 200, 50) == (60, 200)  # too many: the search says so


def test_few_rows_say_how_little_they_measure():
    assert auto_in_words("task.test_rows", 28, 70) == (
        "task.test_rows is auto: 28 of 70 labelled rows; an accuracy of 80% measured on them has a 95 % interval of 60 "
        "to 90 %"
    )
