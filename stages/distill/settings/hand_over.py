from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HandOverSettings:
    """What only a person knows of the model that is handed over; it stands in the card."""

    name: str | None
    license: str | None
    language: str | None
