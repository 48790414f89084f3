"""What a student's loss adds to the two tasks' plain one: `train`'s options, each off where it is as in OFF."""

from __future__ import annotations

from dataclasses import dataclass, fields

from distill.settings.train import TrainSettings


@dataclass(frozen=True)
class Options:
    """As in params.yaml, section `train`. Only training reads them; a student that predicts has none."""

    missing_rationale: str
    label_smoothing: float
    mutual_information: float
    key_token_weight: float
    soft_labels: float

    @classmethod
    def of(cls, settings: TrainSettings) -> Options:
        return cls(**{option.name: getattr(settings, option.name) for option in fields(cls)})

    def used(self) -> list[str]:
        """The options that are on."""
        return [option.name for option in fields(self) if getattr(self, option.name) != getattr(OFF, option.name)]


OFF = Options(missing_rationale="mask", label_smoothing=0.0, mutual_information=0.0, key_token_weight=1.0, soft_labels=0.0)
