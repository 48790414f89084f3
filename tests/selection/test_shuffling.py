from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as some

from distill.errors import DataError
from distill.rows.records import TrainingRow
from distill.selection.training_set import shuffled


def rows(*rationales: str | None) -> list[TrainingRow]:
    return [TrainingRow(f"r{i}", f"input {i}", "label", rationale) for i, rationale in enumerate(rationales)]


@given(some.lists(some.booleans(), max_size=30).filter(lambda has: sum(has) != 1), some.integers(0, 5))
def test_no_row_keeps_its_rationale_and_every_rationale_is_used_once(has, seed):
    before = rows(*(f"why {i}" if one else None for i, one in enumerate(has)))
    after = shuffled(before, seed)
    assert [row.id for row in after] == [row.id for row in before]
    assert Counter(row.rationale for row in after) == Counter(row.rationale for row in before)
    for own, given_ in zip(before, after, strict=True):
        assert (own.rationale is None) == (given_.rationale is None)
        assert own.rationale is None or own.rationale != given_.rationale
        assert (own.input, own.label) == (given_.input, given_.label)


def test_the_seed_decides_who_gets_which():
    before = rows(*(f"why {i}" for i in range(20)))
    assert shuffled(before, 1) == shuffled(before, 1) != shuffled(before, 2)


def test_a_single_rationale_has_nowhere_to_go():
    with pytest.raises(DataError, match="one row alone has a rationale"):
        shuffled(rows("why", None, None), 1)
