"""What training costs in floating-point operations, counted and not timed, so that it is the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from distill.student.architecture import Architecture, Batch, Encoded
from distill.student.batching import cut_by_length

# Batches that are counted, from the one with the fewest tokens to the one with the most; the others are
# interpolated, as operations grow almost in proportion to tokens (0.01 % off on the default run).
SAMPLE = 4
# A student with more parameters is counted by the shapes of its tensors alone: a third of a second a batch
# whatever its size, and no memory. Below, computing them is quicker.
COMPUTED = 10_000_000
# Operations in the time that one more pass takes, whatever its size: a twentieth of a second of a core, and some
# hundredths of a second in which a GPU waits for its kernels to be started.
PASS_FLOP = {"cpu": 3e9, "cuda": 3e12}


def gflop_per_step(student: Architecture, rows: Encoded, batches: Sequence[Sequence[int]]) -> float:
    """10^9 floating-point operations of a forward and a backward pass, the mean over `batches`.

    Counted are matrix products and attention, a multiplication and an addition as two; not the optimizer,
    and not what judges the student on validation rows. Neither weights nor torch's random numbers change.
    """
    cut = [passes(student, rows, batch) for batch in batches]
    sizes = [sum(padded_tokens(rows, part) for part in parts) for parts in cut]
    ranked = sorted(range(len(batches)), key=lambda place: (sizes[place], place))
    chosen = {ranked[part * (len(ranked) - 1) // (SAMPLE - 1)] for part in range(SAMPLE)}
    counted = sorted(
        {sizes[place]: sum(pass_flop(student, rows, part) for part in cut[place]) for place in sorted(chosen)}.items()
    )
    return sum(_between(counted, size) for size in sizes) / len(sizes) / 1e9


def passes(student: Architecture, rows: Encoded, batch: Sequence[int]) -> list[list[int]]:
    """The rows of a batch as the student computes them: all at once, or in several passes of rows of like lengths
    where their padding would cost more than the passes."""
    # A token costs two operations a parameter forward and four backward, and passes about half of the parameters.
    token = 3 * sum(parameter.numel() for parameter in student.parameters())
    where = next(student.parameters()).device.type
    return [
        [batch[place] for place in part]
        for part in cut_by_length(rows.sizes(batch), PASS_FLOP.get(where, math.inf) / token)
    ]


def pass_flop(student: Architecture, rows: Encoded, batch: Sequence[int]) -> int:
    """Floating-point operations of computing some rows at once, forward and backward."""
    tensors = student.collate(rows, batch)
    if sum(parameter.numel() for parameter in student.parameters()) > COMPUTED:
        return _by_shape(student, tensors)
    where = next(student.parameters()).device
    with torch.random.fork_rng(), FlopCounterMode(display=False) as counter:
        student(**{name: tensor.to(where) for name, tensor in tensors.items()}).total(0.5).backward()
    student.zero_grad(set_to_none=True)
    return counter.get_total_flops()


def padded_tokens(rows: Encoded, batch: Sequence[int]) -> int:
    """Tokens of a batch as the student sees them: inputs, labels and rationales, each padded to the longest."""
    rationales = rows.explained(batch)
    read = [[rows.inputs[index] for index in batch], [rows.labels[index] for index in batch], list(rationales.values())]
    if rows.rationale_inputs is not None:
        read.append([rows.rationale_inputs[batch[place]] for place in rationales])
    return sum(len(kind) * max(map(len, kind), default=0) for kind in read)


def _by_shape(student: Architecture, tensors: Batch) -> int:
    fake, where = FakeTensorMode(), next(student.parameters()).device
    state = {name: fake.from_tensor(value) for name, value in [*student.named_parameters(), *student.named_buffers()]}
    batch = {name: fake.from_tensor(tensor.to(where)) for name, tensor in tensors.items()}
    with torch.random.fork_rng(), fake, FlopCounterMode(display=False) as counter:
        functional_call(student, state, (), batch).total(0.5).backward()
    return counter.get_total_flops()


def _between(counted: Sequence[tuple[int, int]], size: int) -> float:
    """Linear between the two counted sizes around `size`."""
    for (below, few), (above, many) in pairwise(counted):
        if size <= above:
            return few + (many - few) * (size - below) / (above - below)
    return float(counted[-1][1])
