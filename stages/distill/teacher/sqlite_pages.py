"""The pages of an SQLite file and of its write-ahead log, read without SQLite, which gives up where one is damaged.

Numbers and layouts are those of https://www.sqlite.org/fileformat2.html, sections 1.3, 1.5, 1.6, 2.1 and 4.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE_SIZES = tuple(2**power for power in range(9, 17))
_TABLE_LEAF, _INDEX_LEAF, _TABLE_INNER, _INDEX_INNER = 13, 10, 5, 2
_KINDS = (_TABLE_LEAF, _INDEX_LEAF, _TABLE_INNER, _INDEX_INNER)
_LOCK_BYTE = 2**30  # SQLite leaves the page that holds it unused
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # bytes of a number, by its serial type


class Broken(Exception):
    """Bytes that cannot be what stands at their place in a sound file."""


@dataclass(frozen=True, slots=True)
class PageRecord:
    """One record: its page, its row number (None in an index, or where it is unknown), its values, and the pages on
    which it goes on."""

    page: int
    row: int | None
    values: tuple[Any, ...]
    overflow: tuple[int, ...]


class Pages:
    """Pages by their numbers, from 1. `latest` takes a page from the write-ahead log where that has it.

    `size` is the bytes of a page; by default what file or log say. Raises OSError, or Broken where neither says it.
    """

    def __init__(self, path: Path, size: int | None = None):
        self.file, log = _content(path), _content(path.with_name(path.name + "-wal"))
        self.headed = self.file[:16] == b"SQLite format 3\0"
        sizes = [size] if size else [_short(self.file, 16), _long(log, 8)]
        self.size = next((65536 if size == 1 else size for size in sizes if size == 1 or size in PAGE_SIZES), 0)
        if not self.size:
            raise Broken("the size of its pages is unknown")
        self.log = _frames(log, self.size)
        self.count = max(len(self.file) // self.size, *self.log, 0)

    def page(self, number: int, *, latest: bool = True) -> bytes:
        """Raises Broken where there is no such page."""
        content = self.log.get(number) if latest else None
        if content is None:
            content = self.file[(number - 1) * self.size : number * self.size] if number > 0 else b""
        if len(content) < self.size:
            raise Broken(f"no page {number}")
        return content

    def stated(self) -> int:
        """How many pages the file says that it has; 0 where it does not."""
        return _long(self.page(1), 28) if self.headed and self.count else 0

    def unused(self) -> set[int]:
        """The free list, and the page of the lock byte. Only a free list of as many pages as the file says counts."""
        pages, trunk = set[int](), _long(self.page(1), 32) if self.count else 0
        try:
            while trunk and trunk not in pages:
                content = self.page(trunk)
                leaves = struct.unpack_from(f">{_long(content, 4)}I", content, 8)
                pages |= {trunk, *leaves}
                trunk = _long(content, 0)
        except (Broken, struct.error):
            pages = set()
        whole = self.headed and len(pages) == _long(self.page(1), 36) if self.count else False
        return (pages if whole else set()) | {_LOCK_BYTE // self.size + 1}

    def is_tree(self, number: int, *, latest: bool = True) -> bool:
        """Whether a page says that it is one of a table or an index."""
        return self.page(number, latest=latest)[_head(number)] in _KINDS

    def cells(self, number: int, *, latest: bool = True) -> Iterator[PageRecord | None]:
        """The records on a page of a table or an index; None for each that cannot be read. Raises Broken."""
        page = self.page(number, latest=latest)
        head = _head(number)
        kind = page[head]
        inner = kind in (_TABLE_INNER, _INDEX_INNER)
        if kind == _TABLE_INNER:  # numbers alone
            return
        first = head + (12 if inner else 8)
        for place in range(_short(page, head + 3)):
            try:
                at = _short(page, first + 2 * place) + (4 if inner else 0)
                length, at = _varint(page, at)
                row, at = _varint(page, at) if kind == _TABLE_LEAF else (None, at)
                yield self._cell(number, page, at, length, row, latest, table=kind == _TABLE_LEAF)
            except Broken:
                yield None

    def records(self, number: int, head: bytes, *, latest: bool = True) -> Iterator[PageRecord]:
        """The records anywhere on a page whose column types begin with `head`, whatever else the page holds."""
        page = self.page(number, latest=latest)
        at = page.find(head, 1)
        while at > 0:
            try:
                length = _record_length(page, at - 1)
                yield self._cell(number, page, at - 1, length, _row_before(page, at - 1, length), latest, table=True)
            except Broken:
                pass
            at = page.find(head, at + 1)

    def _cell(
        self, number: int, page: bytes, at: int, length: int, row: int | None, latest: bool, *, table: bool
    ) -> PageRecord:
        most = self.size - 35 if table else (self.size - 12) * 64 // 255 - 23
        least = (self.size - 12) * 32 // 255 - 23
        here = least + (length - least) % (self.size - 4)
        if length <= most:
            here = length
        elif here > most:
            here = least
        if length > self.count * self.size or at + here > self.size:
            raise Broken("a record that is longer than its place")
        parts, overflow, left = [page[at : at + here]], [], length - here
        following = _long(page, at + here) if left else 0
        while left > 0:
            if following in overflow:
                raise Broken("a record that goes on in itself")
            content = self.page(following, latest=latest)
            overflow.append(following)
            parts.append(content[4 : 4 + left])
            left -= len(parts[-1])
            following = _long(content, 0)
        return PageRecord(number, row, _values(b"".join(parts)), tuple(overflow))


def _content(path: Path) -> bytes | mmap.mmap:
    if not path.exists() or not path.stat().st_size:
        return b""
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _frames(log: bytes | mmap.mmap, size: int) -> dict[int, bytes]:
    """The newest committed version of each page in a write-ahead log. Its checksums are not asked: the log's reader
    stops at the first that is wrong, and whoever reads a record here knows by other means whether it is sound."""
    length, salt = size + 24, log[40:48]  # the first frame's, as the log's own header may be what is damaged
    starts = range(32, len(log) - length + 1, length)
    last = max((at for at in starts if log[at + 8 : at + 16] == salt and _long(log, at + 4)), default=-1)
    return {_long(log, at): log[at + 24 : at + length] for at in starts if at <= last and 0 < _long(log, at) < 2**31}


def _head(number: int) -> int:
    return 100 if number == 1 else 0  # the file's own header comes first


def _short(content: Any, at: int) -> int:
    return int.from_bytes(content[at : at + 2], "big")


def _long(content: Any, at: int) -> int:
    return int.from_bytes(content[at : at + 4], "big")


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number of 1 to 9 bytes, and where it ends."""
    value = 0
    for place in range(at, at + 9):
        if not 0 <= place < len(content):
            raise Broken("a number beyond its page")
        byte = content[place]
        if place == at + 8:
            return (value << 8) | byte, place + 1
        value = (value << 7) | (byte & 127)
        if byte < 128:
            return value, place + 1
    raise Broken("no number")


