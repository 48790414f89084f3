"""What a damaged store still holds: page by page, row by row, and a count of what is lost.

A row proves itself: its key is the hash of its request, and its body carries a checksum. So a row counts as read only
where both fit, wherever in the file it was.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.rows.files import canonical, whole_file
from distill.rows.strict_json import strict_json
from distill.teacher.damage import StoreError
from distill.teacher.exported import ANSWER_COUNT, EXPORTED_COLUMNS, imported_answer, wrong_fields
from distill.teacher.keys import request_key
from distill.teacher.sqlite_pages import PAGE_SIZES, Broken, PageRecord, Pages

# The columns of the table, in their order; newer versions add theirs at the end.
_COLUMNS = (
    "key", "text", "finish_reason", "failure", "returned_model", "tokens_in", "tokens_cached", "tokens_out",
    "tokens_from", "logprob", "mode", "endpoint", "model", "sample", "purpose", "fingerprint", "asked_at",
    "answered_at", "attempts", "request", "body",
)  # fmt: skip
_KEY_BYTES = 32
_HEAD = bytes([12 + 2 * _KEY_BYTES])  # the type of the first column: a key
# What stands in the place of a field beside the answer that cannot be read.
_UNREADABLE = {
    "purpose": "unknown", "mode": "live", "fingerprint": None, "asked_at": 0.0, "answered_at": 0.0, "attempts": 0,
    "tokens_in": None, "tokens_cached": None, "tokens_out": None, "tokens_from": None, "failure": None,
}  # fmt: skip
_NAMED = 20  # ranges of rows in a message


@dataclass(frozen=True, slots=True)
class Rescued:
    """How many answers were written, and what was not.

    `lost` are the numbers of rows that were there and cannot be read, `missing` numbers without a row (lost too, or
    forgotten on purpose before), where anything is damaged. `mended` answers lack fields beside the answer itself.
    """

    answers: int
    mended: int
    lost: tuple[int, ...]
    missing: tuple[int, ...]
    pages: int
    unreadable_pages: int
    stated_pages: int

    @property
    def whole(self) -> bool:
        """Whether nothing is lost."""
        return not (self.lost or self.mended or self.unreadable_pages or self.pages < self.stated_pages)


@dataclass(slots=True)
class _Answers:
    """The sound answers of one reading of the file, as (page, row or None, latest), and what else was seen."""

    places: dict[bytes, tuple[int, bool]] = field(default_factory=dict)
    rows: set[int] = field(default_factory=set)
    broken_rows: set[int] = field(default_factory=set)
    indexed: dict[bytes, int] = field(default_factory=dict)
    batched: set[bytes] = field(default_factory=set)
    used: set[int] = field(default_factory=set)
    broken_pages: set[int] = field(default_factory=set)


def rescue_answers(store: Path, path: Path) -> Rescued:
    """Writes every answer that can be read in a store, as `export_answers` does; the store stays as it is.

    Raises StoreError where the file holds nothing of a response store.
    """
    try:
        pages, answers = _best_reading(store)
    except (OSError, Broken) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise StoreError(f"{store}: cannot be rescued ({why}); name the file of a response store") from error
    if not (answers.places or answers.indexed or _has_schema(pages)):
        raise StoreError(
            f"{store}: nothing in it is of a response store; see that DISTILL_STORE, or --store, names the right file"
        )
    mended = 0
    with whole_file(path) as file:
        for key in sorted(answers.places):
            named, changed = _named(_read_again(pages, answers, key)) or ({}, False)
            mended += changed
            file.write(canonical(named).encode() + b"\n")
        file.write(canonical({ANSWER_COUNT: len(answers.places)}).encode() + b"\n")
    return _counted_losses(pages, answers, mended)


def _best_reading(store: Path) -> tuple[Pages, _Answers]:
    """By the page size that the file states; where that brings nothing, by the one that brings most."""
    if not (store.exists() or store.with_name(store.name + "-wal").exists()):
        raise StoreError(f"{store}: no response store there")
    readings: list[tuple[Pages, _Answers]] = []
    for size in (None, *PAGE_SIZES):
        try:
            pages = Pages(store, size)
        except Broken:
            continue
        readings.append((pages, _read(pages)))
        if size is None and (readings[0][1].places or (pages.headed and pages.is_tree(1))):
            break
    return max(readings, key=lambda reading: len(reading[1].places))


def _has_schema(pages: Pages) -> bool:
    return b"CREATE TABLE answers" in pages.file or any(b"CREATE TABLE answers" in page for page in pages.log.values())


def _read(pages: Pages) -> _Answers:
    answers, unused = _Answers(), pages.unused()
    numbers = [number for number in range(1, pages.count + 1) if number not in unused]
    for number in numbers:
        _read_tree(pages, answers, number)
    # What no sound record explains is searched byte by byte, and so is what an older version of a page held.
    for number in numbers:
        if number in answers.broken_pages or number not in answers.used:
            _search(pages, answers, number, latest=True)
    if answers.broken_pages:
        for number in pages.log:
            _search(pages, answers, number, latest=False)
    answers.broken_pages |= {
        number for number in numbers if number not in answers.used and any(_bytes_or_none(pages, number))
    }
    return answers


def _bytes_or_none(pages: Pages, number: int) -> bytes:
    try:
        return pages.page(number)
    except Broken:
        return b""


def _read_tree(pages: Pages, answers: _Answers, number: int) -> None:
    try:
        if not pages.is_tree(number):
            return
        answers.used.add(number)
        for cell in pages.cells(number):
            if cell is None or not _take(answers, cell, latest=True):
                answers.broken_pages.add(number)
    except Broken:
        answers.broken_pages.add(number)


def _search(pages: Pages, answers: _Answers, number: int, *, latest: bool) -> None:
    try:
        for cell in pages.records(number, _HEAD, latest=latest):
            _take(answers, cell, latest=latest)
    except Broken:
        if latest:
            answers.broken_pages.add(number)


def _take(answers: _Answers, cell: PageRecord, *, latest: bool) -> bool:
    """Notes what a record is; False for an answer that does not prove itself."""
    values = cell.values
    if len(values) >= len(_COLUMNS) and isinstance(values[0], bytes) and len(values[0]) == _KEY_BYTES:
        if _named(cell) is None:
            answers.broken_rows |= {cell.row} if cell.row else set()
            return False
        answers.places.setdefault(values[0], (cell.page, latest))
        answers.rows |= {cell.row} if cell.row else set()
    elif len(values) == 2 and isinstance(values[0], bytes) and len(values[0]) == _KEY_BYTES and type(values[1]) is int:
        answers.indexed[values[0]] = values[1]
    elif len(values) == 6 and isinstance(values[1], bytes):  # a question of a batch that is under way
        answers.batched.add(values[1])
    answers.used |= {cell.page, *cell.overflow}
    return True


def _read_again(pages: Pages, answers: _Answers, key: bytes) -> PageRecord:
    number, latest = answers.places[key]
    for cell in _all_records(pages, number, latest):
        if cell is not None and cell.values[:1] == (key,) and _named(cell):
            return cell
    raise StoreError("the file changed while it was read: stop what uses it, and run again")


def _all_records(pages: Pages, number: int, latest: bool) -> Iterator[PageRecord | None]:
    with suppress(Broken):
        yield from pages.cells(number, latest=latest)
    yield from pages.records(number, _HEAD, latest=latest)


def _named(cell: PageRecord) -> tuple[dict[str, Any], bool] | None:
    """An answer as a line of an export has it, and whether fields beside it had to be left empty.

    None where key, request and body do not belong together.
    """
    values = dict(zip(_COLUMNS, cell.values, strict=False))
    try:
        request, body = zlib.decompress(values["request"]), zlib.decompress(values["body"])
        if request_key(values["endpoint"], request, values["sample"]) != values["key"]:
            return None
        values |= {"key": values["key"].hex(), "request": request.decode(), "body": body.decode()}
        for name in ("asked_at", "answered_at"):  # a whole number of seconds is kept as such
            values[name] = float(values[name]) if isinstance(values[name], int) else values[name]
        line = {name: values[name] for name in EXPORTED_COLUMNS}
        wrong = wrong_fields(line)
        model = strict_json(line["request"]).get("model", line["model"])
        wrong += ["model"] if line["model"] != model else []
        line |= {name: value for name, value in {**_UNREADABLE, "model": model}.items() if name in wrong}
        imported_answer(line, "")
    except (DataError, zlib.error, AttributeError, TypeError, ValueError):
        return None
    return line, bool(wrong)


def _counted_losses(pages: Pages, answers: _Answers, mended: int) -> Rescued:
    lost = {row for row in answers.broken_rows if row not in answers.rows}
    indexed = {key: row for key, row in answers.indexed.items() if key not in answers.batched}
    lost |= {row for key, row in indexed.items() if key not in answers.places and row not in answers.rows}
    missing: set[int] = set()
    if lost or answers.broken_pages:
        last = max([*indexed.values(), *answers.rows], default=0)
        last = min(last, 100 * (len(answers.rows) + pages.count))  # a number that damage made huge is no row
        missing = set(range(1, last + 1)) - answers.rows - lost
    return Rescued(
        len(answers.places), mended, tuple(sorted(lost)), tuple(sorted(missing)), pages.count,
        len(answers.broken_pages), pages.stated(),
    )  # fmt: skip


def losses(rescued: Rescued) -> Iterator[str]:
    """What is lost, a line each; nothing where all is there."""
    if rescued.lost:
        yield f"lost: {len(rescued.lost):,} answers, rows {_ranges(rescued.lost)}"
    if rescued.missing:
        yield f"{len(rescued.missing):,} more rows are not there, lost or forgotten before: {_ranges(rescued.missing)}"
    if rescued.mended:
        yield f"{rescued.mended:,} answers are whole, but fields beside them (time, purpose, …) cannot be read"
    if rescued.unreadable_pages:
        yield f"{rescued.unreadable_pages:,} of {rescued.pages:,} pages cannot be read, or belong to what cannot"
    if rescued.pages < rescued.stated_pages:
        yield f"the file says that it has {rescued.stated_pages:,} pages, and {rescued.pages:,} are there"


def _ranges(rows: Iterable[int]) -> str:
    """Sorted row numbers as "3, 7–9"."""
    ends: list[list[int]] = []
    for row in rows:
        if ends and ends[-1][1] == row - 1:
            ends[-1][1] = row
        else:
            ends.append([row, row])
    words = [f"{first}" if first == last else f"{first}–{last}" for first, last in ends]
    return ", ".join(words[:_NAMED]) + (f" and {len(words) - _NAMED} ranges more" if len(words) > _NAMED else "")
