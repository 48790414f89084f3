"""Phrases found by hand, against the one pattern that says what is meant."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from distill.answers.parsing.folding import fold
from distill.answers.parsing.lexicon import PhraseFinder

WORDS = st.sampled_from(
    [
        "a",
        "the",
        "to",
        "store",
        "x1",
        "c++",
        "(b",
        "3",
        "3.5",
        "ice",
        "cream",
        "creams",
        "my",
        "it's",
        "st.",
        "é",
        "-b",
        "_",
    ]
)
GAPS = st.sampled_from([" ", "  ", "-", "_", " the ", " a\n", ".", ", ", ""])


def pattern(phrase: str) -> str:
    inner = r"[\s_\-]+(?:(?:an?|the|his|her|their|your|my|our|its|one's)\s+)?".join(map(re.escape, phrase.split(" ")))
    left = r"(?<![^\W_])(?<![^\W_]-)(?<!\d[.,])" if phrase[0].isalnum() else ""
    right = r"(?![^\W_])(?!-[^\W_])(?!'t\b)" if phrase[-1].isalnum() else ""
    return left + inner + right + (r"(?![.,]\d)" if phrase[-1].isdigit() else "")


@settings(derandomize=True, max_examples=400)
@given(
    st.lists(st.lists(WORDS, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=6, unique=True),
    st.lists(st.tuples(WORDS, GAPS), max_size=20),
)
def test_it_finds_what_one_pattern_of_all_phrases_would(phrases, pieces):
    phrases = sorted(phrases, key=len, reverse=True)
    text = fold("".join(word + gap for word, gap in pieces))
    spans = [match.span() for match in re.finditer("|".join(map(pattern, phrases)), text)]
    assert PhraseFinder(phrases).find(text) == spans


def test_the_longest_of_those_that_begin_together_and_none_within_another():
    text = "a bank, a bank account, and the river-bank of the town"
    found = PhraseFinder(["bank account", "river bank", "bank of town", "bank"]).find(text)
    assert [text[start:end] for start, end in found] == ["bank", "bank account", "river-bank"]
