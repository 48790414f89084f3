from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from distill.settings.loader import MOST_SEED, Refused, setting


@dataclass(frozen=True)
class TrainSettings:
    """How the student is trained."""

    mode: Literal["standard", "step_by_step", "single_task"]
    task_token: Literal["prefix", "decoder"]
    label_weight: float = setting(least=0, most=1)
    steps: int = setting(least=1, most=100_000_000)
    batch_rows: int = setting(least=1, most=100_000)
    gradient_accumulation: int = setting(least=1, most=100_000)
    gradient_checkpointing: bool
    precision: Literal["fp32", "bf16"]
    optimizer: Literal["adamw", "adafactor"]
    learning_rate: float = setting(above=0, most=100)
    embedding_learning_rate: float | None = setting(above=0, most=100)
    head_learning_rate: float | None = setting(above=0, most=100)
    weight_decay: float = setting(least=0, most=100)
    schedule: Literal["constant", "linear"]
    warmup_steps: int = setting(least=0, most=100_000_000)
    max_gradient_norm: float | None = setting(above=0)
    evaluate_every: int = setting(least=1)
    patience: int | None = setting(least=1)
    missing_rationale: Literal["mask", "empty"]
    label_smoothing: float = setting(least=0, most=0.9)
    mutual_information: float = setting(least=0, most=1000)
    soft_labels: float = setting(least=0, most=1)
    seeds: int = setting(least=1, most=1000)
    seed: int = setting(least=0, most=MOST_SEED)

    def __post_init__(self) -> None:
        if self.batch_rows % self.gradient_accumulation:
            raise Refused(
                "gradient_accumulation",
                f"is {self.gradient_accumulation} and train.batch_rows is {self.batch_rows}, which it must divide: "
                "change either",
            )
        if self.mode == "standard" and self.missing_rationale != "mask":
            raise Refused(
                "missing_rationale",
                f"is {self.missing_rationale!r} and train.mode is standard, which trains on no rationale: set this to "
                "mask, or train.mode to step_by_step",
            )
        if self.mode != "step_by_step" and self.mutual_information:
            raise Refused(
                "mutual_information",
                f"is {self.mutual_information}, which ties two tasks together, and train.mode is {self.mode}, which "
                "has one: set this to 0, or train.mode to step_by_step",
            )
