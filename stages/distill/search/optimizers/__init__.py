"""Ways of proposing prompts, by name.

An optimizer is made for an Arena. Its `search()` proposes prompts to the arena until its rounds are done, or the arena
raises LimitReached. A new one is a class like these in a file of its own, and a line in OPTIMIZERS.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Protocol

from distill.rows.records import Example, TaskCard
from distill.search.arena import Arena
from distill.settings import Settings
from distill.teacher.exchange import Request
from distill.templates import Template

# Imported when asked for: a package of one optimizer is not needed for another.
OPTIMIZERS = {"opro": "distill.search.optimizers.opro:Opro", "gepa": "distill.search.optimizers.gepa:Gepa"}


class PromptOptimizer(Protocol):
    """What an optimizer has: it asks for `prompt.steps` times `prompt.candidates` proposals at most."""

    def __init__(self, arena: Arena): ...

    def search(self) -> None: ...

    @staticmethod
    def longest_requests(
        start: Template, longest: Template, rows: Sequence[Example], card: TaskCard, settings: Settings
    ) -> Iterator[Request]:
        """Its questions for proposals, each as long as it can become where no candidate is longer than `longest`."""
        ...


def optimizer(name: str) -> type[PromptOptimizer]:
    """The optimizer of this name."""
    module, attribute = OPTIMIZERS[name].split(":")
    return getattr(importlib.import_module(module), attribute)
