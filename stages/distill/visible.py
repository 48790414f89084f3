"""Text that others wrote, shown to people: what a reader cannot see must not change what the reader sees."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from distill.progress import CLEAR_LINE

# Control characters, half surrogate pairs, and marks that turn the direction of the text around them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Untrusted text with its invisible characters written out, as ‹U+202E›. Markup is left to the page's escaping."""
    return _HIDDEN.sub(lambda character: f"‹U+{ord(character.group()):04X}›", text.replace("\r\n", "\n"))


def one_line(text: str, most: int) -> str:
    """`visible` on one line, of at most `most` characters."""
    line = " ".join(visible(text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


class VisibleStream:
    """A text stream that writes invisible characters out, but for the one sequence by which a bar is redrawn."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        head = CLEAR_LINE if text.startswith(CLEAR_LINE) else ""
        self._stream.write(head + visible(text[len(head) :]))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def visible_output() -> Iterator[None]:
    """Standard output and error as visible streams; a server's answer, or a file's text, can draw nothing there."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = VisibleStream(sys.stdout), VisibleStream(sys.stderr)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
