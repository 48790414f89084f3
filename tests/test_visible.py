"""Text that others wrote draws nothing on a terminal and says nothing in our name."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.errors import UserError
from distill.progress import CLEAR_LINE, Progress
from distill.running import run_front_door
from distill.teacher.failures import describe_failure, judge_failure, symptom_of_status
from distill.visible import VisibleStream, one_line, visible

ATTACKS = {
    "a title": "\x1b]0;owned\x07",
    "a link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "a colour": "\x1b[2J\x1b[31mred",
    "a return": "harmless\rannotate: done in 1.0 s",
    "an 8-bit escape": "\x9b2J",
    "turned text": "\u202etxt.exe",
}


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_what_cannot_be_seen_is_written_out(text):
    assert all(character.isprintable() or character == "\n" for character in visible(text))
    assert "‹U+" in visible(text)


@given(st.text())
def test_ordinary_text_stays_and_nothing_else_passes(text):
    stream = io.StringIO()
    assert VisibleStream(stream).write(text) == len(text)
    assert not set(stream.getvalue()) & {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160), 0x202E)}
    if text.isprintable():
        assert stream.getvalue() == text


def test_a_bar_is_redrawn_as_before_whatever_its_details_hold():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    progress = Progress(
        "annotate", 4, details=lambda: ["\x1b[2J"], stream=VisibleStream(terminal), clock=iter(range(99)).__next__
    )
    progress.add()
    assert (
        terminal.getvalue()
        == f"{CLEAR_LINE}annotate: [#####...............] 1/4 rows | 1.0 rows/s | 0:03 left | ‹U+001B›[2J"
    )


def test_a_server_cannot_say_that_the_stage_is_done(capsys):
    body = b'{"error": {"message": "no\\nannotate: done in 1.0 s\\u001b[2J", "code": "x"}}'
    symptom = symptom_of_status(400, body)
    words = describe_failure(judge_failure(symptom), symptom)
    assert words == "refused request (400): no annotate: done in 1.0 s‹U+001B›[2J"

    def stops():
        print("\x1b[2J", end="")
        raise UserError("\x1b]0;owned\x07")

    before = sys.stdout, sys.stderr
    with pytest.raises(SystemExit) as stopped:
        run_front_door("annotate", stops)
    assert stopped.value.code == "annotate: ‹U+001B›]0;owned‹U+0007›"
    assert capsys.readouterr().out == "‹U+001B›[2J" and (sys.stdout, sys.stderr) == before


def test_a_long_text_is_one_short_line():
    assert one_line("a\n b\tc", 10) == "a b c" and one_line("x" * 20, 5) == "xxxx…"
