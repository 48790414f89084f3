"""How sure a student is of held-out answers: distributions of probabilities and of entropies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

TENTHS = 10
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def choice_entropy(logs: Sequence[float]) -> float:
    """Of the probabilities of a row's k candidates, from their logarithms: −Σ p ln p / ln k, 0 (sure) to 1 (even).

    0 where there is one candidate alone.
    """
    if len(logs) < 2:
        return 0.0
    shares = torch.softmax(torch.tensor(logs, dtype=torch.float64), -1)
    return float(-torch.special.xlogy(shares, shares).sum() / math.log(len(logs)))


def token_measures(logits: Tensor, targets: Tensor) -> dict[str, list[float]]:
    """Of a text's tokens: the probability of each, and −Σ p ln p / ln V over the vocabulary of V at its place.

    logits: (tokens, vocabulary); targets: (tokens,), the tokens that were written.
    """
    logs = torch.log_softmax(logits.double(), -1)
    own = logs.gather(-1, targets[:, None])[:, 0]
    nats = -(logs.exp() * logs).nan_to_num().sum(-1)
    return {"probability": own.exp().tolist(), "entropy": (nats / math.log(logits.shape[-1])).tolist()}


def sequence_probability(token_probabilities: Sequence[float]) -> float:
    """Of the whole text: the product of its tokens' probabilities."""
    return math.prod(token_probabilities)


def distribution(values: Sequence[float]) -> dict[str, Any]:
    """count, mean, quantiles (interpolated linearly), and how many values lie in each tenth from 0 to 1.

    The last tenth includes 1.
    """
    if not values:
        return {"count": 0}
    numbers = torch.tensor(values, dtype=torch.float64)
    tenths = [0] * TENTHS
    for value in values:
        tenths[min(TENTHS - 1, max(0, int(value * TENTHS)))] += 1
    quantiles = torch.quantile(numbers, torch.tensor(QUANTILES, dtype=torch.float64)).tolist()
    return {
        "count": len(values),
        "mean": round(float(numbers.mean()), 6),
        "quantiles": {str(share): round(value, 6) for share, value in zip(QUANTILES, quantiles, strict=True)},
        "tenths": tenths,
    }
