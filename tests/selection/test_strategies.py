from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as some

from distill.errors import DataError
from distill.rows.records import TrainingRow
from distill.selection.strategies import STRATEGIES, balanced_order, random_order, shuffled

ROWS = [TrainingRow(f"r{i:03}", "x", "abc"[i % 10 // 5 + (i % 10 == 9)], "why") for i in range(100)]


def test_every_strategy_orders_all_rows_whatever_order_they_come_in():
    for strategy in STRATEGIES.values():
        order = strategy(ROWS, 1)
        assert sorted(order, key=lambda row: row.id) == ROWS
        assert strategy(ROWS[::-1], 1) == order != strategy(ROWS, 2)


def test_balanced_keeps_labels_in_proportion_in_every_prefix():
    assert Counter(row.label for row in ROWS) == {"a": 50, "b": 40, "c": 10}
    for count in (10, 20, 50, 70):
        found = Counter(row.label for row in balanced_order(ROWS, 3)[:count])
        assert found == {"a": count // 2, "b": count * 2 // 5, "c": count // 10}
    assert Counter(row.label for row in random_order(ROWS, 4)[:10]) != {"a": 5, "b": 4, "c": 1}


def rows(*rationales: str | None) -> list[TrainingRow]:
    return [TrainingRow(f"r{i}", f"input {i}", "label", rationale) for i, rationale in enumerate(rationales)]


@given(some.lists(some.booleans(), max_size=30).filter(lambda has: sum(has) != 1), some.integers(0, 5))
def test_no_row_keeps_its_rationale_and_every_rationale_is_used_once(has, seed):
    before = rows(*(f"why {i}" if explained else None for i, explained in enumerate(has)))
    after = shuffled(before, seed)
    assert [row.id for row in after] == [row.id for row in before]
    assert Counter(row.rationale for row in after) == Counter(row.rationale for row in before)
    for own, taken in zip(before, after, strict=True):
        assert (own.rationale is None) == (taken.rationale is None)
        assert own.rationale is None or own.rationale != taken.rationale
        assert (own.input, own.label) == (taken.input, taken.label)


def test_the_seed_decides_who_gets_which():
    before = rows(*(f"why {i}" for i in range(20)))
    assert shuffled(before, 1) == shuffled(before, 1) != shuffled(before, 2)


def test_a_single_rationale_has_nowhere_to_go():
    with pytest.raises(DataError, match="only one row has a rationale"):
        shuffled(rows("why", None, None), 1)
