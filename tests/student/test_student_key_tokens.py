import itertools
import random

import pytest

from distill.rows.records import TrainingRow
from distill.student.key_tokens import changed, key_weights


@pytest.mark.parametrize(
    ("one", "other", "marks"),
    [
        ("the first is car sized so smaller", "the first is house sized so larger", "0001001"),
        ("a b c", "a b c", "000"),
        ("a b c", "a x b c", "000"),
        ("a b c d", "a d", "0110"),
        ("a b", "", "11"),
        ("", "a b", ""),
        ("b a", "a", "10"),
    ],
)
def test_the_tokens_that_the_fewest_changes_touch(one, other, marks):
    assert changed(one.split(), other.split()) == [mark == "1" for mark in marks]


def test_what_is_kept_is_a_longest_part_that_fewest_changes_allow():
    numbers = random.Random(1)
    for _ in range(60):
        one, other = ([numbers.randrange(3) for _ in range(numbers.randrange(6))] for _ in range(2))
        kept = sum(not mark for mark in changed(one, other))
        # Every way of keeping some tokens in their order, and the changes it costs; the rest pairs up between what is kept.
        least, most = 99, 0
        for size in range(min(len(one), len(other)) + 1):
            for left, right in itertools.product(itertools.combinations(range(len(one)), size), itertools.combinations(range(len(other)), size)):
                if all(one[i] == other[j] for i, j in zip(left, right, strict=True)):
                    edges = [(-1, -1), *zip(left, right, strict=True), (len(one), len(other))]
                    cost = sum(max(b[0] - a[0], b[1] - a[1]) - 1 for a, b in itertools.pairwise(edges))
                    least, most = min((least, -most), (cost, -size))[0], -min((least, -most), (cost, -size))[1]
        assert kept <= most


def rows(*labels):
    return [TrainingRow(f"r{i}", "x", label, "why") for i, label in enumerate(labels)]


def test_a_rationale_is_held_against_the_nearest_one_for_another_label():
    told = [[[1, 2, 3, 9]], [[1, 2, 4, 9]], [[7, 7, 7]], [[1, 2, 5, 9]]]
    found = key_weights(rows("a", "b", "b", "a"), told, [[]] * 4, 3.0)
    assert found == [[[1.0, 1.0, 3.0, 1.0]], [[1.0, 1.0, 3.0, 1.0]], [[3.0, 3.0, 3.0]], [[1.0, 1.0, 3.0, 1.0]]]


def test_the_rows_own_contrary_rationale_goes_first():
    told = [[[1, 2, 3, 9], [1, 8]], [[1, 2, 4, 9]], []]
    found = key_weights(rows("a", "b", "a"), told, [[[1, 5, 3, 9]], [], []], 2.0)
    assert found == [[[1.0, 2.0, 1.0, 1.0], [1.0, 2.0]], [[1.0, 1.0, 2.0, 1.0]], []]


def test_with_one_label_alone_nothing_is_key():
    assert key_weights(rows("a", "a"), [[[1, 2]], [[1, 3]]], [[], []], 5.0) == [[[1.0, 1.0]], [[1.0, 1.0]]]
