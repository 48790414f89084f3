"""Every setting, typed: one module a section of params.yaml. Values stand in params.yaml alone, so
there are no defaults here, and no stage lists these modules among its dependencies."""

from __future__ import annotations

from dataclasses import dataclass
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
    """The whole of params.yaml. `student` and `train` have the values of the preset, where one is chosen."""

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
        student, train = applied(self.preset, self.student, self.train)
        object.__setattr__(self, "student", student)
        object.__setattr__(self, "train", train)
        recorded = self.teacher.provider == "recorded"
        if recorded and self.prompt.optimizer != "fixed":
            raise Refused(
                "prompt.optimizer",
                f"is {self.prompt.optimizer!r} and teacher.provider is recorded, which cannot be asked anew: "
                "set this to fixed, or teacher.provider to openai",
            )
        if recorded and self.annotate.samples > 1:
            raise Refused(
                "annotate.samples",
                f"is {self.annotate.samples} and teacher.provider is recorded, which has one answer a row: "
                "set this to 1, or teacher.provider to openai",
            )
        if recorded and self.annotate.separate_labels:
            raise Refused(
                "annotate.separate_labels",
                f"is {self.annotate.separate_labels} and teacher.provider is recorded, which has one answer a row: "
                "set this to 0, or teacher.provider to openai",
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
                f"is {self.train.soft_labels}, annotate.samples is 1 and teacher.logprobs is false, so of the teacher "
                "only the label is known: set this to 0, or teacher.logprobs to true, or annotate.samples above 1",
            )


def load_settings(path: Path = Path("params.yaml")) -> Settings:
    """All of `path`, checked as a whole before any work. Raises SettingsError, with file, line and key."""
    return load(Settings, path)
