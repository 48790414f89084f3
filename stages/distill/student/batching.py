"""Which rows go into which batch, and how their token ids become tensors."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from operator import itemgetter
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils.data import Sampler

# Rows are sorted by length within pools of this many batches. So little is padded, and the order stays close to random.
POOL = 16

_Tensors = TypeVar("_Tensors", bound="TensorGroup")


class TensorGroup:
    """Base of frozen dataclasses whose fields are tensors, other such groups, tuples of either, or None.

    `to` and `pin_memory` have the names by which PyTorch and accelerate move a batch.
    """

    def mapped(self: _Tensors, change: Callable[[Tensor], Tensor]) -> _Tensors:
        """The same group with every tensor changed."""
        names = [field.name for field in fields(self)]  # type: ignore[arg-type]
        values = {name: _mapped(getattr(self, name), change) for name in names}
        return replace(self, **values)  # type: ignore[type-var]

    def to(self: _Tensors, device: torch.device | str | int, non_blocking: bool = False) -> _Tensors:
        return self.mapped(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self: _Tensors) -> _Tensors:
        return self.mapped(torch.Tensor.pin_memory)


@dataclass(frozen=True)
class PaddedTokens(TensorGroup):
    """Some texts: token ids (texts, longest) of int64, and their mask, 1 for a token and 0 for padding."""

    ids: Tensor
    mask: Tensor

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], pad: int) -> PaddedTokens:
        """Padded at the right."""
        return cls(padded(rows, pad), mask(rows))


@dataclass(frozen=True)
class SoftLabels(TensorGroup):
    """How several labels belong to a row, its own label first.

    rows: (labels,) of int64, the row's place in the batch. weights: (labels, 1) of float32, the label's part of the
    row's target.
    """

    rows: Tensor
    weights: Tensor


@dataclass(frozen=True)
class OfferedChoices(TensorGroup):
    """The distinct choices of a batch, and which of them each row may choose.

    groups: token ids (choices, tokens) of choices of like length, -1 for padding. places: (rows, choices), where each
    row's choices stand among those of all groups, -1 for none.
    """

    groups: tuple[Tensor, ...]
    places: Tensor


@dataclass(frozen=True)
class TrainingBatch(TensorGroup):
    """Some training rows as tensors: what `Architecture.collate` makes and `forward` computes losses of.

    inputs: of the rows; for soft labels of a decoder-only student, of the labels. labels: (labels, tokens) of target
    ids, IGNORED where nothing is learnt; an encoder's are (rows,), a place among the answers.
    rationales: (rows with a rationale, tokens) of target ids. rationale_inputs: the inputs of those rows, where they
    differ from `inputs`. explained: (rows with a rationale,) places of those rows in the batch. unexplained: places of
    the other rows, where both targets of a row are read in one pass. decoder_ids: (labels, tokens) that the decoder
    reads, where rationale and label are one answer. soft: None where every row has one label. answer_shares: (rows,
    answers), what an encoder's soft labels give each answer. choices: of an encoder that chooses among them.
    """

    inputs: PaddedTokens
    labels: Tensor
    rationales: Tensor | None = None
    rationale_inputs: PaddedTokens | None = None
    explained: Tensor | None = None
    unexplained: Tensor | None = None
    decoder_ids: Tensor | None = None
    soft: SoftLabels | None = None
    answer_shares: Tensor | None = None
    choices: OfferedChoices | None = None

    @property
    def label_weights(self) -> Tensor | None:
        return None if self.soft is None else self.soft.weights


class BatchSchedule(Sampler[list[int]]):
    """Every batch of a training run, fixed by lengths, batch_rows, steps and seed.

    Each pass visits the rows in a new seeded order and ends without a short batch. Rows of like length share a batch.
    A longer run begins with the batches of a shorter one.
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
    """Places of a batch's rows in parts that are padded apart, where each cut saves more than `worth` tokens.

    `sizes` (rows, kinds of text) are lengths in tokens; every kind is padded to the longest of its part. Where no cut
    is worth it there is one part, in the order of the rows.
    """
    order = range(len(sizes))
    if _padded_size(sizes, order) - sum(map(sum, sizes)) <= worth:
        return [list(order)]
    waiting, done = [list(order)], []
    while waiting:
        part = waiting.pop()
        halves = _best_cut(sizes, part, worth)
        waiting += halves or []
        done += [] if halves else [part]
    return done


def padded(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """(rows, longest) of int64, filled up at the right with `value`."""
    longest = max((len(row) for row in rows), default=0)
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows], dtype=torch.long)


def mask(rows: Sequence[Sequence[int]]) -> Tensor:
    """(rows, longest) of int64: 1 for a token, 0 for what `padded` fills up."""
    return padded([[1] * len(row) for row in rows], 0)


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if value is None:
        return None
    if isinstance(value, TensorGroup):
        return value.mapped(change)
    return tuple(map(change, value)) if isinstance(value, tuple) else change(value)


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


def _padded_size(sizes: Sequence[Sequence[int]], part: Sequence[int]) -> int:
    return len(part) * sum(map(max, zip(*(sizes[place] for place in part), strict=True)))


def _best_cut(sizes: Sequence[Sequence[int]], part: Sequence[int], worth: float) -> list[list[int]] | None:
    """The part in two, by the length of one kind of text or of all, where that saves most and more than `worth`."""
    least, halves = _padded_size(sizes, part) - worth, None
    for key in (sum, *(itemgetter(kind) for kind in range(len(sizes[0])))):
        order = sorted(part, key=lambda place: (key(sizes[place]), place))
        below, above = (
            list(itertools.accumulate((sizes[place] for place in way), _longest)) for way in (order, order[::-1])
        )
        for cut in range(1, len(order)):
            size = cut * sum(below[cut - 1]) + (len(order) - cut) * sum(above[len(order) - cut - 1])
            if size < least:
                least, halves = size, [order[:cut], order[cut:]]
    return halves


def _longest(left: Sequence[int], right: Sequence[int]) -> Sequence[int]:
    return list(map(max, left, right))
