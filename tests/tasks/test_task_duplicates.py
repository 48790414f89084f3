"""Near-duplicate inputs: the rule, and that candidates are found."""

from __future__ import annotations

import random

import numpy as np
import pytest

from distill.tasks.duplicates import band_keys, folded_text, groups, similarity


def grouped(texts, threshold=0.8, *, digits=True):
    folded = [folded_text(text, digits=digits) for text in texts]
    return groups(band_keys(folded), lambda rows: [folded[row] for row in rows], threshold).tolist()


@pytest.mark.parametrize(
    ("text", "digits", "folded"),
    [
        ("Where  is my PARCEL?!", True, "where is my parcel"),
        ("Order 4711 of 2026-11-23", True, "order 0 of 0 0 0"),
        ("Order 4711", False, "order 4711"),
        ("Straße ﬁne_ly", True, "strasse fine ly"),
        ("a", True, "a    "),
    ],
)
def test_folding(text, digits, folded):
    assert folded_text(text, digits=digits) == folded


def test_similarity_is_of_sets_of_five_characters():
    assert similarity("abcdefg", "abcdefg") == 1
    assert similarity("abcdefg", "abcdefh") == 0.5  # abcde, bcdef shared, of cdefg and cdefh one each
    assert similarity("abcdefg", "zyxwvut") == 0


def test_case_punctuation_and_numbers_do_not_tell_texts_apart_unless_the_answer_is_a_number():
    texts = ["Parcel 17 is late.", "another matter altogether", "parcel 23 IS late"]
    assert grouped(texts) == [0, 1, 0]
    assert grouped(
        ["I have 17 eggs and eat 4, how many are left?", "I have 23 eggs and eat 9, how many are left?"],
        0.9,
        digits=False,
    ) == [0, 1]


def test_near_duplicates_of_near_duplicates_are_one_group():
    base = "the courier left my parcel with a neighbour who does not know me at all and went away"
    assert grouped([base, f"{base} again", f"{base} again and again"]) == [0, 0, 0]


def test_short_and_foreign_texts():
    assert grouped(["ja", "nein", "Ja!", "我的包裹在哪里", "我的包裹在哪里？", "我的发票在哪里"]) == [0, 1, 0, 3, 3, 5]


def test_what_is_near_is_found_and_what_is_not_stays_apart():
    rng = random.Random(4)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(400)]
    texts = []
    for _ in range(300):
        one = rng.sample(words, 20)
        other = list(one)
        other[rng.randrange(20)] = rng.choice(words)
        texts += [" ".join(one), " ".join(other)]
    alike = [similarity(folded_text(a), folded_text(b)) >= 0.8 for a, b in zip(texts[::2], texts[1::2], strict=True)]
    found = grouped(texts)
    together = [found[2 * i] == found[2 * i + 1] for i in range(300)]
    assert sum(alike) > 250 and not any(t and not a for t, a in zip(together, alike, strict=True))
    assert together == alike
    assert len({found[2 * i] for i in range(300)}) == 300


def test_keys_do_not_depend_on_the_company_of_a_text():
    texts = [folded_text(f"message number {chr(97 + i)} of the day") for i in range(26)]
    assert np.array_equal(band_keys(texts)[7], band_keys(texts[7:8])[0])
    assert band_keys([]).shape == (0, 16)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hardly_any_pair_at_the_threshold_is_missed_whatever_is_edited(seed):
    """Against comparing all pairs: texts in families that were edited letter by letter, to about the threshold."""
    rng = random.Random(seed)
    texts = []
    for _ in range(60):
        base = [rng.choice("abcdefghijklmnop ") for _ in range(rng.randrange(70, 200))]
        for _ in range(6):
            edited = list(base)
            for _ in range(rng.randrange(1, 3)):
                edited[rng.randrange(len(base))] = rng.choice("qrstuvwxyz")
            texts.append("".join(edited))
    folded = [folded_text(text) for text in texts]
    found = grouped(texts)
    pairs = [
        found[i] == found[j] for i in range(len(texts)) for j in range(i) if similarity(folded[i], folded[j]) >= 0.8
    ]
    assert len(pairs) > 150 and sum(pairs) >= 0.999 * len(pairs)


def test_rows_that_share_a_key_with_a_stranger_find_one_another():
    texts = ["one text of its own", "another text altogether", "another text altogether!"]
    folded = [folded_text(text) for text in texts]
    keys = np.zeros((3, 1), np.uint64)
    assert groups(keys, lambda rows: [folded[row] for row in rows], 0.8).tolist() == [0, 1, 1]
