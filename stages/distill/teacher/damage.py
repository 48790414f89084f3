"""How a damaged store is told from a sound one, and what to do then.

SQLite notices what it cannot make sense of. It passes over one thing in silence: where its write-ahead log is damaged,
the commits behind the damage, which it then overwrites.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import zlib
from pathlib import Path
from typing import Any

from distill.teacher.exchange import TeacherError

_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ")
_TORN = 1  # commit behind the last sound one, that a power cut in its midst leaves


class StoreError(TeacherError):
    """The store cannot be used; the message says which file, why, and how to recover."""


def unpacked(column: Any) -> bytes:
    """A request or a body as it was before it was packed for its column. Raises zlib.error, or sqlite3.DatabaseError
    where the column holds no bytes."""
    if not isinstance(column, bytes):
        raise sqlite3.DatabaseError("a packed column holds no bytes")
    return zlib.decompress(column)


def trouble(path: Path, error: Exception) -> str:
    """What is wrong with a store, and what to do, as the end of a sentence that begins with its path."""
    if path.is_dir():
        return f" is a folder, and the response store is a file: DISTILL_STORE={path / 'responses.sqlite'}"
    name = getattr(error, "sqlite_errorname", None) or ""
    damage = name.startswith(_DAMAGE) or "decode to UTF-8" in str(error)
    if isinstance(error, sqlite3.OperationalError) and not damage:
        return f": {error}; check that the folder is writable, on a local disk, and not full"
    return (
        f" is damaged ({error}). What to do: stop all runs; `python stages/store.py export --rescue rescued.jsonl` "
        f"writes what can be read and counts what is lost; move {path}, its -wal and its -shm away; "
        "`python stages/store.py import rescued.jsonl`"
    )


def check_log(path: Path) -> None:
    """Raises sqlite3.DatabaseError where commits stand in the write-ahead log that SQLite would pass over.

    To be called before a connection may write: when the last one closes, the log is gone. What SQLite takes of it
    stands in the file's -shm (https://www.sqlite.org/walformat.html, section 2.1).
    """
    log, index = path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")
    head, commits = _commits(log)
    if commits and not (path.exists() and path.stat().st_size):
        raise sqlite3.DatabaseError("the file is gone or empty, and its write-ahead log is not")
    if len(commits) <= _TORN or not os.access(path.parent, os.W_OK):  # SQLite makes the index beside the file
        return
    if _checksum(head[:24], little=head[3] == 0x82) != struct.unpack(">2I", head[24:32]):
        raise sqlite3.DatabaseError("the head of its write-ahead log is wrong")
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=60)
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()  # SQLite reads its log
        taken = index.read_bytes()[:48] if index.exists() else b""
    finally:
        db.close()
    if len(taken) < 48 or taken[32:40] != head[16:24]:  # no index, or a newer log meanwhile
        return
    behind = sum(frame > struct.unpack("=I", taken[16:20])[0] for frame in commits)
    if behind > _TORN:
        raise sqlite3.DatabaseError(f"its write-ahead log: {behind} commits stand behind a page that is wrong")


def _commits(log: Path) -> tuple[bytes, list[int]]:
    """The head of a write-ahead log, and the numbers, from 1, of the frames that end a commit of the same run."""
    try:
        with open(log, "rb") as file:
            head = file.read(32)
            size = int.from_bytes(head[8:12], "big") or 4096
            file.seek(0, 2)
            count, commits, salts = (file.tell() - 32) // (24 + size), [], head[16:24]
            for number in range(1, count + 1):
                file.seek(32 + (number - 1) * (24 + size))
                frame = file.read(24)
                if number == 1 and _checksum(head[:24], little=head[3] == 0x82) != struct.unpack(">2I", head[24:32]):
                    salts = frame[8:16]
                if frame[8:16] == salts and any(frame[4:8]):
                    commits.append(number)
    except FileNotFoundError:
        return b"", []
    return head, commits


def _checksum(content: bytes, *, little: bool) -> tuple[int, int]:
    first = second = 0
    for word, next_word in struct.iter_unpack("<2I" if little else ">2I", content):
        first = (first + word + second) & 0xFFFFFFFF
        second = (second + next_word + first) & 0xFFFFFFFF
    return first, second
