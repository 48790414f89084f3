"""Progress of asking: a live bar on a terminal, a line every few seconds without one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from distill.teacher.money import Bill, dollars

_BAR_EVERY_S, _LINE_EVERY_S = 0.2, 5.0
_WIDTH = 20


class Progress:
    """Counts replies and says where things stand: rows, calls a second, tokens, money, budget left, time to go.

    `total` is the number of rows where it is known. The first line comes after a few seconds, so that
    short work stays silent without a terminal.
    """

    def __init__(
        self,
        stage: str,
        total: int | None,
        bill: Bill,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._stage, self._total, self._bill, self._clock = stage, total, bill, clock
        self._stream = stream or sys.stderr
        self._bar = self._stream.isatty()
        self._every = _BAR_EVERY_S if self._bar else _LINE_EVERY_S
        self._began = self._said = clock()
        self._calls_before = bill.paid.calls
        self.rows = self.failed = 0

    def tick(self, budget_left: str | None = None) -> None:
        """Says where things stand if it is time to."""
        now = self._clock()
        if now - self._said >= self._every:
            self._said = now
            self._write(self.line(now, budget_left))

    def close(self) -> None:
        """Ends the bar's line."""
        if self._bar and self._said != self._began:
            self._write(self.line(self._clock(), None))
            self._stream.write("\n")
            self._stream.flush()

    def line(self, now: float, budget_left: str | None) -> str:
        bill, seconds = self._bill, max(now - self._began, 1e-9)
        rows = f"{self.rows:,}" if self._total is None else f"{self.rows:,}/{self._total:,} rows"
        parts = [
            rows if self._total is not None else f"{rows} rows",
            f"{(bill.paid.calls - self._calls_before) / seconds:.1f} calls/s",
            f"{bill.paid.tokens_in:,} tokens in, {bill.paid.tokens_out:,} out",
            f"{dollars(bill.paid.usd)} paid, {dollars(bill.saved.usd)} saved",
        ]
        if self.failed:
            parts.append(f"{self.failed:,} without an answer")
        if budget_left is not None:
            parts.append(f"{budget_left} left")
        if self._total and self.rows:
            to_go = seconds / self.rows * max(0, self._total - self.rows)
            parts.append(f"{int(to_go // 60)}:{int(to_go % 60):02d} to go")
        return f"{self._stage}: {self._drawn()}{' | '.join(parts)}"

    def _drawn(self) -> str:
        if not self._bar or not self._total:
            return ""
        full = _WIDTH * min(self.rows, self._total) // self._total
        return f"[{'#' * full}{'.' * (_WIDTH - full)}] "

    def _write(self, line: str) -> None:
        self._stream.write(f"\r\x1b[K{line}" if self._bar else f"{line}\n")
        self._stream.flush()
