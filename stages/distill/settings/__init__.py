"""Every setting, typed: one module a section of params.yaml. Values stand in params.yaml alone, so
there are no defaults here, and no stage lists these modules among its dependencies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from distill.settings.annotate import AnnotateSettings
from distill.settings.evaluate import EvaluateSettings
from distill.settings.hand_over import HandOverSettings
from distill.settings.loader import Refused, SettingsError, load
from distill.settings.presets import Preset, applied
from distill.settings.prompt import PromptSettings
from distill.settings.report import ReportSettings
from distill.settings.runtime import RuntimeSettings
from distill.settings.student import StudentSettings
from distill.settings.subsample import SubsampleSettings
from distill.settings.task import TaskSettings
from distill.settings.teacher import TeacherSettings
from distill.settings.train import TrainSettings

__all__ = ["Settings", "SettingsError", "load_settings"]


@dataclass(frozen=True)
class Settings:
    """The whole of params.yaml."""

    task: TaskSettings
    teacher: TeacherSettings
    prompt: PromptSettings
    annotate: AnnotateSettings
    subsample: SubsampleSettings
    preset: Preset
    student: StudentSettings
    train: TrainSettings
    evaluate: EvaluateSettings
    hand_over: HandOverSettings
    report: ReportSettings
    runtime: RuntimeSettings

    def __post_init__(self) -> None:
        recorded = self.teacher.provider == "recorded"
        if recorded and self.prompt.optimizer != "fixed":
            raise Refused(
                "prompt.optimizer",
                f"is {self.prompt.optimizer!r} and teacher.provider is recorded, which cannot be asked anew: "
                "set this to fixed, or choose another provider",
            )
        if recorded and self.annotate.samples > 1:
            raise Refused(
                "annotate.samples",
                f"is {self.annotate.samples} and teacher.provider is recorded, which has one answer a row: "
                "set this to 1, or choose another provider",
            )
        if recorded and self.annotate.separate_labels:
            raise Refused(
                "annotate.separate_labels",
                f"is {self.annotate.separate_labels} and teacher.provider is recorded, which has one answer a row: "
                "set this to 0, or choose another provider",
            )
        if self.annotate.samples > 1 and self.teacher.temperature == 0:
            raise Refused(
                "annotate.samples",
                f"is {self.annotate.samples} and teacher.temperature is 0, at which every sample is the same: "
                "set this to 1, or raise teacher.temperature",
            )
        if self.train.soft_labels and self.annotate.samples == 1 and not self.teacher.logprobs:
            raise Refused(
                "train.soft_labels",
                f"is {self.train.soft_labels}, and of a teacher that is asked once (annotate.samples 1) without log "
                "probabilities (teacher.logprobs false) only the label is known: set this to 0, or change one of them",
            )


def load_settings(path: Path = Path("params.yaml")) -> Settings:
    """All of `path`, with the values of its preset, checked as a whole before any work. Raises SettingsError."""
    settings = load(Settings, path)
    try:
        student, train = applied(settings.preset, settings.student, settings.train)
        return replace(settings, student=student, train=train)
    except Refused as refusal:
        raise SettingsError(f"{path}: preset {settings.preset.name}: {refusal.key}: {refusal.why}") from refusal
