"""The store as sorted JSONL: exported, imported and checked.

A colleague who imports it pays nothing for what the team has. What a damaged store holds is for `rescue`.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from distill.rows.files import canonical, whole_file
from distill.teacher.damage import StoreError, unpacked
from distill.teacher.exported import ANSWER_COUNT, EXPORTED_COLUMNS, Export, derived
from distill.teacher.keys import request_key
from distill.teacher.reading import PASSING
from distill.teacher.store import Store

_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Imported:
    """How many answers were added, how many were there already, and how many of those are others than in the file."""

    added: int
    present: int
    differing: int

    def lines(self, export: Export) -> Iterator[str]:
        """What became of an exported file, for people."""
        yield f"{self.added:,} answers added, {self.present:,} were there already"
        if self.differing:
            yield f"{self.differing:,} of those are other answers to the same requests; the store's own were kept"
        if not export.counted:
            yield "the file does not end with the number of its answers: it is of an older version, or cut"


def export_answers(store: Store, path: Path) -> int:
    """Writes every answer, sorted by key, one JSON object a line, and their count, which is returned.

    The file appears when it is whole. Raises StoreError at the first answer that cannot be read.
    """
    keys = sorted(store.select("SELECT key FROM answers"))
    with whole_file(path) as file:
        for (key,) in keys:
            rows = store.select(f"SELECT {', '.join(EXPORTED_COLUMNS)} FROM answers WHERE key = ?", key)
            with store.sound():
                file.write(_line(rows[0]).encode() + b"\n")
        file.write(canonical({ANSWER_COUNT: len(keys)}).encode() + b"\n")
    return len(keys)


def _line(values: tuple[Any, ...]) -> str:
    named = dict(zip(EXPORTED_COLUMNS, values, strict=True))
    named["key"] = named["key"].hex()
    for name in ("request", "body"):
        named[name] = unpacked(named[name]).decode(errors="replace")
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


def import_answers(store: Store, export: Export) -> Imported:
    """Adds the answers of an exported file; what is there already stays."""
    added = differing = 0
    answers = iter(export)
    while batch := list(islice(answers, _CHUNK)):
        differing += sum(body not in (None, answer.body) for key, answer in batch for body in [store.body(key)])
        added += store.save(batch)
    return Imported(added, export.answers - added, differing)


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
    if request_key(endpoint, unpacked(request), sample) != key:
        return "the key does not belong to the request"
    anew = derived(unpacked(body), mode, failure)
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
