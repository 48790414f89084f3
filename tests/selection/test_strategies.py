from __future__ import annotations

from collections import Counter

from distill.rows.records import TrainingRow
from distill.selection.strategies import STRATEGIES, balanced_order, random_order

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
