"""The one seeded order that every share of rows is a prefix of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Protocol, TypeVar


class HasId(Protocol):
    id: str


Row = TypeVar("Row", bound=HasId)


def seeded_order(rows: Iterable[Row], seed: int) -> list[Row]:
    """The rows in an order that depends on each row's id and the seed alone.

    A row that is added or dropped moves no other, so a prefix at a lower rate is a subset of one at a
    higher rate, and data that grows asks nothing again.
    """
    return sorted(rows, key=lambda row: hashlib.sha256(f"{seed}\0{row.id}".encode()).digest())


def share(count: int, rate: float) -> int:
    """round(rate * count): how many of `count` rows a rate stands for (ties to even)."""
    return round(rate * count)
