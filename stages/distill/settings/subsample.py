from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from distill.settings.loader import MOST_SEED, setting


@dataclass(frozen=True)
class SubsampleSettings:
    """Which annotated rows are trained on, with whose labels, and which keep their rationale."""

    explanation_rate: float = setting(least=0, most=1)
    data_share: float = setting(above=0, most=1)
    strategy: Literal["random", "balanced"]
    labels: Literal["teacher", "gold", "gold_else_teacher"]
    rationales: Literal["own", "shuffled", "same_label", "other_label", "word_order", "codes", "conclusion"]
    changed_share: float = setting(above=0, most=1)
    rationale_words: int | None = setting(least=1)
    teacher_errors: Literal["keep", "drop"]
    seed: int = setting(least=0, most=MOST_SEED)
