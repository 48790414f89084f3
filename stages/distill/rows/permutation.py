"""The seeded orders that every share of rows is a prefix of: one for each purpose."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal, Protocol, TypeVar

# What a share of rows is taken for. With one order for all, two shares with the same seed would be the same rows: an
# eighth of the data would be just the rows that the prompt was chosen on.
Purpose = Literal[
    "split",
    "prompt search",
    "rationale rate",
    "separate labels",
    "rows to compare on",
    "data share",
    "explanation rate",
    "exchanged rationales",
    "drift check",
    "report rows",
    "diagnosed rows",
    "cross-fitting",
]


class HasId(Protocol):
    id: str


_Row = TypeVar("_Row", bound=HasId)


def seeded_hash(row_id: str, seed: int, purpose: Purpose) -> bytes:
    """32 bytes that order rows: those of a row depend on its id, the seed and the purpose alone."""
    return hashlib.sha256(f"{purpose}\0{seed}\0{row_id}".encode()).digest()


def seeded_order(rows: Iterable[_Row], seed: int, purpose: Purpose) -> list[_Row]:
    """The rows in an order that depends on each row's id, the seed and the purpose alone.

    A row that is added or dropped moves no other, so a prefix at a lower rate is a subset of one at a
    higher rate, and data that grows asks nothing again. Orders of two purposes are independent.
    """
    return sorted(rows, key=lambda row: seeded_hash(row.id, seed, purpose))


def share(count: int, rate: float) -> int:
    """round(rate * count): how many of `count` rows a rate stands for (ties to even)."""
    return round(rate * count)
