"""How far long work is, in one shape for every stage: a bar that a terminal redraws, a line now and then in a log.

For one, `annotate, train: 250/1,000 rows | 25.0 rows/s | 0:30 left | $0.0200 paid, $0.0050 saved | budget: $1.50 left`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from typing import TextIO

# Seconds between two lines. A log gets them less often once the work has taken a minute.
_TERMINAL_S, _LOG_S, _LONG_LOG_S, _LONG_AFTER_S = 0.2, 5.0, 30.0, 60.0
_WIDTH = 20
CLEAR_LINE = "\r\x1b[K"  # what a terminal takes the bar away by


def _nothing() -> Iterable[str]:
    return ()


class Progress:
    """Counts what is done of one pass, and writes a line to standard error when it is time to.

    `name` says which stage and which pass; `total` is None where it is not known. Where the unit is not a row,
    `rows_each` is how many rows one of it has: the rate is always in rows a second. What was done before the pass began
    (`done`) counts for no rate. `details` gives what else the line says, and is called for each line alone. Without a
    `bar` a terminal gets lines as a log does: it is not redrawn where results are written to it as well. Work that ends
    before the first line was due stays silent.
    """

    def __init__(
        self,
        name: str,
        total: int | None = None,
        *,
        unit: str = "rows",
        rows_each: int = 1,
        done: int = 0,
        details: Callable[[], Iterable[str]] = _nothing,
        bar: bool = True,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.name, self.total, self.done = name, total, done
        self._unit, self._rows_each, self._done_before, self._details = unit, rows_each, done, details
        self._stream, self._clock = stream or sys.stderr, clock
        self._terminal = bar and self._stream.isatty()
        self._began = self._written_at = clock()
        self._skipped = 0
        self.working = False
        self._written_done: int | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, count: int = 1) -> None:
        """So many more are done."""
        self.done, self.working = self.done + count, True
        self.tick()

    def skip(self, count: int = 1) -> None:
        """So many more are done without work, as what was stored.

        They count for no rate once there is work (`working`).
        """
        self.done += count
        self._skipped += count

    def tick(self) -> None:
        """Writes a line if it is time to."""
        now = self._clock()
        if now - self._written_at >= self._interval(now):
            self._write(now)

    def say(self, text: str) -> None:
        """Writes something else on a line of its own, without breaking the bar."""
        self._stream.write(f"{self._fresh_line()}{text}\n")
        self._stream.flush()

    def close(self) -> None:
        """Writes the last line, if there was one before or one is due."""
        now = self._clock()
        due = self._terminal or self.done != self._written_done
        if due and (self._written_done is not None or now - self._written_at >= self._interval(now)):
            self._write(now)
            if self._terminal:
                self._stream.write("\n")
                self._stream.flush()

    def _interval(self, now: float) -> float:
        if self._terminal:
            return _TERMINAL_S
        return _LOG_S if now - self._began <= _LONG_AFTER_S else _LONG_LOG_S

    def _write(self, now: float) -> None:
        self._written_at, self._written_done = now, self.done
        end = "" if self._terminal else "\n"
        self._stream.write(f"{self._fresh_line()}{self._line(now)}{end}")
        self._stream.flush()

    def _fresh_line(self) -> str:
        return CLEAR_LINE if self._terminal else ""

    def _line(self, now: float) -> str:
        seconds = max(now - self._began, 1e-9)
        work = self.done - self._done_before - (self._skipped if self.working else 0)
        rate = work * self._rows_each / seconds
        parts = [
            f"{self.done:,} {self._unit}" if self.total is None else f"{self.done:,}/{self.total:,} {self._unit}",
            f"{rate:,.0f} rows/s" if rate >= 100 else f"{rate:.1f} rows/s",
        ]
        if self.total is not None and work:
            parts.append(f"{duration_text(seconds / work * max(0, self.total - self.done))} left")
        return f"{self.name}: {self._bar()}{' | '.join([*parts, *self._details()])}"

    def _bar(self) -> str:
        if not self._terminal or not self.total:
            return ""
        full = _WIDTH * min(self.done, self.total) // self.total
        return f"[{'#' * full}{'.' * (_WIDTH - full)}] "


def duration_text(seconds: float) -> str:
    """Seconds as "0:05", "12:30" or "1:02:03"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
