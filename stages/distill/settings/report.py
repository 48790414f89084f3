from __future__ import annotations

from dataclasses import dataclass

from distill.settings.loader import setting


@dataclass(frozen=True)
class ReportSettings:
    """What the report holds."""

    rows: int = setting(least=0, most=200_000)
