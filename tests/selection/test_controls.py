from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as some

from distill.errors import DataError
from distill.rows.records import TrainingRow
from distill.selection.controls import RATIONALE_KINDS, codes, conclusion, shuffled, shuffled_within_label
from distill.settings.subsample import SubsampleSettings


def rows(*rationales: str | None) -> list[TrainingRow]:
    return [TrainingRow(f"r{i}", f"input {i}", "label", rationale) for i, rationale in enumerate(rationales)]


@given(some.lists(some.booleans(), max_size=30).filter(lambda has: sum(has) != 1), some.integers(0, 5))
def test_no_row_keeps_its_rationale_and_every_rationale_is_used_once(has, seed):
    before = rows(*(f"why {i}" if explained else None for i, explained in enumerate(has)))
    after = shuffled(before, seed)
    assert [row.id for row in after] == [row.id for row in before]
    assert Counter(row.rationale for row in after) == Counter(row.rationale for row in before)
    for own, taken in zip(before, after, strict=True):
        assert (own.rationale is None) == (taken.rationale is None)
        assert own.rationale is None or own.rationale != taken.rationale
        assert (own.input, own.label) == (taken.input, taken.label)


def test_the_seed_decides_who_gets_which():
    before = rows(*(f"why {i}" for i in range(20)))
    assert shuffled(before, 1) == shuffled(before, 1) != shuffled(before, 2)


def test_a_single_rationale_has_nowhere_to_go():
    with pytest.raises(DataError, match="only one row has a rationale"):
        shuffled(rows("why", None, None), 1)


def test_every_control_is_a_setting_and_changes_rationales_alone():
    assert tuple(RATIONALE_KINDS) == get_args(get_type_hints(SubsampleSettings)["rationales"])
    before = [
        *rows("The first is small, so it is lower.", "The second is tall. It is lower.", None),
        *rows("It is so."),
    ]
    before = [replace(row, id=f"r{place}", label="high" if place == 3 else "low") for place, row in enumerate(before)]
    for control in RATIONALE_KINDS.values():
        after = control(before, 1)
        assert [replace(row, rationale=None) for row in after] == [replace(row, rationale=None) for row in before]
        assert after[2].rationale is None and control(before, 1) == after
        assert control([], 1) == [] and control(rows(None, None), 1) == rows(None, None)
    assert RATIONALE_KINDS["own"](before, 1) == before


LABELLED = [TrainingRow(f"r{i:02}", "x", "abc"[i % 3], f"why {i}" if i % 4 else None) for i in range(36)]


def test_rationales_of_the_same_label_go_round_among_its_rows():
    after = shuffled_within_label(LABELLED, 1)
    for label in "abc":
        given, taken = ([row.rationale for row in some if row.label == label] for some in (LABELLED, after))
        assert Counter(given) == Counter(taken)
    for own, other in zip(LABELLED, after, strict=True):
        assert (own.rationale is None) == (other.rationale is None)
        assert own.rationale is None or own.rationale != other.rationale
    assert after != shuffled_within_label(LABELLED, 2)


def test_a_label_that_one_row_has_loses_its_rationale_and_a_set_of_such_is_refused():
    lonely = [*LABELLED, TrainingRow("r99", "x", "d", "since")]
    assert shuffled_within_label(lonely, 1) == [*shuffled_within_label(LABELLED, 1), TrainingRow("r99", "x", "d")]
    with pytest.raises(DataError, match="no two rows with a rationale have one label"):
        shuffled_within_label([TrainingRow("a", "x", "1", "why"), TrainingRow("b", "x", "2", "why")], 1)


def test_a_rationale_of_another_label_argues_for_another_label():
    after = RATIONALE_KINDS["other_label"](LABELLED, 1)
    label_of = {row.rationale: row.label for row in LABELLED}
    for own, other in zip(LABELLED, after, strict=True):
        assert (own.rationale is None) == (other.rationale is None)
        assert own.rationale is None or label_of[other.rationale] != own.label
    few = [replace(row, label="b" if row.id == "r01" else "a") for row in LABELLED]
    taken = Counter(row.rationale for row in RATIONALE_KINDS["other_label"](few, 1))
    assert taken["why 1"] == 26, "where one label has few, its rationales stand on several rows"
    with pytest.raises(DataError, match="all rows with a rationale have one label"):
        RATIONALE_KINDS["other_label"](rows("a", "b"), 1)


def test_words_in_a_random_order_are_the_same_words():
    before = rows("The first is hand sized, so the first is smaller.", "one", None)
    after = RATIONALE_KINDS["word_order"](before, 1)
    assert sorted(after[0].rationale.split()) == sorted(before[0].rationale.split())
    assert after[0].rationale != before[0].rationale and after[1:] == before[1:]
    assert RATIONALE_KINDS["word_order"](before, 2)[0] != after[0]
    assert RATIONALE_KINDS["word_order"](before[::-1], 1) == after[::-1]


SIZES = rows(
    "The first is hand sized, so the first is smaller.",
    "The first is house sized, so the first is larger.",
    "The first is hand sized: 12 of 30, so it is larger.",
    None,
)


def test_codes_keep_the_facts_in_their_order_without_a_word():
    # "the", "first", "is", "sized" and "so" stand in at least half; "hand" and "larger" do as well, in two of three.
    assert [row.rationale for row in codes(SIZES, 1)] == ["w4", "w1", "12 w3 30 w2", None]
    many = [*SIZES, *(replace(SIZES[1], id=f"m{i}") for i in range(3))]
    assert [row.rationale for row in codes(many, 1)][:3] == ["w1 w4", None, "w1 12 w3 30 w2"]


def test_codes_do_not_depend_on_the_order_of_rows():
    assert codes(SIZES[::-1], 1) == codes(SIZES, 2)[::-1]


@pytest.mark.parametrize(
    ("rationale", "end"),
    [
        ("It is wet. So it rains.", "So it rains."),
        ("The first is hand sized and the second house sized, so the first is smaller.", "so the first is smaller."),
        ("It costs 1,200 euros", "It costs 1,200 euros"),
        ("Both are cats — so alike", "so alike"),
        ("猫很小，所以更小。", "所以更小。"),
        ("...", "..."),
    ],
)
def test_the_conclusion_is_the_last_sentence_or_clause(rationale, end):
    assert [row.rationale for row in conclusion(rows(rationale), 1)] == [end]
