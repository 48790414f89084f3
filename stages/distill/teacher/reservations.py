"""What calls may cost at most, held back in the store while they are in flight, so that all processes share a budget.

A claim carries what is held back for its call, and ends with it; an open batch carries the sum of its rows.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass

from distill.teacher.store import Store, alive, owner

_MOST = 2**62  # what a database keeps of one sum


@dataclass(frozen=True, slots=True)
class Amount:
    """Calls, tokens, and 1e-12 dollars."""

    calls: int = 0
    tokens: int = 0
    picodollars: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.calls + other.calls, self.tokens + other.tokens, min(_MOST, self.picodollars + other.picodollars)
        )


def held_back(store: Store, *, simulated: bool) -> tuple[Amount, Amount, Amount]:
    """What is held back by this process, by others that run, and for open batches. Dead processes hold nothing."""
    mine = others = batches = Amount()
    for name, *sums in store.select(
        "SELECT owner, sum(calls), sum(tokens), sum(picodollars) FROM claims"
        " WHERE calls > 0 AND simulated = ? AND expires > ? GROUP BY owner",
        simulated, time.time(),
    ):  # fmt: skip
        if name == owner():
            mine += Amount(*sums)
        elif alive(name):
            others += Amount(*sums)
    for sums in store.select("SELECT calls, tokens, picodollars FROM batches WHERE simulated = ?", simulated):
        batches += Amount(*sums)
    return mine, others, batches


def hold(db: sqlite3.Connection, amounts: Iterable[tuple[bytes, Amount]], *, simulated: bool) -> None:
    """Notes, within a transaction, what is held back for calls whose keys this process has claimed."""
    db.executemany(
        "UPDATE claims SET calls = ?, tokens = ?, picodollars = ?, simulated = ? WHERE key = ? AND owner = ?",
        [
            (amount.calls, min(_MOST, amount.tokens), min(_MOST, amount.picodollars), simulated, key, owner())
            for key, amount in amounts
        ],
    )
