"""The response store: every answer that was ever paid for, in one SQLite file that processes share.

It uses write-ahead logging with a sync at every commit: what was saved survives a killed process and a power cut. Each
thread opens its own Store.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args

from distill.teacher.damage import StoreError, check_log, trouble, unpacked
from distill.teacher.exchange import Usage
from distill.teacher.migrations import NewerSchema, OtherSchema, check_ours, migrate, up_to_date

Mode = Literal["live", "batch"]

LEASE_S = 300.0  # a claim without news for so long is stale; that of a dead process on this machine is at once
_BUSY_MS = 60_000
_CHUNK = 256
# Of the columns that `lookup` reads, in their order: SQLite gives whatever type damage made of a value.
_TEXT, _WHOLE = (str, NoneType), (int, NoneType)
_TYPES = (_TEXT, _TEXT, _TEXT, _TEXT, _WHOLE, _WHOLE, _WHOLE, _TEXT, _WHOLE, (float, int, NoneType), str)


@dataclass(frozen=True, slots=True)
class Stored:
    """The columns of an answer that later work reads."""

    text: str | None
    finish_reason: str | None
    failure: str | None
    model: str | None
    usage: Usage
    logprob: float | None = None
    mode: Mode = "live"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its provenance, as it is saved. `request` and `body` are the JSON sent and received."""

    stored: Stored
    endpoint: str
    model: str
    sample: int
    purpose: str
    fingerprint: str | None
    asked_at: float
    answered_at: float
    attempts: int
    request: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Payment:
    """What one batch of calls cost. picodollars (1e-12 dollars) is None where a price is unknown.

    `lost` of the calls brought no answer and no usage, and count at the most that they may have cost.
    """

    stage: str
    endpoint: str
    simulated: bool
    model: str
    calls: int
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    picodollars: int | None
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Paid:
    """Payments to one model, added up; `last` is the newest of them. The unpriced ones have no picodollars."""

    model: str
    last: int
    calls: int
    tokens_in: int
    tokens_out: int
    picodollars: int
    unpriced: int
    unpriced_tokens: tuple[int, int, int]


@dataclass(slots=True)
class Claimed:
    """What became of the keys to claim: granted to this process, answered meanwhile, or taken by another process."""

    granted: list[bytes] = field(default_factory=list)
    answered: dict[bytes, Stored] = field(default_factory=dict)
    taken: list[bytes] = field(default_factory=list)