def _serials(record: bytes, at: int) -> tuple[list[int], int]:
    """The column types of a record, and where its values begin."""
    length, place = _varint(record, at)
    serials = []
    while place < at + length:
        serial, place = _varint(record, place)
        serials.append(serial)
    if place != at + length:
        raise Broken("a record whose head does not end where it says")
    return serials, place


def _bytes_of(serial: int) -> int:
    return (serial - 12) // 2 if serial >= 12 else _INTEGERS.get(serial, 8 if serial == 7 else 0)


def _record_length(page: bytes, at: int) -> int:
    serials, place = _serials(page, at)
    return place - at + sum(map(_bytes_of, serials))


def _row_before(page: bytes, at: int, length: int) -> int | None:
    """The row number of a record, which stands with the length before it; None where they do not fit."""
    for start in range(max(0, at - 18), at - 1):
        stated, place = _varint(page, start)
        if stated == length and place < at:
            row, place = _varint(page, place)
            if place == at:
                return row
    return None


def _values(record: bytes) -> tuple[Any, ...]:
    """The values of a record; a text that is not UTF-8 stays bytes. Raises Broken."""
    serials, at = _serials(record, 0)
    values: list[Any] = []
    for serial in serials:
        part = record[at : at + _bytes_of(serial)]
        if len(part) < _bytes_of(serial) or serial in (10, 11):
            raise Broken("a record that ends before its last value")
        at += len(part)
        values.append(_value(serial, part))
    return tuple(values)


def _value(serial: int, part: bytes) -> Any:
    if serial == 0:
        return None
    if serial == 7:
        return struct.unpack(">d", part)[0]
    if serial in (8, 9):
        return serial - 8
    if serial < 12:
        return int.from_bytes(part, "big", signed=True)
    if serial % 2:
        try:
            return part.decode()
        except UnicodeDecodeError:
            return part
    return part
