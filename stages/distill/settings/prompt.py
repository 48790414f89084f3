from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from distill.settings.loader import MOST_SEED, Refused, setting
from distill.settings.task import AutoRows


@dataclass(frozen=True)
class ScoreWeights:
    """Weights of a candidate prompt's score; see distill.search.scoring."""

    accuracy: float = setting(least=0)
    parsed: float = setting(least=0)
    explained: float = setting(least=0)
    in_band: float = setting(least=0)
    tokens: float = setting(least=0)


@dataclass(frozen=True)
class PromptSettings:
    """The zero-shot prompt, and the search for it."""

    optimizer: Literal["fixed", "opro", "gepa"]
    file: str | None
    explain: str | None
    label_only: str | None
    system: str | None
    model: str | None
    temperature: float | None = setting(least=0, most=2)
    steps: int = setting(least=1, most=10_000)
    candidates: int = setting(least=1, most=1000)
    history: int = setting(least=1, most=1000)
    exemplars: int = setting(least=0, most=1000)
    search_rows: AutoRows = setting(least=1)
    first_rows: int = setting(least=2)
    race_confidence: float = setting(above=0, most=0.9999)
    confidence: float = setting(above=0, most=0.9999)
    holdout_rows: AutoRows = setting(least=1)
    finalists: int = setting(least=1, most=1000)
    max_calls: int | None = setting(least=1)
    max_tokens: int | None = setting(least=1, most=10**15)
    max_usd: Decimal | None = setting(least=0)
    few_shot: int = setting(least=0, most=1000)
    compress: int = setting(least=0, most=1000)
    compress_margin: float = setting(least=0, most=1)
    proposal_tokens: AutoRows = setting(least=50)
    max_words: int = setting(least=10, most=1_000_000)
    least_parsed: float = setting(least=0, most=1)
    least_explained: float = setting(least=0, most=1)
    rationale_words: tuple[int, ...]
    weights: ScoreWeights
    seed: int = setting(least=0, most=MOST_SEED)

    def __post_init__(self) -> None:
        band = self.rationale_words
        if len(band) != 2 or not 0 < band[0] <= band[1]:
            raise Refused("rationale_words", f"is {list(band)}; allowed: [least, most] words, as [10, 40]")
        if self.file is not None and self.optimizer != "fixed":
            raise Refused(
                "file",
                f"is {self.file!r} and prompt.optimizer is {self.optimizer}, which does not read it: set this to "
                "null, or prompt.optimizer to fixed",
            )
        if self.file is not None and "/" in self.file:
            raise Refused(
                "file", f"is {self.file!r}; allowed: null, or the name of a file in data/prompts, which DVC watches"
            )
