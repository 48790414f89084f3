"""Measures of attention weights, one row at a time, by layer and head.

arXiv 2412.17846 (section on self-attention; the code that its abstract names) has four of them, on one question:
entropy, the weight on the diagonal, sparsity, and the similarity of successive layers. Here they count only what a
query may attend to, so that a mask is not taken for a choice. Entropy and sparsity are relative to even attention, so
that rows of different lengths can be averaged. Each function says how it differs from the paper.

Throughout, a[i, j] is the weight that query i gives key j, n[i] the number of keys it may attend to, and queries with
n[i] = 1 are left out, as they have no choice.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

# A key counts as passed over where its weight is below this share of what even attention would give it.
PASSED_OVER = 0.1


def entropy(weights: Tensor, seen: Tensor) -> Tensor:
    """(layers, heads), 0 to 1: mean over queries of −Σ_j a[i, j] ln a[i, j] / ln n[i].

    1 is even attention, 0 is one key alone. weights: (layers, heads, queries, keys); seen: (queries, keys), bool, what
    each query may attend to. NaN where no query has a choice. The paper does not divide by ln n.
    """
    kept, counts = _choosing(weights, seen)
    nats = -torch.special.xlogy(kept, kept).sum(-1)
    return (nats / counts.log()).mean(-1)


def diagonal(weights: Tensor, seen: Tensor) -> Tensor:
    """(layers, heads), 0 to 1: mean over queries of a[i, i], the weight that a token gives itself.

    Of self-attention alone: raises ValueError where queries and keys are not as many. The paper calls it self-attention
    focus, and counts a causal model's first token, which can attend to nothing else.
    """
    if weights.shape[-1] != weights.shape[-2]:
        raise ValueError(f"{weights.shape[-2]} queries and {weights.shape[-1]} keys have no diagonal")
    choosing = seen.sum(-1) > 1
    return weights.diagonal(dim1=-2, dim2=-1)[..., choosing].mean(-1)


def sparsity(weights: Tensor, seen: Tensor) -> Tensor:
    """(layers, heads), 0 to 1: mean over queries of the share of its n[i] keys with a[i, j] < PASSED_OVER / n[i].

    The paper reports the share of all places, masked ones included, with a weight above 0.1, under the same name:
    there more is less sparse, and a longer text is sparser whatever its attention.
    """
    kept, counts = _choosing(weights, seen)
    passed = (kept < (PASSED_OVER / counts)[:, None]) & seen[seen.sum(-1) > 1]
    return (passed.sum(-1) / counts).mean(-1)


def next_layer(weights: Tensor, seen: Tensor) -> Tensor:
    """(layers − 1, heads), 0 to 1: cosine similarity of a head's weights with those of the head of the same number in
    the layer above, as one vector over all queries and keys, as in the paper. Heads have no order, so equal numbers
    mean little: see `between_layers`."""
    flat = (weights * seen).flatten(2)
    return functional.cosine_similarity(flat[:-1], flat[1:], dim=-1)


def between_layers(weights: Tensor, seen: Tensor) -> Tensor:
    """(layers, layers), 0 to 1: cosine similarity of the layers' weights, each the mean over its heads."""
    flat = functional.normalize((weights * seen).mean(1).flatten(1), dim=-1)
    return flat @ flat.T


def _choosing(weights: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (layers, heads, queries with a choice, keys) without the masked, and their n (queries with a choice,)."""
    counts = seen.sum(-1)
    choosing = counts > 1
    return (weights * seen)[..., choosing, :], counts[choosing].to(weights.dtype)


def attention_measures(weights: Tensor, seen: Tensor, own: bool) -> dict[str, Tensor]:
    """All measures by name; `own` says that this is self-attention, as only that has a diagonal."""
    weights = weights.float()
    measures = {"entropy": entropy(weights, seen), "sparsity": sparsity(weights, seen)}
    if own:
        measures["diagonal"] = diagonal(weights, seen)
    return measures | {"next_layer": next_layer(weights, seen), "between_layers": between_layers(weights, seen)}


class AttentionMeans:
    """Means over rows, by name; a place that is NaN in a row is left out of its mean."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, Tensor] = {}

    def add(self, measures: dict[str, Tensor]) -> None:
        for name, value in measures.items():
            there = ~value.isnan()
            self.sums[name] = self.sums.get(name, torch.zeros_like(value)) + value.nan_to_num()
            self.counts[name] = self.counts.get(name, torch.zeros_like(value)) + there

    def values(self) -> dict[str, list[list[float | None]]]:
        """Nested lists, rounded; None where no row had a value."""
        means = {name: self.sums[name] / self.counts[name] for name in sorted(self.sums)}
        return {
            name: [[None if math.isnan(value) else round(value, 6) for value in row] for row in mean.tolist()]
            for name, mean in means.items()
        }
