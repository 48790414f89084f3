"""The line that says how far long work is: exact, by a clock that the test sets."""

from __future__ import annotations

import io

import pytest

from distill.progress import Progress, duration_text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_log_gets_a_line_after_five_seconds_and_the_last(clock):
    stream = io.StringIO()
    with Progress("annotate, train", 1000, details=lambda: ("$0.0200 paid",), stream=stream, clock=clock) as progress:
        for second in (1, 4, 5, 9):
            clock.now = second
            progress.add(50)
        progress.add(800)
        clock.now = 40.0
    assert stream.getvalue() == (
        "annotate, train: 150/1,000 rows | 30.0 rows/s | 0:28 left | $0.0200 paid\n"
        "annotate, train: 1,000/1,000 rows | 25.0 rows/s | 0:00 left | $0.0200 paid\n"
    )


def test_short_work_is_silent(clock):
    for stream, seconds in ((io.StringIO(), 4.9), (Terminal(), 0.1)):
        clock.now = 0.0
        with Progress("prepare", 10, stream=stream, clock=clock) as progress:
            clock.now = seconds
            progress.add(10)
        assert stream.getvalue() == ""


def test_a_log_of_long_work_gets_a_line_every_half_minute(clock):
    stream = io.StringIO()
    progress = Progress("train", 7200, stream=stream, clock=clock)
    for second in range(1, 181):
        clock.now = second
        progress.add(1)
    assert [int(line.split()[1].split("/")[0]) for line in stream.getvalue().splitlines()] == [
        *range(5, 65, 5),
        90,
        120,
        150,
        180,
    ]


def test_a_terminal_has_a_bar_that_is_redrawn_and_ended(clock):
    stream = Terminal()
    with Progress("evaluate", 40, stream=stream, clock=clock) as progress:
        clock.now = 2.0
        progress.add(10)
        progress.say("a note")
        clock.now = 8.0
        progress.done = 40
    assert stream.getvalue() == (
        "\r\x1b[Kevaluate: [#####...............] 10/40 rows | 5.0 rows/s | 0:06 left"
        "\r\x1b[Ka note\n"
        "\r\x1b[Kevaluate: [####################] 40/40 rows | 5.0 rows/s | 0:00 left\n"
    )


def test_steps_of_many_rows_that_go_on_from_a_checkpoint(clock):
    stream = io.StringIO()
    progress = Progress("train", 400, unit="steps", rows_each=8, done=100, stream=stream, clock=clock)
    clock.now = 5.0
    progress.add(100)
    assert stream.getvalue() == "train: 200/400 steps | 160 rows/s | 0:10 left\n"


def test_what_was_stored_counts_for_no_rate_once_there_is_work(clock):
    stream = io.StringIO()
    progress = Progress("annotate, train", 1000, stream=stream, clock=clock)
    clock.now = 5.0
    progress.skip(500)
    progress.tick()
    progress.working = True
    clock.now = 10.0
    progress.tick()
    clock.now = 15.0
    progress.add(50)
    assert stream.getvalue() == (
        "annotate, train: 500/1,000 rows | 100 rows/s | 0:05 left\n"
        "annotate, train: 500/1,000 rows | 0.0 rows/s\n"
        "annotate, train: 550/1,000 rows | 3.3 rows/s | 2:15 left\n"
    )


def test_an_unknown_total_has_no_bar_and_no_time_left(clock):
    stream = Terminal()
    progress = Progress("prepare, reading", stream=stream, clock=clock)
    clock.now = 10.0
    progress.add(2_500_000)
    assert stream.getvalue() == "\r\x1b[Kprepare, reading: 2,500,000 rows | 250,000 rows/s"


def test_nothing_done_has_no_time_left(clock):
    stream = io.StringIO()
    progress = Progress("annotate", 8, stream=stream, clock=clock)
    clock.now = 5.0
    progress.tick()
    assert stream.getvalue() == "annotate: 0/8 rows | 0.0 rows/s\n"


def test_times():
    assert [duration_text(s) for s in (0, 5.9, 750, 3723)] == ["0:00", "0:05", "12:30", "1:02:03"]
