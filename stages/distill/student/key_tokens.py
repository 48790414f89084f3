"""Which tokens of a rationale matter: those that a rationale for another label would not have.

EDIT (arXiv 2405.19737) has the teacher write a second, wrong chain of thought to each right one, finds the key steps
by the minimum edit distance between the two, and learns those steps in particular. Here no further text is bought.
The rationale is held against one of the row's own answers that gave another label (annotate.samples), and where there is
none against the rationale, of a few hundred of other rows with another label, that shares most tokens with it. Only
the row's own rationale is trained on, as always; EDIT learns from the wrong one too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from distill.rows.records import TrainingRow

Token = TypeVar("Token")
# Rationales of other rows that each is held against, at most: enough that one of another label reads much alike,
# few enough that the work grows with the rows and not with their square.
POOL = 256


def key_weights(
    rows: Sequence[TrainingRow], rationales: Sequence[Sequence[list[int]]], contrary: Sequence[Sequence[list[int]]], weight: float
) -> list[list[list[float]]]:
    """A weight for every token of every row's rationales: `weight` for a key token, 1 for any other.

    `rationales` and `contrary` are token ids, several a row; a rationale with nothing to be held against has
    weights of 1 alone.
    """
    told = [(row.label, own[0], Counter(own[0])) for row, own in zip(rows, rationales, strict=True) if own]
    size = min(POOL, len(told))
    pool = [told[place * len(told) // size] for place in range(size)]
    found = []
    for row, own, against in zip(rows, rationales, contrary, strict=True):
        others = [(ids, Counter(ids)) for ids in against] or [(ids, counts) for label, ids, counts in pool if label != row.label]
        found.append([_weights(ids, others, weight) for ids in own])
    return found


def changed(one: Sequence[Token], other: Sequence[Token]) -> list[bool]:
    """Whether each token of `one` is changed or taken out in the fewest insertions, deletions and replacements that
    make `other` of it. Of several ways the one that keeps the later tokens is taken."""
    costs = [list(range(len(other) + 1))]
    for row, token in enumerate(one, 1):
        above, line = costs[-1], [row]
        for column, wanted in enumerate(other, 1):
            line.append(min(above[column - 1] + (token != wanted), above[column] + 1, line[column - 1] + 1))
        costs.append(line)
    marks, row, column = [True] * len(one), len(one), len(other)
    while row and column:
        if one[row - 1] == other[column - 1] and costs[row][column] == costs[row - 1][column - 1]:
            marks[row - 1] = False
            row, column = row - 1, column - 1
        elif costs[row][column] == costs[row - 1][column - 1] + 1:
            row, column = row - 1, column - 1
        elif costs[row][column] == costs[row - 1][column] + 1:
            row -= 1
        else:
            column -= 1
    return marks


def _weights(ids: list[int], others: Sequence[tuple[list[int], Counter[int]]], weight: float) -> list[float]:
    if not others:
        return [1.0] * len(ids)
    counts = Counter(ids)
    nearest, _ = max(others, key=lambda other: 2 * (counts & other[1]).total() / (len(ids) + len(other[0])))
    return [weight if mark else 1.0 for mark in changed(ids, nearest)]
