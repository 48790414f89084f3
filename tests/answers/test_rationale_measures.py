from __future__ import annotations

import pytest

from distill.answers.parsing.rationales import is_fragment
from distill.answers.rationale_measures import RowRationale, copied_share, rationale_measures

CLASSES = ("larger", "smaller")


def test_measures_by_hand():
    told = [
        RowRationale("A cat is small, so it is smaller.", "a cat next to a house", "smaller", CLASSES),
        RowRationale("It is larger.", "a dog", "smaller", CLASSES),
        RowRationale("Nobody knows.", "a dog", "smaller", CLASSES),
        RowRationale("one two three four five", "x", None, CLASSES),
    ]
    found = rationale_measures(told, 8, "classes")
    assert found["coverage"] == 0.5
    # 8, 3, 2 and 5 words.
    assert (found["words_mean"], found["words_p25"], found["words_p50"], found["words_p75"]) == (4.5, 3, 5, 8)
    # "a cat" of eight words; nothing elsewhere.
    assert found["input_overlap"] == pytest.approx(2 / 8 / 4) and found["copied"] == 0
    assert (found["states_label"], found["agrees_with_label"], found["supports_label"]) == (0.5, 0.5, 0.25)


def test_copied_is_the_share_of_three_words_in_a_row():
    assert copied_share("The cat sat there", "the cat sat on a mat") == 0.5
    assert copied_share("cat sat", "cat sat") == 0.0


def test_numbers_agree_by_value_and_free_text_states_nothing():
    sevens = [RowRationale("3 + 4 = 7, so it is 7.", "q", "7.0")]
    assert rationale_measures(sevens, 1, "number")["supports_label"] == 1.0
    assert rationale_measures([RowRationale("So there.", "q", "So there.")], 1, "text")["states_label"] is None


def test_nothing_told_is_not_known():
    found = rationale_measures([], 0, "classes")
    assert set(found.values()) == {None}
    assert rationale_measures([], 5, "classes")["coverage"] == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "Based on",
        "Given the options above,",
        "and sleep.",
        'France."',
        "Spain.",
        "The note can be",
        'It is "red',
        "of it",
    ],
)
def test_a_torn_piece_is_a_fragment(text):
    assert is_fragment(text)


@pytest.mark.parametrize(
    "text",
    ["It leaks.", "the lid is loose", "Since it rains, we stay.", 'She calls it "red".', "4 + 5 = 9", "Too dear."],
)
def test_a_whole_clause_is_no_fragment(text):
    assert not is_fragment(text)


def test_fragments_are_a_share_of_the_rationales():
    pair = [RowRationale("It leaks.", "q", None, CLASSES), RowRationale("Based on", "q", None, CLASSES)]
    assert rationale_measures(pair, 2, "classes")["fragments"] == 0.5
