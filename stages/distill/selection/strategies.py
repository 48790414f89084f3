"""Which rows keep their rationales.

A strategy is a function (rows, seed) -> rows in order. The explanation rate takes the first of them, so every strategy
is nested: the rows of a lower rate are a subset of those of a higher one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from distill.rows.permutation import seeded_order
from distill.rows.records import TrainingRow

Strategy = Callable[[Sequence[TrainingRow], int], list[TrainingRow]]


def random_order(rows: Sequence[TrainingRow], seed: int) -> list[TrainingRow]:
    """The seeded order as it is."""
    return seeded_order(rows, seed, "explanation rate")


def balanced_order(rows: Sequence[TrainingRow], seed: int) -> list[TrainingRow]:
    """Labels in proportion in every prefix: each label's rows are spread evenly over the order."""
    by_label: dict[str, list[TrainingRow]] = defaultdict(list)
    for row in seeded_order(rows, seed, "explanation rate"):
        by_label[row.label].append(row)
    placed = [
        ((place + 0.5) / len(group), label, row) for label, group in by_label.items() for place, row in enumerate(group)
    ]
    return [row for _, _, row in sorted(placed, key=lambda item: item[:2])]


STRATEGIES: dict[str, Strategy] = {"random": random_order, "balanced": balanced_order}
