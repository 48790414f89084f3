import io

from distill.student import progress
from distill.student.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def clock(monkeypatch, times):
    ticks = iter(times)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(ticks))


def test_a_log_gets_a_line_every_few_seconds_and_the_last(monkeypatch):
    clock(monkeypatch, [0.0, 1.0, 6.0, 7.0, 10.0])
    stream = io.StringIO()
    shown = Progress("train", 100, 8, stream)
    for done in (10, 25, 40, 100):
        shown.update(done, f"loss {done}")
    assert (
        stream.getvalue()
        == "train 25/100  33 rows/s  0:18 left  loss 25\ntrain 100/100  80 rows/s  0:00 left  loss 100\n"
    )


def test_a_terminal_rewrites_its_line(monkeypatch):
    clock(monkeypatch, [0.0, 1.0, 2.0])
    stream = Terminal()
    shown = Progress("train", 2, 8, stream)
    shown.update(1)
    shown.update(2)
    assert stream.getvalue() == "\r\x1b[2Ktrain 1/2  8 rows/s  0:01 left\r\x1b[2Ktrain 2/2  8 rows/s  0:00 left\n"


def test_an_early_end_is_shown(monkeypatch):
    clock(monkeypatch, [0.0, 1.0])
    stream = io.StringIO()
    Progress("train", 10, 8, stream).update(5, last=True)
    assert stream.getvalue() == "train 5/10  40 rows/s  0:01 left\n"
