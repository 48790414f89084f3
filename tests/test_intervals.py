from __future__ import annotations

import pytest

from distill.intervals import p_in_words, wilson


def test_wilson_gives_the_published_values():
    # Newcombe (1998), table I, method 3: 81/263, 15/148, 0/20, 1/29.
    for successes, trials, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)):
        assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_a_higher_confidence_is_wider():
    assert wilson(5, 10, 0.99)[0] < wilson(5, 10, 0.95)[0] < 0.5


@pytest.mark.parametrize("bad", [(1, 0), (3, 2), (-1, 2)])
def test_impossible_counts_are_refused(bad):
    with pytest.raises(ValueError, match="successes in"):
        wilson(*bad)


def test_a_p_value_that_reads_zero_was_rounded():
    assert [p_in_words(value) for value in (1.0, 0.0429571, 0.0001, 0.00009, 0.0)] == ["= 1", "= 0.043", "= 0.0001", "< 0.0001", "< 0.0001"]
