"""Response bodies of the Batch API, read in pieces: no more is unpacked and kept than there is room for.

The live client's transport unpacks by itself no more than is asked for; that of the `openai` client unpacks whole
pieces, of which a few bytes may hold a gigabyte.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

_PIECE = 2**16
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": 32 + zlib.MAX_WBITS}
_LONG = re.compile("/(?:content|results)$")  # files of many lines, each of which is bounded by itself
ENCODINGS = "gzip, deflate"


def bounding(most_bytes: int) -> Callable[[Any], None]:
    """A hook of an httpx client: a response that is read afterwards raises ReadError where it has more bytes, unpacked,
    or is packed in another way than ENCODINGS."""
    import httpx2

    class Bounded(httpx2.SyncByteStream):
        def __init__(self, stream: Any, encoding: str, most: int | None):
            self.stream, self.encoding, self.most = stream, encoding, most

        def __iter__(self) -> Iterator[bytes]:
            size = 0
            try:
                for piece in unpacked_pieces(self.stream, self.encoding):
                    size += len(piece)
                    if self.most is not None and size > self.most:
                        raise httpx2.ReadError(f"a response of more than {most_bytes // 2**20} MiB")
                    yield piece
            except (zlib.error, ValueError) as error:
                raise httpx2.ReadError(f"a response that cannot be unpacked ({error})") from error

        def close(self) -> None:
            self.stream.close()

    def bound(response: Any) -> None:
        encoding = response.headers.pop("content-encoding", "").strip().lower()
        most = None if _LONG.search(response.request.url.path) and response.status_code < 300 else most_bytes
        response.stream = Bounded(response.stream, encoding, most)

    return bound


def unpacked_pieces(stream: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The bytes of a stream, unpacked, in pieces of 64 KiB at most. Raises zlib.error, or ValueError for another
    encoding."""
    if encoding in ("", "identity"):
        yield from stream
        return
    if encoding not in _WINDOWS:
        raise ValueError(f"it is packed as {encoding[:40]!r}")
    unpacker = zlib.decompressobj(_WINDOWS[encoding])
    for packed in stream:
        left = packed
        while left:
            if piece := unpacker.decompress(left, _PIECE):
                yield piece
            left = unpacker.unconsumed_tail
            if unpacker.eof:  # a stream may be of several members
                left, unpacker = unpacker.unused_data, zlib.decompressobj(_WINDOWS[encoding])
    if rest := unpacker.flush(_PIECE):
        yield rest


def bounded_lines(pieces: Iterable[bytes], most_bytes: int) -> Iterator[tuple[bytes, bool]]:
    """(line, whether it is whole) of a stream, without blank ones; of a line of more bytes the beginning."""
    line, passing = bytearray(), False
    for piece in pieces:
        *ended, rest = piece.split(b"\n")
        for part in ended:
            if passing:
                passing = False
            else:
                line += part
                if line.strip():
                    yield bytes(line[:most_bytes]), len(line) <= most_bytes
            line = bytearray()
        if passing:
            continue
        line += rest
        if len(line) > most_bytes:
            yield bytes(line[:most_bytes]), False
            line, passing = bytearray(), True
    if line.strip():
        yield bytes(line), True
