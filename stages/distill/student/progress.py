"""One line that says how far long work is, with or without a terminal."""

from __future__ import annotations

import sys
import time
from typing import TextIO

# Seconds between lines: a terminal rewrites one line, a log gets a new one.
TERMINAL_EVERY, LOG_EVERY = 0.5, 5.0


class Progress:
    """Counts steps of `rows` rows each towards `total` and prints rate and time left."""

    def __init__(self, name: str, total: int, rows: int, stream: TextIO | None = None, done: int = 0):
        """`done` steps were done before, and count for no rate."""
        self.name, self.total, self.rows, self.before = name, total, rows, done
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty()
        self.started = self.shown = time.monotonic()

    def update(self, done: int, text: str = "", last: bool = False) -> None:
        """Prints where it is time to, and always at the end; `last` says that it has come early."""
        now = time.monotonic()
        last = last or done >= self.total
        if not last and now - self.shown < (TERMINAL_EVERY if self.terminal else LOG_EVERY):
            return
        self.shown = now
        took = max(now - self.started, 1e-9)
        since = done - self.before
        left = round(took / max(since, 1) * (self.total - done))
        line = (
            f"{self.name} {done}/{self.total}  {since * self.rows / took:,.0f} rows/s  {left // 60}:{left % 60:02d}"
            f" left  {text}".rstrip()
        )
        if self.terminal:
            self.stream.write(f"\r\x1b[2K{line}" + ("\n" if last else ""))
        else:
            self.stream.write(line + "\n")
        self.stream.flush()
