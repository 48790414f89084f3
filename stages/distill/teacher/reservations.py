"""What calls may cost at most, held back in the store while they are in flight, so that all processes share a budget.

A claim carries what is held back for its call, and ends with it; an open batch carries the sum of its rows.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from distill.teacher.store import Store, alive, owner

_MOST = 2**62  # what a database keeps of one sum


@dataclass(frozen=True, slots=True)
class Amount:
    """Calls, tokens, and 1e-12 dollars."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    picodollars: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.calls + other.calls,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            min(_MOST, self.picodollars + other.picodollars),
        )

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out


def held_back(store: Store, *, simulated: bool) -> tuple[Amount, Amount, Amount]:
    """What is held back by this process, by others that run, and for open batches. See `settle_dead` first."""
    mine = others = batches = Amount()
    for name, *sums in store.select(
        "SELECT owner, sum(calls), sum(tokens_in), sum(tokens_out), sum(picodollars) FROM claims"
        " WHERE calls > 0 AND simulated = ? AND expires > ? GROUP BY owner",
        simulated, time.time(),
    ):  # fmt: skip
        if name == owner():
            mine += Amount(*sums)
        elif alive(name):
            others += Amount(*sums)
    for sums in store.select(
        "SELECT calls, tokens_in, tokens_out, picodollars FROM batches WHERE simulated = ?", simulated
    ):
        batches += Amount(*sums)
    return mine, others, batches


def hold(
    db: sqlite3.Connection, held: Iterable[tuple[bytes, Amount, str]], stage: str, endpoint: str, *, simulated: bool
) -> None:
    """Notes, within a transaction, what is held back for calls (key, amount, model) that this process has claimed."""
    db.executemany(
        "UPDATE claims SET calls = ?, tokens_in = ?, tokens_out = ?, picodollars = ?, simulated = ?, stage = ?,"
        " endpoint = ?, model = ? WHERE key = ? AND owner = ?",
        [
            (
                amount.calls, min(_MOST, amount.tokens_in), min(_MOST, amount.tokens_out),
                min(_MOST, amount.picodollars), simulated, stage, endpoint, model, key, owner(),
            )
            for key, amount, model in held
        ],
    )  # fmt: skip


def settle_dead(store: Store) -> int:
    """Books the calls in flight of processes that were killed, at the most that they may have cost; returns how many.

    The server may have answered them and bills them, though nobody was there to hear it.
    """
    dead = _dead(store)
    if not dead:
        return 0
    with store.writing() as db:
        dead = _dead(store)  # another process may have been first
        for row, *paid in dead:
            values = "?, ?, ?, ?, ?, ?, ?, 0, ?, nullif(?, 0), ?"
            db.execute(f"INSERT INTO payments VALUES ({values})", (time.time(), *paid))
            db.execute("UPDATE claims SET calls = 0 WHERE key = ?", (row,))
    return len(dead)


def _dead(store: Store) -> list[list[Any]]:
    rows = store.select(
        "SELECT owner, expires, key, stage, endpoint, simulated, model, calls, tokens_in, tokens_out, picodollars,"
        " calls FROM claims WHERE calls > 0 AND owner != ?",
        owner(),
    )
    ended = {name for name in {row[0] for row in rows} if not alive(name)}
    return [list(row[2:]) for row in rows if row[0] in ended or row[1] <= time.time()]
