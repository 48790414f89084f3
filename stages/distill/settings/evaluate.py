from __future__ import annotations

from dataclasses import dataclass

from distill.settings.loader import setting


@dataclass(frozen=True)
class CascadeSettings:
    """By which rule the confidence threshold is chosen, on validation rows; see distill.evaluation.cascade."""

    tolerance: float = setting(least=0, most=1)
    target_accuracy: float | None = setting(above=0, most=1)
    most_sent: float = setting(least=0, most=1)


@dataclass(frozen=True)
class EvaluateSettings:
    """How the student is judged."""

    confidence: float = setting(above=0, most=0.9999)
    rationale_rows: int = setting(least=0)
    untrained: bool
    bars: bool
    cascade: CascadeSettings
