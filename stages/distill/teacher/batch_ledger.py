"""The batches that a provider works on, noted in the store, so that a later run finds them: after a crash too."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from distill.teacher.session import Job
from distill.teacher.store import Store


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that is not fetched yet.

    `number` is ours; the provider gets it as metadata. `id` is the provider's; None where a crash came before it was
    known.
    """

    number: str
    id: str | None
    endpoint: str
    stage: str
    created_at: float
    rows: int


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A request of a batch, with the columns that its answer is stored with."""

    key: bytes
    model: str
    sample: int
    purpose: str
    request: bytes


def record_batch(store: Store, number: str, endpoint: str, stage: str, jobs: Sequence[Job]) -> None:
    """Notes a batch before it is sent. The batch now holds its rows, and what was held back for them: the claims on
    them end."""
    rows = [
        (
            number,
            job.key,
            job.requests[0].model,
            job.requests[0].sample,
            job.requests[0].purpose,
            zlib.compress(job.body, 1),
        )
        for job in jobs
    ]
    with store.writing() as db:
        db.execute(
            "INSERT INTO batches (number, endpoint, stage, created_at) VALUES (?, ?, ?, ?)",
            (number, endpoint, stage, time.time()),
        )
        db.executemany("INSERT INTO batch_rows VALUES (?, ?, ?, ?, ?, ?)", rows)
        db.execute(
            "UPDATE batches SET (calls, tokens_in, tokens_out, picodollars, simulated) = ("
            " SELECT coalesce(sum(c.calls), 0), coalesce(sum(c.tokens_in), 0), coalesce(sum(c.tokens_out), 0),"
            " coalesce(sum(c.picodollars), 0), coalesce(max(c.simulated), 0)"
            " FROM batch_rows r JOIN claims c ON c.key = r.key WHERE r.number = ?) WHERE number = ?",
            (number, number),
        )
        db.executemany("DELETE FROM claims WHERE key = ?", [(job.key,) for job in jobs])


def record_batch_id(store: Store, number: str, provider_id: str) -> None:
    """Notes the id that the provider gave the batch."""
    with store.writing() as db:
        db.execute("UPDATE batches SET id = ? WHERE number = ?", (provider_id, number))


def forget_batch(store: Store, number: str) -> None:
    """Drops a batch that was fetched or never sent; its rows are free again."""
    with store.writing() as db:
        db.execute("DELETE FROM batch_rows WHERE number = ?", (number,))
        db.execute("DELETE FROM batches WHERE number = ?", (number,))


def open_batches(store: Store, endpoint: str | None = None) -> list[OpenBatch]:
    """Batches of an endpoint (None: of all) that are not fetched yet, oldest first."""
    rows = store.select(
        "SELECT b.number, b.id, b.endpoint, b.stage, b.created_at,"
        " (SELECT count(*) FROM batch_rows r WHERE r.number = b.number)"
        " FROM batches b WHERE ? IS NULL OR b.endpoint = ? ORDER BY b.created_at, b.number",
        endpoint, endpoint,
    )  # fmt: skip
    return [OpenBatch(*row) for row in rows]


def settle_lost_batches(store: Store, endpoint: str, find: Callable[[str], str | None]) -> None:
    """Settles batches that a crash left without an id.

    `find` gives the provider's id for our number, or None for a batch that was never made, which is forgotten.
    """
    for batch in open_batches(store, endpoint):
        if batch.id is None and store.claim([claim_of(batch.number)]).granted:
            provider_id = find(batch.number)
            if provider_id:
                record_batch_id(store, batch.number, provider_id)
            else:
                forget_batch(store, batch.number)
            store.save((), (), [claim_of(batch.number)])


def requests_of(store: Store, number: str) -> dict[bytes, BatchRequest]:
    """The requests of a batch by their keys."""
    rows = store.select("SELECT key, model, sample, purpose, request FROM batch_rows WHERE number = ?", number)
    return {row[0]: BatchRequest(*row[:4], zlib.decompress(row[4])) for row in rows}


def batches_of(store: Store, keys: Sequence[bytes]) -> dict[bytes, str]:
    """The number of the open batch that each key is in; keys in no batch are left out."""
    numbers: dict[bytes, str] = {}
    for start in range(0, len(keys), 256):
        chunk = keys[start : start + 256]
        marks = ",".join("?" * len(chunk))
        numbers.update(store.select(f"SELECT key, number FROM batch_rows WHERE key IN ({marks})", *chunk))
    return numbers


def claim_of(number: str) -> bytes:
    """The key under which processes agree who fetches a batch."""
    return f"batch {number}".encode()
