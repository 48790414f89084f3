"""Cutting and limiting splits, the same way for every task."""

from __future__ import annotations

from collections.abc import Sequence

from distill.errors import DataError
from distill.rows.permutation import seeded_order, share
from distill.rows.records import Example
from distill.sizes import AUTO, auto_test_rows, auto_validation_rows


def limited(rows: Sequence[Example], count: int | str, seed: int) -> list[Example]:
    """The first `count` rows of the seeded order; all, or of a published test split auto. A smaller count is a subset
    of a larger one."""
    if count == "all":
        return list(rows)
    return seeded_order(rows, seed)[: auto_test_rows(len(rows)) if count == AUTO else int(count)]


def cut(rows: Sequence[Example], wanted: int | float | str, seed: int) -> tuple[list[Example], list[Example]]:
    """(rest, validation): a count of rows, a share below 1, or auto, taken off in seeded order.

    Raises DataError when nothing would be left to train on.
    """
    if wanted == AUTO:
        count = auto_validation_rows(len(rows))
    else:
        count = wanted if isinstance(wanted, int) else share(len(rows), float(wanted))
    if not 0 < count < len(rows):
        raise DataError(f"task.validation_rows: {wanted} of {len(rows)} rows leaves no row to validate or none to train on")
    order = seeded_order(rows, seed)
    return order[count:], order[:count]
