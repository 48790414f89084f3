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
    """The seeded order as it is: at a low rate a rare label may have few rationales, or none."""
    return seeded_order(rows, seed, "explanation rate")


def balanced_order(rows: Sequence[TrainingRow], seed: int) -> list[TrainingRow]:
    """Labels in proportion in every prefix: each label's rows are spread evenly over the order.

    Row k of a label's n, in seeded order, stands at (k + 1/2) / n of the way. Of rows at one place the label that is
    first in the alphabet comes first.
    """
    by_label: dict[str, list[TrainingRow]] = defaultdict(list)
    for row in seeded_order(rows, seed, "explanation rate"):
        by_label[row.label].append(row)
    placed = [
        ((place + 0.5) / len(group), label, row) for label, group in by_label.items() for place, row in enumerate(group)
    ]
    return [row for _, _, row in sorted(placed, key=lambda item: item[:2])]


# By the names that `subsample.strategy` allows. A new one is a function here and a name there (CONTRIBUTING.md, where
# one is written out).
STRATEGIES: dict[str, Strategy] = {"random": random_order, "balanced": balanced_order}
