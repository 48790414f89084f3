"""Cutting and limiting splits, the same way for every task."""

from __future__ import annotations

from collections.abc import Sequence

from distill.errors import DataError
from distill.rows.permutation import seeded_order, share
from distill.rows.records import Example
from distill.settings.task import Rows


def limited(rows: Sequence[Example], count: Rows, seed: int) -> list[Example]:
    """The first `count` rows of the seeded order, or all. A smaller count is a subset of a larger one."""
    return list(rows) if count == "all" else seeded_order(rows, seed)[:count]


def cut(rows: Sequence[Example], wanted: int | float, seed: int) -> tuple[list[Example], list[Example]]:
    """(rest, validation): a count of rows, or a share below 1, taken off in seeded order.

    Raises DataError when nothing would be left to train on.
    """
    count = wanted if isinstance(wanted, int) else share(len(rows), wanted)
    if not 0 < count < len(rows):
        raise DataError(f"task.validation_rows: {wanted} of {len(rows)} rows leaves no row to validate or none to train on")
    order = seeded_order(rows, seed)
    return order[count:], order[:count]
