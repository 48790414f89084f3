"""What turns gradients into new weights, by the name in `train.optimizer`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn
from transformers import Adafactor

from distill.settings.train import TrainSettings

Groups = list[dict[str, Any]]


def parameter_groups(
    parameters: Iterable[tuple[str, nn.Parameter]], decayed: set[str], own: Mapping[int, float | None], settings: TrainSettings
) -> Groups:
    """The trained parameters by learning rate and weight decay, which hold for every optimizer.

    decayed: names of those that are decayed. own: the rates, by id, of those that have one of their own; None is
    `train.learning_rate`.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in parameters:
        if parameter.requires_grad:
            key = (own.get(id(parameter)) or settings.learning_rate, settings.weight_decay if name in decayed else 0.0)
            groups.setdefault(key, []).append(parameter)
    return [{"params": found, "lr": rate, "weight_decay": decay} for (rate, decay), found in groups.items()]


def _adamw(groups: Groups) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, fused=True)


def _adafactor(groups: Groups) -> torch.optim.Optimizer:
    """Factored second moments (arXiv 1804.04235) without momentum, at the given rates instead of relative steps."""
    return Adafactor(groups, scale_parameter=False, relative_step=False, warmup_init=False)


OPTIMIZERS: dict[str, Callable[[Groups], torch.optim.Optimizer]] = {"adamw": _adamw, "adafactor": _adafactor}
