"""Ways of proposing prompts, by name. An optimizer is made for an Arena; its `search()` proposes prompts to it until
its rounds are done, or the arena raises LimitReached."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Protocol

from distill.search.arena import Arena

# Imported when asked for: a package of one optimizer is not needed for another.
OPTIMIZERS = {"opro": "distill.search.optimizers.opro:Opro", "gepa": "distill.search.optimizers.gepa:Gepa"}


class Optimizer(Protocol):
    def search(self) -> None: ...


def optimizer(name: str) -> Callable[[Arena], Optimizer]:
    """The optimizer of this name."""
    module, attribute = OPTIMIZERS[name].split(":")
    return getattr(importlib.import_module(module), attribute)
