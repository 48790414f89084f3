"""The cut of a table, on plain arrays."""

from __future__ import annotations

import numpy as np
import pytest

from distill.errors import DataError
from distill.rows.records import Example
from distill.tasks.cutting import OUT, TEST, TRAIN, VALIDATION, cut, cut_validation, first_of_equals, limited, shares


@pytest.fixture
def settings(make_settings):
    def made(test, validation):
        table = {"task.name": "table", "task.table.columns": ["message"], "task.table.description": "Decide."}
        return make_settings(**table, **{"task.test_rows": test, "task.validation_rows": validation}).task

    return made


def made(settings, group, stratum, given=None):
    rows = len(group)
    given = np.zeros(rows, np.int8) if given is None else np.array(given, np.int8)
    return cut(
        settings, np.ones(rows, bool), np.array(group), np.array(stratum), np.arange(rows, dtype=np.uint64), given
    )


def test_shares_are_in_proportion_and_add_up():
    labels = np.array([1] * 50 + [2] * 30 + [3] * 20)
    assert shares(labels, 10) == {1: 5, 2: 3, 3: 2}
    assert shares(labels, 7) == {1: 4, 2: 2, 3: 1}  # 3.5, 2.1 and 1.4
    assert sum(shares(np.arange(100) % 7, 13).values()) == 13


def test_rows_are_taken_in_order_and_each_stratum_has_its_share(settings):
    found = made(settings(2, 2), range(10), [1, 2] * 5)
    assert found.split.tolist() == [TEST, TEST, VALIDATION, VALIDATION, *[TRAIN] * 6]
    assert found.wanted == {TEST: 2, VALIDATION: 2} and found.left_out == 0


def test_unlabelled_rows_are_train_unless_they_are_like_a_row_that_was_taken(settings):
    found = made(settings(1, 1), [0, 1, 2, 0, 4, 5], [1, 1, 1, 0, 0, 1])
    assert found.split.tolist() == [TEST, VALIDATION, TRAIN, OUT, TRAIN, TRAIN]
    assert found.left_out == 1


def test_a_group_is_taken_whole_or_not_at_all(settings):
    found = made(settings(2, 1), [0, 0, 0, 3, 4, 5, 6], [1] * 7)
    assert found.split.tolist() == [TRAIN, TRAIN, TRAIN, TEST, TEST, VALIDATION, TRAIN]
    found = made(settings(3, 1), [0, 0, 0, 3, 4, 5, 6], [1] * 7)
    assert found.split.tolist() == [TEST, TEST, TEST, VALIDATION, TRAIN, TRAIN, TRAIN]


def test_a_label_whose_groups_do_not_fit_gives_its_place_to_another(settings):
    found = made(settings(2, 1), [0, 0, 2, 3, 4, 5], [1, 1, 2, 2, 2, 2])
    assert (found.split == TEST).sum() == 2 and found.split[0] == found.split[1]


def test_given_splits_stay_and_only_what_is_missing_is_cut(settings):
    found = made(settings("all", 1), [0, 1, 0, 3, 4], [1, 1, 1, 1, 0], given=[TRAIN, TRAIN, TEST, TRAIN, TEST])
    assert found.wanted == {VALIDATION: 1}
    assert found.split.tolist() == [TRAIN, VALIDATION, TEST, TRAIN, OUT]


def test_whatever_the_groups_no_group_is_in_two_splits_and_the_counts_are_met(settings):
    rng = np.random.default_rng(3)
    for _ in range(40):
        rows = int(rng.integers(60, 200))
        group = np.arange(rows)
        for row in rng.choice(np.arange(1, rows), rows // 5, replace=False):
            group[row] = group[row - 1]
        stratum = rng.integers(0, 4, rows)
        stratum[:40] = 1 + np.arange(40) % 3
        found = made(settings(int(rng.integers(1, 15)), int(rng.integers(1, 15))), group, stratum)
        for one in np.unique(group):
            assert len(set(found.split[group == one]) - {OUT}) == 1
        for split, wanted in found.wanted.items():
            assert (found.split == split).sum() == wanted and (stratum[found.split == split] != 0).all()
        assert (found.split == OUT).sum() == found.left_out


def test_of_equal_inputs_the_first_labelled_one_is_kept():
    content, part, label = (np.array(a) for a in ([5, 6, 5, 5, 6], [0, 0, 0, 0, 2], [0, 0, 9, 8, 0]))
    kept, at_odds = first_of_equals(content, part, label)
    assert kept.tolist() == [False, True, True, False, True] and at_odds.tolist() == [2, 3]


ROWS = [Example(f"r{i}", str(i), {}) for i in range(20)]


def test_a_cut_takes_a_count_or_a_share_and_loses_nothing():
    for wanted, count in ((5, 5), (0.1, 2), (0.5, 10)):
        rest, validation = cut_validation(ROWS, wanted, seed=1)
        assert len(validation) == count
        assert sorted(rest + validation, key=lambda r: int(r.input)) == ROWS


def test_a_smaller_limit_is_a_subset_and_all_is_all():
    assert limited(ROWS, "all", 1) == ROWS
    assert limited(ROWS, 5, 1) == limited(ROWS, 9, 1)[:5]


@pytest.mark.parametrize("wanted", [20, 30, 0.01])
def test_a_cut_that_leaves_nothing_is_refused(wanted):
    with pytest.raises(DataError, match=f"task.validation_rows: {wanted} of 20 rows leaves no row"):
        cut_validation(ROWS, wanted, 1)
