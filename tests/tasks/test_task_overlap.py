"""Rows that given splits share."""

from __future__ import annotations

import numpy as np
import pytest

from distill.errors import DataError
from distill.tasks.overlap import overlap_notices, overlap_settled, overlapping

# Rows 0 to 3 came in train, 4 and 5 in validation, 6 and 7 in test. 0, 4 and 6 are alike, 1 and 5, 2 and 3.
GROUP = np.array([0, 1, 2, 2, 0, 1, 0, 7])
CAME_IN = np.array([0, 0, 0, 0, 1, 1, 2, 2])
EVERY = np.ones(8, dtype=bool)


def test_rows_overlap_whose_like_is_in_a_later_split():
    assert np.flatnonzero(overlapping(GROUP, EVERY, CAME_IN)).tolist() == [0, 1, 4]
    without = EVERY.copy()
    without[6] = False
    assert np.flatnonzero(overlapping(GROUP, without, CAME_IN)).tolist() == [0, 1], "test has no such row any more"


def test_what_overlaps_is_left_out_of_train_and_validation_or_counted():
    kept, overlap = overlap_settled("drop_from_train", GROUP, EVERY, CAME_IN, str)
    assert np.flatnonzero(kept).tolist() == [2, 3, 5, 6, 7]
    assert overlap == {"rule": "drop_from_train", "train": 2, "validation": 1}
    kept, overlap = overlap_settled("allow", GROUP, EVERY, CAME_IN, str)
    assert kept.all() and overlap == {"rule": "allow", "train": 2, "validation": 1}
    assert "2 of train, 1 of validation; they are left where they are" in overlap_notices(overlap)[0]


def test_a_refusal_counts_and_shows_the_rows():
    with pytest.raises(DataError) as error:
        overlap_settled("refuse", GROUP, EVERY, CAME_IN, lambda row: f"line {row}")
    assert "2 of train are in validation or test, 1 of validation in test" in str(error.value)
    assert "(line 0 is like line 4; line 1 is like line 5; line 4 is like line 6)" in str(error.value)
    kept, overlap = overlap_settled("refuse", np.arange(8), EVERY, CAME_IN, str)
    assert kept.all() and overlap_notices(overlap) == []
