"""Exact values on attention matrices made by hand."""

import math

import pytest
import torch

from distill.diagnostics.attention import (
    AttentionMeans,
    attention_measures,
    between_layers,
    diagonal,
    entropy,
    next_layer,
    sparsity,
)

ALL = torch.ones(3, 3, dtype=torch.bool)
EVEN = torch.full((3, 3), 1 / 3)
SELF = torch.eye(3)
FIRST = torch.tensor([[1.0, 0, 0], [1, 0, 0], [1, 0, 0]])
# One layer of three heads: even, each to itself, all to the first key.
HEADS = torch.stack([EVEN, SELF, FIRST])[None]


def test_entropy_is_one_of_even_attention_and_zero_of_a_single_key():
    assert entropy(HEADS, ALL)[0].tolist() == pytest.approx([1, 0, 0])
    half = torch.tensor([[[[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0]]]])
    assert entropy(half, torch.ones(2, 4, dtype=torch.bool)).item() == pytest.approx(math.log(2) / math.log(4))


def test_a_mask_is_no_choice():
    causal = ALL.tril()
    even = torch.tensor([[[[1.0, 0, 0], [0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]]]])
    assert entropy(even, causal).item() == pytest.approx(1), "the first query has no choice, the others are even"
    assert sparsity(even, causal).item() == 0
    assert diagonal(even, causal).item() == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert entropy(torch.ones(1, 1, 1, 1), torch.ones(1, 1, dtype=torch.bool)).isnan().all(), "no query has a choice"


def test_diagonal_is_what_a_token_gives_itself():
    assert diagonal(HEADS, ALL)[0].tolist() == pytest.approx([1 / 3, 1, 1 / 3])
    with pytest.raises(ValueError, match="2 queries and 4 keys have no diagonal"):
        diagonal(torch.ones(1, 1, 2, 4), torch.ones(2, 4, dtype=torch.bool))


def test_sparsity_counts_keys_below_a_tenth_of_even_attention():
    assert sparsity(HEADS, ALL)[0].tolist() == pytest.approx([0, 2 / 3, 2 / 3])
    # Of four keys the limit is 0.025: one lies below, one on it.
    row = torch.tensor([[[[0.95, 0.024, 0.025, 0.001]]]])
    assert sparsity(row, torch.ones(1, 4, dtype=torch.bool)).item() == 0.5


def test_successive_layers_are_compared_head_by_head_and_heads_averaged():
    layers = torch.stack([torch.stack([SELF, FIRST]), torch.stack([SELF, SELF]), torch.stack([FIRST, SELF])])
    # Self and first share one place of three.
    assert torch.allclose(next_layer(layers, ALL), torch.tensor([[1, 1 / 3], [1 / 3, 1]]))
    found = between_layers(layers, ALL)
    assert torch.allclose(found.diagonal(), torch.ones(3)) and torch.allclose(found, found.T)
    assert found[0, 2].item() == pytest.approx(1), "the same heads in another order"
    # (self + first) / 2 has 1, ½, ½, ½, ½; self has three ones.
    assert found[0, 1].item() == pytest.approx((1 + 0.5 + 0.5) / (math.sqrt(2) * math.sqrt(3)))


def test_means_are_over_the_rows_that_have_a_value():
    mean = AttentionMeans()
    mean.add(attention_measures(HEADS, ALL, own=True))
    mean.add(attention_measures(torch.ones(1, 3, 1, 1), torch.ones(1, 1, dtype=torch.bool), own=True))
    found = mean.values()
    assert found["entropy"] == [[1.0, 0.0, 0.0]] and found["diagonal"] == [[0.333333, 1.0, 0.333333]]
    assert found["between_layers"] == [[1.0]] and found["next_layer"] == []
    assert "diagonal" not in attention_measures(HEADS, ALL, own=False)
    alone = AttentionMeans()
    alone.add({"entropy": torch.tensor([[math.nan]])})
    assert alone.values() == {"entropy": [[None]]}
