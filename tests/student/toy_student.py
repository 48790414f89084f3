"""A toy task that a tiny student learns in a second or two: where a thing belongs, wherever it lies."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from distill.rows.records import Example, TaskCard, TrainingRow
from distill.settings.presets import Preset
from distill.settings.student import EncoderSettings, LoraSettings, ScratchSettings, StudentSettings
from distill.settings.train import TrainSettings

CLASSES = ("shelf", "shed", "sink")
THINGS = {
    "book": ("shelf", "paper"), "map": ("shelf", "paper"), "vase": ("shelf", "glass"), "rake": ("shed", "iron"),
    "spade": ("shed", "iron"), "ladder": ("shed", "wood"), "cup": ("sink", "glass"), "fork": ("sink", "iron"),
}  # fmt: skip
PLACES = ("bed", "car", "desk", "door", "hall", "lawn", "roof", "step")
CARD = TaskCard("toy", "classes", "", (), {}, CLASSES)
STUDENT = StudentSettings(
    "scratch",
    None,
    ScratchSettings("encoder_decoder", 512, 32, 64, 2, 1, 1, 0.0),
    EncoderSettings(1, 2, None, 0.05),
    LoraSettings(0, 16.0, 0.0, ()),
    32,
    24,
    seed=1,
)
TRAIN = TrainSettings(
    mode="step_by_step", task_token="decoder", label_weight=0.5, steps=150, batch_rows=16, gradient_accumulation=1,
    gradient_checkpointing=False, precision="fp32", optimizer="adamw", learning_rate=5e-3,
    embedding_learning_rate=2e-2, head_learning_rate=None, weight_decay=0.0, schedule="linear", warmup_steps=5,
    max_gradient_norm=1.0,
    evaluate_every=50, patience=None, missing_rationale="mask", label_smoothing=0.0, mutual_information=0.0,
    soft_labels=0.0, seeds=1, seed=1,
)  # fmt: skip
RUNTIME = SimpleNamespace(
    device="cpu", threads=1, predict_rows=16, processes=1, accelerate_config=None, checkpoint_steps=None
)


NONE = Preset(None, ())


@dataclass(frozen=True)
class ToySettings:
    """The sections that training reads."""

    student: StudentSettings
    train: TrainSettings
    runtime: Any
    preset: Preset = NONE


def settings(student: dict[str, Any] | None = None, **train: Any) -> Any:
    """The toy's settings with some of them replaced."""
    return ToySettings(student=replace(STUDENT, **(student or {})), train=replace(TRAIN, **train), runtime=RUNTIME)


def examples() -> list[Example]:
    """All 64 pairs of thing and place, with gold labels and rationales."""
    return [
        Example(
            f"{thing}-{place}",
            f"a {thing} on the {place}",
            {},
            (),
            label,
            f"it is made of {stuff} so it goes to the {label}",
        )
        for thing, (label, stuff) in THINGS.items()
        for place in PLACES
    ]


def training_rows(share: float = 1.0) -> list[TrainingRow]:
    """The pairs as training rows; a share of them has a rationale."""
    rows = examples()
    keep = round(share * len(rows))
    return [
        TrainingRow(row.id, row.input, row.label or "", row.rationale if i < keep else None)
        for i, row in enumerate(rows)
    ]


@dataclass
class Toy:
    """A trained toy student's folder, and what training said."""

    folder: Any
    plot: Any
    trained: Any
