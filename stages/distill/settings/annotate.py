from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from distill.settings.loader import MOST_SEED, Refused, setting
from distill.settings.task import RowCount


@dataclass(frozen=True)
class GateSettings:
    """Rules by which a rationale is not kept; see distill.annotation.quality."""

    words: tuple[int, ...]
    copies: float | None = setting(above=0, most=1)
    contradicts: bool
    no_reasoning: bool

    def __post_init__(self) -> None:
        if not _is_band(self.words):
            raise Refused(
                "words", f"is {list(self.words)}; allowed: [] (any length), or [least, most] words, as [10, 40]"
            )


@dataclass(frozen=True)
class AnnotateSettings:
    """Which rows the teacher is asked about, and for what."""

    rationale_source: Literal["teacher", "human"]
    rationale_from: Literal["answer", "thought"]
    rationale_rate: float = setting(least=0, most=1)
    priming: Literal["none", "teacher", "audience", "confidence"]
    rationale_words: tuple[int, ...]
    show_gold: bool
    separate_labels: float = setting(least=0, most=1)
    samples: int = setting(least=1, most=100)
    gate: GateSettings
    validation_rows: int | Literal["all", "auto"] = setting(least=0)
    test_rows: RowCount = setting(least=0)
    max_failed_share: float = setting(least=0, most=1)
    seed: int = setting(least=0, most=MOST_SEED)

    def __post_init__(self) -> None:
        if not _is_band(self.rationale_words):
            raise Refused(
                "rationale_words",
                f"is {list(self.rationale_words)}; allowed: [] (not asked for), or [least, most] words, as [20, 40]",
            )
        if self.show_gold and self.separate_labels:
            raise Refused(
                "separate_labels",
                f"is {self.separate_labels} and annotate.show_gold is true, with which the labels are the gold ones: "
                "set this to 0, or annotate.show_gold to false",
            )


def _is_band(words: tuple[int, ...]) -> bool:
    return not words or (len(words) == 2 and 0 < words[0] <= words[1])
