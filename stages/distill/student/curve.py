"""What is watched while a student trains: its curve, its best weights, and when it stops."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from distill.progress import Progress
from distill.rows.files import write_json, write_text
from distill.settings.train import TrainSettings
from distill.student import processes
from distill.student.checkpoints import Checkpoints
from distill.student.sharding import WholeStudent
from distill.student.trainer import TwoTaskTrainer, trained_weights
from distill.student.validation import Validation, ValidationScore

_STATE, _BEST = "curve.json", "best.safetensors"


class Curve(TrainerCallback):
    """Judges the student every `train.evaluate_every` steps and at the last step, and remembers its best weights.

    It stops the training after `train.patience` looks without a better score, or once the loss is no number
    (`diverged`). `rows` are the curve, written to `plot` at every look; `speeds`, the rows a second since the look
    before, differ from run to run and go to a file of their own. Every process has the same curve, but only the first
    judges, writes and keeps weights. With `checkpoints` it leaves a checkpoint every `every` steps.
    """

    trainer: TwoTaskTrainer

    def __init__(
        self,
        name: str,
        validation: Validation,
        whole: WholeStudent,
        settings: TrainSettings,
        plot: Path,
        checkpoints: Checkpoints | None,
        every: int | None,
    ):
        self.name, self.validation, self.whole, self.settings, self.plot = name, validation, whole, settings, plot
        self.checkpoints, self.every = checkpoints, every
        self.rows: list[dict[str, Any]] = []
        self.speeds: list[dict[str, Any]] = []
        self.step = self.best_step = self.waited = 0
        self.best = ValidationScore(0.0, math.inf)
        self.diverged = False
        self.seconds = 0.0
        self.best_weights = trained_weights(whole.student) if processes.is_first() else {}

    def last(self, name: str) -> float | None:
        """A value of the curve's last row."""
        return self.rows[-1][name] if self.rows else None

    def restore(self) -> None:
        """Gives the student its best weights back."""
        self.whole.student.load_state_dict(self.best_weights, strict=False)

    def resume(self, checkpoint: Path) -> None:
        """Goes on from a checkpoint."""
        state = json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
        self.best, recent = ValidationScore(*state.pop("best")), state.pop("recent")
        vars(self).update(state)
        if processes.is_first():
            self.best_weights = load_file(checkpoint / _BEST)
        # The first process holds the sums over all, so that they are the same sums again.
        held = torch.tensor(recent) if processes.is_first() else torch.zeros(len(recent), 3)
        self.trainer.recent = list(held.to(self.trainer.args.device))
        self._show()

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.began = self.looked = time.monotonic()
        self.looked_step = self.step
        if processes.is_first():
            self.progress = Progress(
                self.name,
                self.settings.steps,
                unit="steps",
                rows_each=self.settings.batch_rows,
                done=self.step,
                details=self._details,
            )

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.step = state.global_step
        if self.step % self.settings.evaluate_every == 0 or self.step == self.settings.steps:
            self._judge()
            patience = self.settings.patience
            control.should_training_stop |= self.diverged or (patience is not None and self.waited >= patience)
        done = control.should_training_stop or self.step == self.settings.steps
        control.should_save = self.every is not None and self.step % self.every == 0 and not done
        if done:
            self.seconds += time.monotonic() - self.began
        if processes.is_first():
            self.progress.done = self.step
            self.progress.tick()
            if done:
                self.progress.close()

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        recent = self._recent().tolist()
        # Every process has written its random numbers' state.
        processes.wait()
        if self.checkpoints is None:
            return
        folder = Path(args.output_dir) / f"checkpoint-{self.step}"
        kept = {name: getattr(self, name) for name in ("rows", "speeds", "step", "best_step", "waited", "diverged")}
        kept |= {"best": astuple(self.best), "recent": recent, "seconds": self.seconds + time.monotonic() - self.began}
        write_text(folder / _STATE, json.dumps(kept))
        save_file(self.best_weights, folder / _BEST)
        self.checkpoints.seal(folder, self.step)

    def _details(self) -> Iterator[str]:
        """What a line of progress has beside steps, rate and time left: the curve's last row."""
        names = {"label_loss": "label loss", "rationale_loss": "rationale loss", "validation_accuracy": "validation"}
        for key, name in names.items():
            if self.rows and self.rows[-1][key] is not None:
                yield f"{name} {self.rows[-1][key]:.3f}"

    def _judge(self) -> None:
        now = time.monotonic()
        rate = (self.step - self.looked_step) * self.settings.batch_rows / max(now - self.looked, 1e-9)
        label, rationale, mutual = self._means()
        self.trainer.recent = []
        with self.whole.gathered(self.trainer.model):
            score = processes.agreed(self.validation.judge() if processes.is_first() else None)
        standard, weight = self.settings.mode == "standard", self.settings.label_weight
        total = label
        if not standard:
            total = weight * label + (1 - weight) * rationale + self.settings.mutual_information * mutual
        self.diverged = not (math.isfinite(total) and math.isfinite(score.loss))
        self.rows.append({
            "step": self.step,
            "loss": _finite(total),
            "label_loss": _finite(label),
            "rationale_loss": None if standard else _finite(rationale),
            "validation_accuracy": _finite(score.accuracy),
            "validation_loss": _finite(score.loss),
            "learning_rate": self.trainer.learning_rate,
        } | ({"mutual_information": _finite(mutual)} if self.settings.mutual_information else {}))  # fmt: skip
        self.speeds.append({"step": self.step, "rows_per_s": round(rate, 1)})
        self._show()
        self.waited += 1
        if not self.diverged and score.rank > self.best.rank:
            self.best, self.best_step, self.waited = score, self.step, 0
            if processes.is_first():
                self.best_weights = trained_weights(self.whole.student)
        self.looked, self.looked_step = time.monotonic(), self.step

    def _show(self) -> None:
        if processes.is_first():
            write_json(self.plot, self.rows)
            write_json(speed_plot(self.plot), self.speeds)

    def _recent(self) -> Tensor:
        """(micro-batches, 3): the losses of each since the last look, summed over the processes."""
        recent = self.trainer.recent
        return processes.summed(torch.stack(recent)) if recent else torch.zeros(0, 3)

    def _means(self) -> list[float]:
        """Label, rationale and mutual losses, each the mean over the steps since the last look."""
        recent = self._recent()
        return (recent.sum(0) / (len(recent) / self.settings.gradient_accumulation)).tolist()


def speed_plot(plot: Path) -> Path:
    """The file with the rows a second of the curve in `plot`."""
    return plot.with_stem(f"{plot.stem}_speed")


def _finite(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
