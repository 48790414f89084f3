from __future__ import annotations

import io
from decimal import Decimal

from distill.teacher.exchange import Usage
from distill.teacher.money import Bill
from distill.teacher.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(stream, total, seconds, rows=250, failed=0):
    clock, bill = Clock(), Bill()
    progress = Progress("annotate", total, bill, stream, clock)
    for number in range(rows):
        bill.add(Usage(100, 0, 20, "reported"), Decimal("0.0001"), from_store=number % 5 == 0)
        progress.rows += 1
    progress.failed = failed
    clock.now = seconds
    progress.tick("$1.5000")
    progress.close()
    return stream.getvalue()


def test_a_line_without_a_terminal():
    assert shown(io.StringIO(), 1000, 10.0) == (
        "annotate: 250/1,000 rows | 20.0 calls/s | 20,000 tokens in, 4,000 out | $0.0200 paid, $0.0050 saved | $1.5000 left | 0:30 to go\n"
    )


def test_short_work_is_silent_without_a_terminal():
    assert shown(io.StringIO(), 1000, 4.9) == ""


def test_a_bar_on_a_terminal_is_drawn_in_place():
    said = shown(Terminal(), 1000, 0.3)
    assert said.startswith("\r\x1b[Kannotate: [#####...............] 250/1,000 rows | ") and said.endswith("\n")


def test_an_unknown_total_has_no_bar_and_no_time_to_go():
    said = shown(Terminal(), None, 10.0, failed=3)
    assert (
        "annotate: 250 rows | " in said and "3 without an answer" in said and "to go" not in said and "[#" not in said
    )
