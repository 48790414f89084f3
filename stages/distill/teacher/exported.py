"""A file of exported answers, checked to its last line before a store takes any of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from distill.errors import DataError
from distill.rows.files import read_json_lines
from distill.rows.strict_json import strict_json
from distill.teacher.exchange import Usage
from distill.teacher.failures import RECORDED
from distill.teacher.keys import request_key
from distill.teacher.reading import Unusable, read_completion
from distill.teacher.store import Answer, Mode, Stored

ANSWER_COUNT = "answers"  # the only field of the last line
_MOST = 10**12  # what SQLite holds by far, and no sum of it overflows


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MOST


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and 0 <= value <= 10**11


def _is_object(value: Any) -> bool:
    try:
        return isinstance(value, str) and isinstance(strict_json(value), dict)
    except ValueError:
        return False


def _or_null(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_right(value)


_TEXT = (_is_text, "a text")
_NAME = (_is_name, "a text that is not empty")
_COUNT = (_is_count, f"a whole number from 0 to {_MOST:,}")
_COUNT_OR_NULL = (_or_null(_is_count), f"{_COUNT[1]}, or null")
_TEXT_OR_NULL = (_or_null(_is_text), "a text, or null")
_TIME = (_is_time, "seconds since 1970")
_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "key": _NAME,
    "endpoint": _NAME,
    "model": _TEXT,
    "sample": _COUNT,
    "purpose": _TEXT,
    "mode": (lambda value: value in get_args(Mode), " or ".join(get_args(Mode))),
    "fingerprint": _TEXT_OR_NULL,
    "asked_at": _TIME,
    "answered_at": _TIME,
    "attempts": _COUNT,
    "tokens_in": _COUNT_OR_NULL,
    "tokens_cached": _COUNT_OR_NULL,
    "tokens_out": _COUNT_OR_NULL,
    "tokens_from": (
        lambda value: value in ("reported", "tiktoken", "estimate", None),
        "reported, tiktoken or estimate",
    ),
    "failure": _TEXT_OR_NULL,
    "request": (_is_object, "the JSON object that was sent, as a text"),
    "body": _TEXT,
}
EXPORTED_COLUMNS = tuple(_FIELDS)


@dataclass(frozen=True, slots=True)
class Export:
    """A file of exported answers in which every line is sound; `counted`: its last line says how many there are."""

    path: Path
    answers: int
    counted: bool

    def __iter__(self) -> Iterator[tuple[bytes, Answer]]:
        for _, entry in _entries(self.path):
            if isinstance(entry, tuple):
                yield entry


def checked_export(path: Path) -> Export:
    """Reads a file of exported answers to its end. Raises DataError with file, line and field.

    Key, text and usage are derived anew from the request and the body of each line; the line is not trusted for them.
    """
    lines: dict[bytes, int] = {}
    count: int | None = None
    for line, entry in _entries(path):
        if count is not None:
            raise DataError(f"{path}:{line}: stands behind the line that ends an export; import one file at a time")
        if isinstance(entry, int):
            count = entry
        elif (first := lines.setdefault(entry[0], line)) != line:
            raise DataError(f"{path}:{line}: answers the same request as line {first}; leave one of them out")
    if count not in (None, len(lines)):
        raise DataError(f"{path}: has {len(lines):,} answers, and its last line says {count:,}: some were cut out")
    return Export(path, len(lines), count is not None)


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


def _entries(path: Path) -> Iterator[tuple[int, tuple[bytes, Answer] | int]]:
    """(line, an answer with its key, or how many answers the file has). Older exports do not say how many."""
    for line, values in read_json_lines(path):
        where = f"{path}:{line}"
        if set(values) == {ANSWER_COUNT}:
            _check(ANSWER_COUNT, values[ANSWER_COUNT], _COUNT, where)
            yield line, values[ANSWER_COUNT]
        else:
            yield line, imported_answer(values, where)


def wrong_fields(values: dict[str, Any]) -> list[str]:
    """The fields of a line that hold what they cannot."""
    return [name for name, field in _FIELDS.items() if not _is_right(values[name], field)]


def imported_answer(values: dict[str, Any], where: str) -> tuple[bytes, Answer]:
    """The answer of one line, with its key. Raises DataError, which begins with `where` it stands."""
    if odd := sorted(set(values) ^ set(_FIELDS)):
        fields = " ".join(", ".join(odd).split())[:200]
        raise DataError(
            f"{where}: not an exported answer (fields {fields}); use a file of `python stages/store.py export`"
        )
    for name, field in _FIELDS.items():
        _check(name, values[name], field, where)
    request, body = values["request"].encode(), values["body"].encode()
    key = request_key(values["endpoint"], request, values["sample"])
    if key.hex() != values["key"]:
        raise DataError(
            f"{where}: field 'key': the key does not belong to this request; the line was changed or damaged: leave it"
            " out"
        )
    stored = derived(body, values["mode"], values["failure"])
    if stored is None:
        raise DataError(f"{where}: field 'body': the body holds no answer; leave the line out")
    if stored.usage.tokens_from is None:
        usage = Usage(values["tokens_in"], values["tokens_cached"], values["tokens_out"], values["tokens_from"])
        stored = replace(stored, usage=usage)
    answer = Answer(
        stored, values["endpoint"], values["model"], values["sample"], values["purpose"], values["fingerprint"],
        values["asked_at"], values["answered_at"], values["attempts"], request, body,
    )  # fmt: skip
    return key, answer


def _is_right(value: Any, field: tuple[Callable[[Any], bool], str]) -> bool:
    try:
        return field[0](value)
    except TypeError:  # a list or an object where one of a few words is due
        return False


def _check(name: str, value: Any, field: tuple[Callable[[Any], bool], str], where: str) -> None:
    if not _is_right(value, field):
        raise DataError(f"{where}: field {name!r} is {str(value)[:60]!r}; it must be {field[1]}. Leave the line out")
