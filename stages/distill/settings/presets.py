"""Published settings of a student and its training, by name: `preset` in params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from distill.settings.loader import Refused
from distill.settings.student import StudentSettings
from distill.settings.train import TrainSettings

# The commits that public code pins or has cached. None: no source for one was found, so the user names it.
REVISIONS = {
    "small": None,
    "base": "b5fc947a416ea3cb079532cb3c2bbadeb7f800fc",
    "large": "a98b0fcd0b8137ded40cdf0c0cf0ee884e7c9726",
}

# Both papers' public code: the defaults of run.py, and of transformers' TrainingArguments where train_utils.py passes
# nothing (AdamW without decay, linear schedule without warm-up, gradients clipped at 1).
_TRAINING: dict[str, Any] = {
    "student.max_input_tokens": 1024,
    "student.max_rationale_tokens": 256,
    "train.mode": "step_by_step",
    "train.task_token": "prefix",
    "train.label_weight": 0.5,
    "train.steps": 10_000,
    "train.batch_rows": 64,
    "train.optimizer": "adamw",
    "train.learning_rate": 5e-5,
    "train.embedding_learning_rate": None,
    "train.weight_decay": 0.0,
    "train.schedule": "linear",
    "train.warmup_steps": 0,
    "train.max_gradient_norm": 1.0,
    "train.evaluate_every": 250,
    "train.patience": None,
    "train.label_smoothing": 0.0,
    "train.mutual_information": 0.0,
    "train.soft_labels": 0.0,
}
# Every row has a rationale in the one; in the other a missing one was trained on as an empty text.
_PAPERS = {"step-by-step-2305.02301": "mask", "zero-shot-2403.15886": "empty"}


def _preset(size: str, missing: str) -> dict[str, Any]:
    pinned = {} if REVISIONS[size] is None else {"student.revision": REVISIONS[size]}
    return {"student.name": f"google/t5-v1_1-{size}", **pinned, **_TRAINING, "train.missing_rationale": missing}


PRESETS: dict[str, dict[str, Any]] = {
    f"{paper}-{size}": _preset(size, missing) for paper, missing in _PAPERS.items() for size in REVISIONS
}


@dataclass(frozen=True)
class Preset:
    """The preset whose values take the place of those in the file; null: none. Those in `keep` stay the file's."""

    name: str | None
    keep: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.name is not None and self.name not in PRESETS:
            raise Refused("name", f"is {self.name!r}; allowed: null, {', '.join(PRESETS)}")
        values = PRESETS.get(self.name or "", {})
        for key in self.keep:
            if key not in values:
                allowed = f"it sets {', '.join(values)}" if values else "none is chosen, so set this to []"
                raise Refused("keep", f"has {key!r}, which preset {self.name} does not set; {allowed}")

    def values(self) -> dict[str, Any]:
        """What it sets, by dotted key."""
        return {key: value for key, value in PRESETS.get(self.name or "", {}).items() if key not in self.keep}

    def metrics(self) -> Mapping[str, Any]:
        """For metrics/train.json; nothing where no preset is chosen."""
        return {"preset": {"name": self.name, "values": self.values()}} if self.name else {}


def applied(preset: Preset, student: StudentSettings, train: TrainSettings) -> tuple[StudentSettings, TrainSettings]:
    """The two sections with the preset's values. Raises Refused, with the dotted key, as those sections do."""
    sections = []
    for name, section in (("student", student), ("train", train)):
        values = {key.split(".")[1]: value for key, value in preset.values().items() if key.startswith(f"{name}.")}
        try:
            sections.append(replace(section, **values))
        except Refused as refusal:
            raise Refused(f"{name}.{refusal.key}", f"{refusal.why} (preset.name is {preset.name})") from refusal
    return sections[0], sections[1]
