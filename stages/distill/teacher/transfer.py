"""The store as sorted JSONL: exported, imported and checked.

A colleague who imports it pays nothing for what the team has, and an export saves what a damaged file still holds.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.rows.files import canonical, read_json_lines, whole_file
from distill.teacher.exchange import Usage
from distill.teacher.failures import RECORDED
from distill.teacher.keys import request_key
from distill.teacher.reading import PASSING, Unusable, read_completion
from distill.teacher.store import Answer, Store, Stored, StoreError

_COLUMNS = (
    "key", "endpoint", "model", "sample", "purpose", "mode", "fingerprint", "asked_at", "answered_at", "attempts",
    "tokens_in", "tokens_cached", "tokens_out", "tokens_from", "failure", "request", "body",
)  # fmt: skip
_COUNT = "answers"  # the only field of the last line
_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Exported:
    """How many answers were written, and how many a damaged store could not give."""

    answers: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class Imported:
    """How many answers were added, how many were there already, and whether the file said how many it has."""

    added: int
    present: int
    counted: bool


def export_answers(store: Store, path: Path) -> Exported:
    """Writes every answer, sorted by key, one JSON object a line, and their count; the file appears when it is whole.

    Answers that a damaged store cannot give are skipped and counted.
    """
    readable, lost = _keys(store)
    written = 0
    with whole_file(path) as file:
        for _, row in sorted(readable):
            try:
                values = store.select(f"SELECT {', '.join(_COLUMNS)} FROM answers WHERE rowid = ?", row)[0]
                file.write(_line(values).encode() + b"\n")
                written += 1
            except (StoreError, zlib.error, UnicodeDecodeError):
                lost += 1
        file.write(canonical({_COUNT: written}).encode() + b"\n")
    return Exported(written, lost)


def _line(values: tuple[Any, ...]) -> str:
    named = dict(zip(_COLUMNS, values, strict=True))
    named["key"] = named["key"].hex()
    for name in ("request", "body"):
        named[name] = zlib.decompress(named[name]).decode()
    return canonical(named)


def _keys(store: Store) -> tuple[list[tuple[bytes, int]], int]:
    """(key, row number) of every answer that can be read, and how many cannot."""
    try:
        return store.select("SELECT key, rowid FROM answers"), 0
    except StoreError:
        pass
    try:
        last = store.select("SELECT max(rowid) FROM answers")[0][0] or 0
    except StoreError:
        last = store.select("SELECT max(rowid) FROM answers NOT INDEXED")[0][0] or 0
    readable, lost = [], 0
    for row in range(1, last + 1):
        try:
            readable += store.select("SELECT key, rowid FROM answers NOT INDEXED WHERE rowid = ?", row)
        except StoreError:
            lost += 1
    return readable, lost


def import_answers(store: Store, path: Path) -> Imported:
    """Adds the answers of an exported file; what is there already stays. Raises DataError with file and line.

    Key, text and usage are derived anew from the request and the body of each line; the line is not trusted for them.
    """
    counts: list[int] = []
    total = added = 0
    try:
        answers = _answers(path, counts)
        while batch := list(islice(answers, _CHUNK)):
            total += len(batch)
            added += store.save(batch)
        if counts and counts[0] != total:
            raise DataError(f"{path}: has {total:,} answers, and its last line says {counts[0]:,}: some were cut out")
    except DataError as error:
        raise DataError(
            f"{error}. {total:,} answers before it are stored; import the whole file again, what is there stays"
        ) from error
    return Imported(added, total - added, bool(counts))


def _answers(path: Path, counts: list[int]) -> Iterator[tuple[bytes, Answer]]:
    """The answers of a file, with their keys; the count of its last line goes to `counts`. Older exports have none."""
    for line, values in read_json_lines(path):
        if counts:
            raise DataError(f"{path}:{line}: stands behind the line that ends an export; import one file at a time")
        if set(values) == {_COUNT}:
            counts.append(values[_COUNT])
        else:
            yield _answer(values, f"{path}:{line}")


def _answer(values: dict[str, Any], where: str) -> tuple[bytes, Answer]:
    if set(values) != set(_COLUMNS):
        odd = sorted(set(values) ^ set(_COLUMNS))
        raise DataError(
            f"{where}: not an exported answer (fields {', '.join(odd)}); use a file of `python stages/store.py export`"
        )
    request, body = str(values["request"]).encode(), str(values["body"]).encode()
    key = request_key(values["endpoint"], request, values["sample"])
    if key.hex() != values["key"]:
        raise DataError(
            f"{where}: the key does not belong to this request; the line was changed or damaged: leave it out"
        )
    stored = derived(body, values["mode"], values["failure"])
    if stored is None:
        raise DataError(f"{where}: the body holds no answer; leave the line out")
    if stored.usage.tokens_from is None:
        usage = Usage(values["tokens_in"], values["tokens_cached"], values["tokens_out"], values["tokens_from"])
        stored = Stored(
            stored.text, stored.finish_reason, stored.failure, stored.model, usage, stored.logprob, stored.mode
        )
    answer = Answer(
        stored, values["endpoint"], values["model"], values["sample"], values["purpose"], values["fingerprint"],
        values["asked_at"], values["answered_at"], values["attempts"], request, body,
    )  # fmt: skip
    return key, answer


def derived(body: bytes, mode: Any, failure: str | None) -> Stored | None:
    """What a stored body says, read anew; None where it holds no answer.

    What is recorded of a row may be an error instead of a completion: that body says no more than `failure`.
    """
    try:
        reading = read_completion(body)
    except Unusable:
        return Stored(None, None, failure, None, Usage(), mode=mode) if failure in RECORDED.values() else None
    return Stored(
        reading.text, reading.finish_reason, reading.failure, reading.model, reading.usage, reading.logprob, mode
    )


def verify(store: Store) -> list[str]:
    """The faults of the store, in words; none where every page, key, body and derived column is sound."""
    problems = []
    try:
        problems += [row[0] for row in store.select("PRAGMA integrity_check") if row[0] != "ok"]
    except StoreError as error:
        problems.append(str(error))
    readable, lost = _keys(store)
    if lost:
        problems.append(f"{lost} answers cannot be read")
    for key, row in readable:
        try:
            problem = _problem(store, key, row)
        except (StoreError, zlib.error, sqlite3.Error) as error:
            problem = str(error)
        if problem:
            problems.append(f"answer {key.hex()[:12]}: {problem}")
    return problems


def _problem(store: Store, key: bytes, row: int) -> str | None:
    endpoint, sample, request, body, mode, failure, *columns = store.select(
        "SELECT endpoint, sample, request, body, mode, failure, text, finish_reason, returned_model, tokens_in,"
        " tokens_out, tokens_from, tokens_reasoning FROM answers WHERE rowid = ?",
        row,
    )[0]
    if request_key(endpoint, zlib.decompress(request), sample) != key:
        return "the key does not belong to the request"
    anew = derived(zlib.decompress(body), mode, failure)
    if anew is None:
        return "the body holds no answer"
    text, finish_reason, model, tokens_in, tokens_out, tokens_from, thought = columns
    if thought is None and tokens_from == "reported":  # stored before thoughts and endings were read as they are now
        same = (text or "") == (anew.text or "") or anew.failure in PASSING
        return None if same and model == anew.model else "text or model differ from the body"
    # Tokens that were counted here are not in the body.
    tokens = (anew.usage.tokens_in, anew.usage.tokens_out) if tokens_from == "reported" else (tokens_in, tokens_out)
    read = (anew.text, anew.finish_reason, anew.failure, anew.model, *tokens)
    if read != (text, finish_reason, failure, model, tokens_in, tokens_out):
        return "text, model or usage differ from the body"
    return None
