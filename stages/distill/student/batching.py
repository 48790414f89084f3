"""Which rows go into which batch, and how ragged token ids become tensors."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from operator import itemgetter

import torch
from torch import Tensor
from torch.utils.data import Sampler

# Rows are sorted by length within pools of this many batches: long enough that little is padded, short
# enough that the order of rows stays close to random.
POOL = 16


class Schedule(Sampler[list[int]]):
    """Every batch of a training run, fixed by (lengths, batch_rows, steps, seed).

    Rows are visited in a new seeded order each pass, without a short batch at its end; rows of like
    length share a batch. A longer run begins with the batches of a shorter one.
    """

    def __init__(self, lengths: Sequence[int], batch_rows: int, steps: int, seed: int):
        self.batch_size, self.drop_last = batch_rows, False
        self.batches = list(itertools.islice(_batches(lengths, batch_rows, seed), steps))

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


def by_length(lengths: Sequence[int], rows: int) -> list[list[int]]:
    """Indices in batches of at most `rows`, the longest first, so that too large a batch fails at once."""
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    return [order[start : start + rows] for start in range(0, len(order), rows)]


def cut_by_length(sizes: Sequence[Sequence[int]], worth: float) -> list[list[int]]:
    """Places of a batch's rows, cut into parts that are padded each for itself, where a cut saves more than `worth`
    tokens.

    `sizes` are each row's lengths, (rows, kinds of text), of which every kind is padded to the part's longest. One
    part, in the order of the rows, where no cut is worth it.
    """
    order = range(len(sizes))
    if _padded(sizes, order) - sum(map(sum, sizes)) <= worth:
        return [list(order)]
    waiting, done = [list(order)], []
    while waiting:
        part = waiting.pop()
        cut = _best_cut(sizes, part, worth)
        waiting += cut or []
        done += [] if cut else [part]
    return done


def padded(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """(rows, longest) of int64, filled up at the right with `value`."""
    longest = max((len(row) for row in rows), default=0)
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows], dtype=torch.long)


def mask(rows: Sequence[Sequence[int]]) -> Tensor:
    """(rows, longest) of int64: 1 for a token, 0 for what `padded` fills up."""
    return padded([[1] * len(row) for row in rows], 0)


def _batches(lengths: Sequence[int], batch_rows: int, seed: int) -> Iterator[list[int]]:
    numbers = random.Random(seed)
    stream: list[int] = []
    size = batch_rows * POOL
    while True:
        while len(stream) < size:
            order = list(range(len(lengths)))
            numbers.shuffle(order)
            stream += order
        pool, stream = sorted(stream[:size], key=lambda index: lengths[index]), stream[size:]
        batches = [pool[start : start + batch_rows] for start in range(0, size, batch_rows)]
        numbers.shuffle(batches)
        yield from batches


def _padded(sizes: Sequence[Sequence[int]], part: Sequence[int]) -> int:
    return len(part) * sum(map(max, zip(*(sizes[place] for place in part), strict=True)))


def _best_cut(sizes: Sequence[Sequence[int]], part: Sequence[int], worth: float) -> list[list[int]] | None:
    """The part in two, by the length of some kind of text or of all, where that saves most and more than `worth`."""
    best, found = _padded(sizes, part) - worth, None
    for key in (sum, *(itemgetter(kind) for kind in range(len(sizes[0])))):
        order = sorted(part, key=lambda place: (key(sizes[place]), place))
        below, above = (
            list(itertools.accumulate((sizes[place] for place in way), _longest)) for way in (order, order[::-1])
        )
        for cut in range(1, len(order)):
            cost = cut * sum(below[cut - 1]) + (len(order) - cut) * sum(above[len(order) - cut - 1])
            if cost < best:
                best, found = cost, [order[:cut], order[cut:]]
    return found


def _longest(one: Sequence[int], other: Sequence[int]) -> Sequence[int]:
    return list(map(max, one, other))
