"""What training costs in floating-point operations. They are counted, not timed, and so the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from distill.student.architecture import Architecture, EncodedRows
from distill.student.batching import TrainingBatch, cut_by_length

# Batches that are counted, from the one with the fewest tokens to the one with the most. The others are interpolated,
# as operations grow almost in proportion to tokens (0.01 % off on the default run).
COUNTED_BATCHES = 4
# A student with more parameters is counted by the shapes of its tensors alone, which takes a third of a second a batch
# whatever its size, and no memory. For a smaller student computing is quicker.
MOST_COMPUTED = 10_000_000
# Operations in the time that one more pass takes, whatever its size: a twentieth of a second of a core, and some
# hundredths of a second in which a GPU waits for its kernels to be started.
PASS_FLOP = {"cpu": 3e9, "cuda": 3e12}


def gflop_per_step(student: Architecture, rows: EncodedRows, batches: Sequence[Sequence[int]]) -> float:
    """10^9 floating-point operations of a forward and a backward pass, the mean over `batches`.

    Matrix products and attention are counted, a multiplication and an addition as two operations. The optimizer and
    the judging on validation rows are not. Neither weights nor torch's random numbers change.
    """
    cut = [passes(student, rows, batch) for batch in batches]
    sizes = [sum(padded_tokens(rows, part) for part in parts) for parts in cut]
    ranked = sorted(range(len(batches)), key=lambda place: (sizes[place], place))
    steps = COUNTED_BATCHES - 1
    sample = {ranked[number * (len(ranked) - 1) // steps] for number in range(COUNTED_BATCHES)}
    flop = {sizes[place]: sum(pass_flop(student, rows, part) for part in cut[place]) for place in sorted(sample)}
    counted = sorted(flop.items())
    return sum(_between(counted, size) for size in sizes) / len(sizes) / 1e9


def passes(student: Architecture, rows: EncodedRows, batch: Sequence[int]) -> list[list[int]]:
    """The rows of a batch as the student computes them, in one pass or several.

    There are several, each of rows of like lengths, where the padding of one would cost more than the further passes.
    """
    # A token costs two operations a parameter forward and four backward, and passes about half of the parameters.
    token = 3 * sum(parameter.numel() for parameter in student.parameters())
    where = next(student.parameters()).device.type
    return [
        [batch[place] for place in part]
        for part in cut_by_length(rows.sizes(batch), PASS_FLOP.get(where, math.inf) / token)
    ]


def pass_flop(student: Architecture, rows: EncodedRows, batch: Sequence[int]) -> int:
    """Floating-point operations of computing some rows at once, forward and backward."""
    tensors = student.collate(rows, batch).to(next(student.parameters()).device)
    if sum(parameter.numel() for parameter in student.parameters()) > MOST_COMPUTED:
        return _by_shape(student, tensors)
    with torch.random.fork_rng(), FlopCounterMode(display=False) as counter:
        student(tensors).total(0.5).backward()
    student.zero_grad(set_to_none=True)
    return counter.get_total_flops()


def padded_tokens(rows: EncodedRows, batch: Sequence[int]) -> int:
    """Tokens of a batch as the student sees them: inputs, labels and rationales, each padded to the longest."""
    rationales = rows.explained(batch)
    read = [[rows.inputs[index] for index in batch], [rows.labels[index] for index in batch], list(rationales.values())]
    if rows.rationale_inputs is not None:
        read.append([rows.rationale_inputs[batch[place]] for place in rationales])
    return sum(len(kind) * max(map(len, kind), default=0) for kind in read)


def _by_shape(student: Architecture, tensors: TrainingBatch) -> int:
    fake = FakeTensorMode()
    state = {name: fake.from_tensor(value) for name, value in [*student.named_parameters(), *student.named_buffers()]}
    batch = tensors.mapped(fake.from_tensor)
    with torch.random.fork_rng(), fake, FlopCounterMode(display=False) as counter:
        functional_call(student, state, (batch,)).total(0.5).backward()
    return counter.get_total_flops()


def _between(counted: Sequence[tuple[int, int]], size: int) -> float:
    """Operations for a size, linear between the two counted sizes around it."""
    for (below, few), (above, many) in pairwise(counted):
        if size <= above:
            return few + (many - few) * (size - below) / (above - below)
    return float(counted[-1][1])
