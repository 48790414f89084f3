"""The store's schema as an ordered list of small named steps; a step, once released, never changes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable


def _answers(db: sqlite3.Connection) -> None:
    """One row an answer. What is read often comes first; the raw body, as compressed JSON, last.

    text, failure, finish_reason, returned_model, tokens and logprob (mean natural log-probability of the
    answer's tokens) are derived from the body. asked_at and answered_at are seconds since 1970; mode is
    "live" or "batch".
    """
    db.execute("""
        CREATE TABLE answers (
            key BLOB PRIMARY KEY, text TEXT, finish_reason TEXT, failure TEXT, returned_model TEXT,
            tokens_in INTEGER, tokens_cached INTEGER, tokens_out INTEGER, tokens_from TEXT,
            logprob REAL, mode TEXT NOT NULL,
            endpoint TEXT NOT NULL, model TEXT NOT NULL, sample INTEGER NOT NULL, purpose TEXT NOT NULL,
            fingerprint TEXT, asked_at REAL NOT NULL, answered_at REAL NOT NULL, attempts INTEGER NOT NULL,
            request BLOB NOT NULL, body BLOB NOT NULL
        )""")


def _claims(db: sqlite3.Connection) -> None:
    """Work in flight: who asks, and until when (seconds since 1970) that is believed without news."""
    db.execute("CREATE TABLE claims (key BLOB PRIMARY KEY, owner TEXT NOT NULL, expires REAL NOT NULL) WITHOUT ROWID")


def _payments(db: sqlite3.Connection) -> None:
    """What was paid, when, by which stage. picodollars (1e-12 dollars) is null where a price is unknown;
    simulated is 1 for the teacher that costs nothing."""
    db.execute("""
        CREATE TABLE payments (
            at REAL NOT NULL, stage TEXT NOT NULL, endpoint TEXT NOT NULL, simulated INTEGER NOT NULL,
            model TEXT NOT NULL, calls INTEGER NOT NULL, tokens_in INTEGER NOT NULL, tokens_cached INTEGER NOT NULL,
            tokens_out INTEGER NOT NULL, picodollars INTEGER
        )""")


def _batches(db: sqlite3.Connection) -> None:
    """Batches at a provider that are not fetched yet, and their requests (compressed JSON)."""
    db.execute("""
        CREATE TABLE batches (
            number TEXT PRIMARY KEY, id TEXT, endpoint TEXT NOT NULL, stage TEXT NOT NULL, created_at REAL NOT NULL
        )""")
    db.execute("""
        CREATE TABLE batch_rows (
            number TEXT NOT NULL, key BLOB PRIMARY KEY, model TEXT NOT NULL, sample INTEGER NOT NULL,
            purpose TEXT NOT NULL, request BLOB NOT NULL
        )""")
    db.execute("CREATE INDEX batch_rows_number ON batch_rows (number)")


def _reservations(db: sqlite3.Connection) -> None:
    """What calls in flight, and open batches, may cost at most: held back from the budget of all processes.

    Stage, endpoint and model are those of the payment that a claim becomes if its process dies. A payment's `lost`
    calls brought no answer and no usage (a time-out, a cut connection): they count at the most that they may have cost.
    """
    for table in ("claims", "batches"):
        for column in ("calls", "tokens_in", "tokens_out", "picodollars", "simulated"):
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0")
    for column in ("stage", "endpoint", "model"):
        db.execute(f"ALTER TABLE claims ADD COLUMN {column} TEXT")
    db.execute("ALTER TABLE payments ADD COLUMN lost INTEGER NOT NULL DEFAULT 0")


def _reasoning(db: sqlite3.Connection) -> None:
    """The part of tokens_out that a reasoning model thought; null in answers that were stored before."""
    db.execute("ALTER TABLE answers ADD COLUMN tokens_reasoning INTEGER")


# By the names under which a store remembers them.
MIGRATIONS: dict[str, Callable[[sqlite3.Connection], None]] = {
    "answers": _answers,
    "claims": _claims,
    "payments": _payments,
    "batches": _batches,
    "reservations": _reservations,
    "reasoning": _reasoning,
}


class NewerSchema(Exception):
    """The file was written by a newer version of this project."""


class OtherSchema(Exception):
    """The file is a database of something else."""


def up_to_date(db: sqlite3.Connection) -> bool:
    """Whether every step was done; a file that a newer version wrote counts as such. Raises sqlite3.Error, or
    OtherSchema."""
    check_ours(db, empty=False)
    return set(MIGRATIONS) <= {name for (name,) in db.execute("SELECT name FROM migrations")}


def migrate(db: sqlite3.Connection) -> None:
    """Brings the schema up to date in one transaction. Raises sqlite3.Error, NewerSchema, or OtherSchema."""
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY)")
        done = {name for (name,) in db.execute("SELECT name FROM migrations")}
        unknown = done - set(MIGRATIONS)
        if unknown:
            raise NewerSchema(
                f"it was written by a newer version of this project (steps {', '.join(sorted(unknown))}); update this "
                "project"
            )
        for name, step in MIGRATIONS.items():
            if name not in done:
                step(db)
                db.execute("INSERT INTO migrations VALUES (?)", (name,))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite ends some by itself, as on a full disk
            db.execute("ROLLBACK")
        raise


def check_ours(db: sqlite3.Connection, *, empty: bool = True) -> None:
    """Raises OtherSchema where the tables are not those of a response store: nothing is to be written into such a file.
    One without any table may become one, if `empty`."""
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not ({"migrations", "answers"} <= tables or (empty and not tables)):
        raise OtherSchema(
            "a database without the tables of a response store; if it was one, save what it holds by `python "
            "stages/store.py export --rescue rescued.jsonl`"
        )
