"""The one seeded order that every share of rows is a prefix of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Protocol, TypeVar


class HasId(Protocol):
    id: str


_Row = TypeVar("_Row", bound=HasId)


def seeded_hash(row_id: str, seed: int) -> bytes:
    """32 bytes that order rows: those of a row depend on its id and the seed alone."""
    return hashlib.sha256(f"{seed}\0{row_id}".encode()).digest()


def seeded_order(rows: Iterable[_Row], seed: int) -> list[_Row]:
    """The rows in an order that depends on each row's id and the seed alone.

    A row that is added or dropped moves no other, so a prefix at a lower rate is a subset of one at a
    higher rate, and data that grows asks nothing again.
    """
    return sorted(rows, key=lambda row: seeded_hash(row.id, seed))


def share(count: int, rate: float) -> int:
    """round(rate * count): how many of `count` rows a rate stands for (ties to even)."""
    return round(rate * count)