@cache
def owner() -> str:
    """This process as "host:pid:start"; the start time tells it from a later process with the same id."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def _started(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
            return "" if fields[0] in "ZX" else fields[19]  # a zombie asks for nothing
    except OSError:
        return ""


def alive(name: str) -> bool:
    """Whether the owner of a claim still runs; True where that cannot be known (another host)."""
    host, pid, started = name.rsplit(":", 2)
    if host != socket.gethostname():
        return True
    if os.name == "nt":  # where signal 0 is no question
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _started(int(pid)) == started


def _write_ahead(db: sqlite3.Connection) -> None:
    # Processes that make the file at the same time find it locked, and SQLite does not wait for this one lock.
    until = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)


class Store:
    """An open store. Raises StoreError where the file is damaged, newer, or cannot be opened."""

    def __init__(self, path: Path, *, read_only: bool = False):
        self.path, self.read_only = path, read_only
        with self.sound():
            check_log(path)
            self._db = self._open_read_only() if read_only else self._open()

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        db.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        check_ours(db)
        _write_ahead(db)
        db.execute("PRAGMA synchronous = FULL")
        migrate(db)
        return db

    def _open_read_only(self) -> sqlite3.Connection:
        if not self.path.exists():
            raise StoreError(
                f"{self.path}: no response store there; `python stages/store.py import` makes one from exported answers"
            )
        # Without write access to the folder SQLite can read a WAL file only if told that nobody writes.
        mode = "mode=ro" if os.access(self.path.parent, os.W_OK) else "mode=ro&immutable=1"
        db = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None, check_same_thread=False
        )
        db.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        if not up_to_date(db):
            db.close()
            self._open().close()  # adds what newer columns an older version's file lacks
            return self._open_read_only()
        return db

    @contextmanager
    def sound(self) -> Iterator[None]:
        """Turns what SQLite raises, and packed or encoded columns that are damaged, into StoreError."""
        try:
            yield
        except StoreError:
            raise
        except (NewerSchema, OtherSchema) as error:
            raise StoreError(f"{self.path}: {error}, or point DISTILL_STORE at another file") from error
        except (sqlite3.Error, zlib.error, UnicodeDecodeError) as error:
            raise StoreError(f"{self.path}{trouble(self.path, error)}") from error
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{self.path}: cannot be used as a response store ({getattr(error, 'strerror', None) or error}); point"
                " DISTILL_STORE at a file in a folder that can be written to"
            ) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is committed at the end of the block, or leaves nothing."""
        with self._transaction() as db:
            yield db
        self.commit()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self.sound():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def select(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of a query, for those who look at the store as a whole."""
        with self.sound():
            return self._db.execute(sql, values).fetchall()

    def lookup(self, keys: Sequence[bytes]) -> dict[bytes, Stored]:
        """The answers that the store has to some of the keys."""
        answers: dict[bytes, Stored] = {}
        with self.sound():
            for start in range(0, len(keys), _CHUNK):
                chunk = keys[start : start + _CHUNK]
                marks = ",".join("?" * len(chunk))
                rows = self._db.execute(
                    "SELECT key, text, finish_reason, failure, returned_model, tokens_in, tokens_cached, tokens_out,"
                    f" tokens_from, tokens_reasoning, logprob, mode FROM answers WHERE key IN ({marks})",
                    chunk,
                )
                for key, *columns in rows:
                    if not all(map(isinstance, columns, _TYPES)) or columns[-1] not in get_args(Mode):
                        raise sqlite3.DatabaseError(f"answer {key.hex()[:12]} has a column of another type")
                    text, finish, failure, model, *usage, logprob, mode = columns
                    answers[key] = Stored(text, finish, failure, model, Usage(*usage), logprob, mode)
        return answers

    def body(self, key: bytes) -> bytes | None:
        """The raw body that the server sent; None where the key has no answer."""
        rows = self.select("SELECT body FROM answers WHERE key = ?", key)
        with self.sound():
            return unpacked(rows[0][0]) if rows else None

    def claim(self, keys: Sequence[bytes], alive: Callable[[str], bool] = alive) -> Claimed:
        """Claims each key for this process, unless it is answered or a live process holds it."""
        result, now, me = Claimed(), time.time(), owner()
        with self.writing() as db:
            result.answered = self.lookup(keys)
            held: dict[bytes, tuple[str, float]] = {}
            for start in range(0, len(keys), _CHUNK):
                chunk = keys[start : start + _CHUNK]
                marks = ",".join("?" * len(chunk))
                rows = db.execute(f"SELECT key, owner, expires FROM claims WHERE key IN ({marks})", chunk)
                held.update((key, (who, until)) for key, who, until in rows)
            dead = {who for who in {who for who, _ in held.values()} if who != me and not alive(who)}
            for key in keys:
                who, until = held.get(key, (me, 0.0))
                if key in result.answered:
                    continue
                (result.granted if who == me or until <= now or who in dead else result.taken).append(key)
            rows = [(key, me, now + LEASE_S) for key in result.granted]
            db.executemany("INSERT OR REPLACE INTO claims (key, owner, expires) VALUES (?, ?, ?)", rows)
        return result

    def renew(self) -> None:
        """Tells other processes that the claims of this one still stand."""
        with self.writing() as db:
            db.execute("UPDATE claims SET expires = ? WHERE owner = ?", (time.time() + LEASE_S, owner()))

    def save(
        self,
        answers: Sequence[tuple[bytes, Answer]],
        payments: Sequence[Payment] = (),
        released: Sequence[bytes] = (),
        settled: Sequence[bytes] = (),
    ) -> int:
        """Stores answers for good, ends their claims and those given up, and books what was paid, in one commit.

        An answer that is there already stays as it is. `settled` claims stand, but what was held back for them ends:
        their call was paid and is to be made again. Returns how many answers were added.
        """
        added = self.insert(answers, payments, released, settled)
        self.commit()
        return added

    def insert(
        self,
        answers: Sequence[tuple[bytes, Answer]],
        payments: Sequence[Payment] = (),
        released: Sequence[bytes] = (),
        settled: Sequence[bytes] = (),
    ) -> int:
        """As `save` without the commit, which must follow at once: until then no other process can write."""
        rows = [
            (
                key, s.text, s.finish_reason, s.failure, s.model,
                s.usage.tokens_in, s.usage.tokens_cached, s.usage.tokens_out, s.usage.tokens_from,
                s.logprob, s.mode, a.endpoint, a.model, a.sample, a.purpose, a.fingerprint,
                a.asked_at, a.answered_at, a.attempts, zlib.compress(a.request, 1), zlib.compress(a.body, 1),
                s.usage.tokens_reasoning,
            )
            for key, a in answers
            for s in (a.stored,)
        ]  # fmt: skip
        now = time.time()
        with self._transaction() as db:
            before = db.total_changes
            db.executemany(f"INSERT OR IGNORE INTO answers VALUES ({','.join('?' * 22)})", rows)
            added = db.total_changes - before
            ended = [key for key, _ in answers] + list(released)
            db.executemany("DELETE FROM claims WHERE key = ? AND owner = ?", [(key, owner()) for key in ended])
            db.executemany(
                "UPDATE claims SET calls = 0, tokens_in = 0, tokens_out = 0, picodollars = 0"
                " WHERE key = ? AND owner = ?",
                [(key, owner()) for key in settled],
            )
            db.executemany(
                f"INSERT INTO payments VALUES ({','.join('?' * 11)})", [(now, *astuple(paid)) for paid in payments]
            )
        return added

    def commit(self) -> None:
        """Commits what was inserted; waits for the disk."""
        with self.sound():
            try:
                self._db.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def paid(self, simulated: bool, since: float, after: int = 0) -> list[Paid]:
        """Payments made at or after `since` (seconds since 1970) and recorded later than number `after`, a model."""
        rows = self.select(
            "SELECT model, max(rowid), sum(calls), sum(tokens_in), sum(tokens_out), coalesce(sum(picodollars), 0),"
            " sum(CASE WHEN picodollars IS NULL THEN calls ELSE 0 END),"
            " sum(CASE WHEN picodollars IS NULL THEN tokens_in ELSE 0 END),"
            " sum(CASE WHEN picodollars IS NULL THEN tokens_cached ELSE 0 END),"
            " sum(CASE WHEN picodollars IS NULL THEN tokens_out ELSE 0 END)"
            " FROM payments WHERE rowid > ? AND at >= ? AND simulated = ? GROUP BY model ORDER BY model",
            after, since, simulated,
        )  # fmt: skip
        return [Paid(*row[:7], row[7:]) for row in rows]

    def usual_out(self, model: str, purpose: str) -> float | None:
        """Mean tokens of up to 1,000 answers of a model to requests of a purpose; None where there are none."""
        return self.select(
            "SELECT avg(tokens_out) FROM (SELECT tokens_out FROM answers"
            " WHERE model = ? AND purpose = ? AND failure IS NULL ORDER BY rowid DESC LIMIT 1000)",
            model, purpose,
        )[0][0]  # fmt: skip

    def thinks(self, model: str) -> bool:
        """Whether an answer of the model that is stored was thought about, as far as servers tell."""
        return bool(
            self.select("SELECT EXISTS (SELECT 1 FROM answers WHERE model = ? AND tokens_reasoning > 0)", model)[0][0]
        )

    def __len__(self) -> int:
        return self.select("SELECT count(*) FROM answers")[0][0]
