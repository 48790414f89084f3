from __future__ import annotations

import pytest

from distill.rows.records import TrainingRow
from distill.selection.several import picked
from distill.settings.subsample import SubsampleSettings

WORDS = ("two words", "here are four words", "there are five words here", "one")
ROWS = [TrainingRow(f"r{i:03}", "x", "y", WORDS[0], other_rationales=WORDS[1:] if i < 100 else ()) for i in range(120)]


def settings(per_row=1, short=None) -> SubsampleSettings:
    return SubsampleSettings(1.0, 1.0, "random", "teacher", "own", per_row, short, 1)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9])
def test_the_first_are_kept_in_the_order_of_the_samples(count):
    rows, metrics = picked(ROWS, settings(count))
    assert {(row.rationale, *row.other_rationales) for row in rows[:100]} == {WORDS[:count]}
    assert {(row.rationale, row.other_rationales) for row in rows[100:]} == {(WORDS[0], ())}
    if count == 1:
        assert metrics == {}
    if count == 2:
        assert metrics == {"total": 220, "rows_with_several": 100, "words_mean": (100 * (2 + 4) + 20 * 2) / 220}


def test_a_short_share_is_exact_nested_and_of_the_rows_that_have_several():
    before: set[str] = set()
    for rate in (0.0, 0.125, 0.333, 0.5, 0.75, 1.0):
        rows, metrics = picked(ROWS, settings(short=rate))
        short = {row.id for row in rows[:100] if row.rationale == "one"}
        long = {row.id for row in rows[:100] if row.rationale == WORDS[2]}
        assert len(short) == round(100 * rate) == metrics["shortest"] and len(long) == 100 - len(short) == metrics["longest"]
        assert {row.rationale for row in rows[100:]} == {WORDS[0]}
        assert before <= short
        before = short


def test_several_of_the_shortest_and_of_the_longest():
    rows, _ = picked(ROWS, settings(2, 1.0))
    assert (rows[0].rationale, *rows[0].other_rationales) == ("one", "two words")
    rows, _ = picked(ROWS, settings(2, 0.0))
    assert (rows[0].rationale, *rows[0].other_rationales) == (WORDS[2], WORDS[1])


def test_rows_without_a_rationale_stay_so():
    bare = [TrainingRow("a", "x", "y")]
    assert picked(bare, settings(3, 0.5)) == (bare, {"total": 0, "rows_with_several": 0, "words_mean": None, "shortest": 0, "longest": 0})
