from __future__ import annotations

import pytest

from distill.errors import DataError
from distill.rows.records import Example
from distill.tasks.splitting import cut, limited

ROWS = [Example(f"r{i}", str(i), {}) for i in range(20)]


def test_a_cut_takes_a_count_or_a_share_and_loses_nothing():
    for wanted, count in ((5, 5), (0.1, 2), (0.5, 10)):
        rest, validation = cut(ROWS, wanted, seed=1)
        assert len(validation) == count
        assert sorted(rest + validation, key=lambda r: int(r.input)) == ROWS


def test_a_smaller_limit_is_a_subset_and_all_is_all():
    assert limited(ROWS, "all", 1) == ROWS
    assert limited(ROWS, 5, 1) == limited(ROWS, 9, 1)[:5]


@pytest.mark.parametrize("wanted", [20, 30, 0.01])
def test_a_cut_that_leaves_nothing_is_refused(wanted):
    with pytest.raises(DataError, match=f"task.validation_rows: {wanted} of 20 rows leaves no row"):
        cut(ROWS, wanted, 1)
