"""Trains a student on labels and rationales, and keeps the weights that are best on validation."""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from distill import paths
from distill.errors import DataError
from distill.rows.files import write_json, write_text
from distill.rows.records import Example, TaskCard, TrainingRow
from distill.settings import Settings
from distill.student import processes, sharding
from distill.student.batching import Schedule
from distill.student.checkpoints import Checkpoints, run_key, say
from distill.student.compute import gflop_per_step
from distill.student.curve import Curve, speed_plot
from distill.student.loading import device, new_student, save_student
from distill.student.trainer import TwoTaskTrainer, arguments, recomputed
from distill.student.validation import Judged, Validation


@dataclass(frozen=True)
class Trained:
    """metrics: the same for the same rows and settings. runtime: seconds and rows per second, which are not."""

    metrics: dict[str, Any]
    runtime: dict[str, float]


STUDENT, RUN = "student", "run.json"


@dataclass(frozen=True)
class _Run:
    """One of `train.seeds` students, saved in `folder`/student; the rest stands in `folder`/run.json."""

    folder: Path
    seed: int
    metrics: dict[str, Any]
    curve: list[dict[str, Any]]
    speeds: list[dict[str, Any]]
    seconds: float
    failed: bool

    @classmethod
    def read(cls, folder: Path) -> _Run:
        return cls(folder, **json.loads((folder / RUN).read_text(encoding="utf-8")))

    @property
    def judged(self) -> Judged:
        label = self.metrics["label"]
        return Judged(label["validation_accuracy"], label["validation_loss"])


def train_student(
    rows: Sequence[TrainingRow],
    validation: Sequence[Example],
    card: TaskCard,
    settings: Settings,
    out: Path,
    plot: Path,
) -> Trained | None:
    """Trains on `rows`, writes the best student to the folder `out`, the training curve to `plot` and its rows a
    second to `speed_plot(plot)`.

    The best weights are those with the highest accuracy on the gold labels of `validation`, and the lowest
    loss among equals; no other row has a say. With `train.seeds` above 1 that many students are trained, the
    seeds of weights and of order counted up from the given ones, and the median one by validation is kept, of
    those that did not fail if there are any. A student failed that diverged, or that is at chance.

    A run that was killed goes on from its last checkpoint when it is called with the same arguments again, and comes
    to the same student. Of several processes the first writes, and gets the result; the others get None.

    On a CPU the same rows, settings and number of threads give the same weights bit for bit, with the same
    versions of the libraries; on a GPU they may differ in the last bits. `out` is written whole: an older
    folder is replaced only when the new one is complete.

    Raises DataError on rows that cannot be trained on or judged, SettingsError on a student that cannot be loaded.
    """
    if not rows:
        raise DataError(
            "there are no rows to train on; see subsample.data_share, and metrics/annotate.json for what the teacher"
            " answered"
        )
    processes.join(settings.runtime)
    if settings.preset.name and processes.first():
        say(
            f"preset {settings.preset.name} sets"
            f" {', '.join(f'{key}={value}' for key, value in settings.preset.values().items())}"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        places: list[Checkpoints] = []
        done = False
        try:
            found = []
            for number in range(settings.train.seeds):
                one = _seeded(settings, number)
                places.append(_place(rows, validation, card, one, Path(scratch)))
                name = "train" if settings.train.seeds == 1 else f"train {number + 1} of {settings.train.seeds}"
                found.append(_train(rows, validation, card, one, places[-1], name, plot))
            if not processes.first():
                return None
            runs = [_Run.read(folder) for folder in found if folder]
            sound = [run for run in runs if not run.failed] or runs
            kept = sorted(sound, key=lambda run: run.judged.rank)[(len(sound) - 1) // 2]
            shutil.copytree(kept.folder / STUDENT, Path(scratch) / STUDENT)
            if out.exists():
                shutil.rmtree(out)
            (Path(scratch) / STUDENT).rename(out)
            write_json(plot, kept.curve)
            write_json(speed_plot(plot), kept.speeds)
            done = True
        finally:
            for place in places:
                place.release(done)
    seconds = sum(run.seconds for run in runs)
    steps = sum(run.metrics["steps"] for run in runs)
    return Trained(
        kept.metrics | settings.preset.metrics() | {"seeds": _seeds(runs, kept)},
        {"seconds": seconds, "rows_per_s": steps * settings.train.batch_rows / seconds},
    )


def _seeded(settings: Settings, number: int) -> Settings:
    """The settings of one of `train.seeds` students, the same whatever their count."""
    student = replace(settings.student, seed=settings.student.seed + number)
    return replace(settings, student=student, train=replace(settings.train, seed=settings.train.seed + number, seeds=1))


def _place(
    rows: Sequence[TrainingRow], validation: Sequence[Example], card: TaskCard, settings: Settings, scratch: Path
) -> Checkpoints:
    """Where the student's checkpoints are: nowhere that outlives this run, if none are wanted or another
    run has them.
    """
    runtime = settings.runtime
    config = Path(runtime.accelerate_config).expanduser() if runtime.accelerate_config else None
    told = {
        "student": settings.student,
        "train": settings.train,
        "runtime": (
            runtime.device,
            runtime.threads,
            runtime.predict_rows,
            processes.count(),
            config and config.read_text(encoding="utf-8"),
        ),
        "sharding": sharding.told(),
    }
    local = Path(settings.student.name).expanduser()
    key = run_key([*rows, *validation, card], told, [local] if local.is_dir() else [])
    root = paths.checkpoints() if runtime.checkpoint_steps else scratch
    if not processes.first():
        return Checkpoints(root, key)
    place = Checkpoints(root, key)
    if not place.hold():
        say("another run trains the same student now, and has its checkpoints; this one leaves none")
        place = Checkpoints(scratch, key)
        place.hold()
    return place


def _train(
    rows: Sequence[TrainingRow],
    validation: Sequence[Example],
    card: TaskCard,
    settings: Settings,
    place: Checkpoints,
    name: str,
    plot: Path,
) -> Path | None:
    """The folder of the finished student; None in all processes but the first."""
    finished, checkpoint, folder = processes.agreed(
        (place.finished(), place.newest(), place.folder) if processes.first() else (None, None, None)
    )
    if finished:
        if processes.first():
            say(f"{name}: was trained before this run was interrupted; it is kept")
        return finished
    asked = settings.train
    where = device(settings.runtime)
    student = new_student(rows, card, settings)
    encoded = student.encode(rows)
    sharding.check(student, encoded, asked)
    whole = sharding.Whole(student, where)
    # Where weights are spread out no device but the one that judges need ever have room for all.
    student = student if sharding.asked() else student.to(where)
    judge = Validation(validation, whole.student, settings.runtime.predict_rows)
    each = gflop_per_step(
        student, encoded, Schedule(encoded.lengths(), asked.batch_rows, asked.steps, asked.seed).batches
    )
    if asked.gradient_checkpointing:
        recomputed(student)
    curve = Curve(
        name, judge, whole, asked, plot, place if processes.first() else None, settings.runtime.checkpoint_steps
    )
    curve.trainer = TwoTaskTrainer(student, encoded, asked, arguments(asked, where, folder), curve)
    if checkpoint:
        curve.resume(checkpoint)
        if processes.first():
            say(f"{name}: goes on after step {curve.step}, where it was interrupted")
    curve.trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if not processes.first():
        return None
    curve.restore()
    metrics = {
        "label": (
            {
                "validation_accuracy": curve.best.accuracy,
                "validation_loss": curve.best.loss,
                "loss": curve.last("label_loss"),
            }
            | encoded.label_options()
        ),
        "rationale": {"loss": curve.last("rationale_loss"), "coverage": encoded.coverage} | encoded.rationale_options(),
        "rows": len(rows),
        "steps": curve.step,
        "best_step": curve.best_step,
        "compute": {"gflop_per_step": each, "tflop": each * curve.step / 1000},
        "parameters": sum(parameter.numel() for parameter in whole.student.parameters()),
        "trained_parameters": sum(
            parameter.numel() for parameter in whole.student.parameters() if parameter.requires_grad
        ),
        "truncated": encoded.truncated,
        "diverged": curve.diverged,
    }
    made = {
        "seed": asked.seed,
        "metrics": metrics,
        "curve": curve.rows,
        "speeds": curve.speeds,
        "seconds": curve.seconds,
    }
    made["failed"] = curve.diverged or curve.best.accuracy <= judge.chance

    def write(folder: Path) -> None:
        save_student(whole.student, folder / STUDENT)
        write_text(folder / RUN, json.dumps(made))

    return place.finish(write)


def _seeds(runs: Sequence[_Run], kept: _Run) -> dict[str, Any]:
    """What all students came to; `spread` is their standard deviation, null for one."""
    found = [run.judged.accuracy for run in runs]
    return {
        "count": len(runs),
        "kept": kept.seed,
        "failures": sum(run.failed for run in runs),
        "validation_accuracy": {
            "mean": statistics.fmean(found),
            "spread": statistics.stdev(found) if len(found) > 1 else None,
            "each": {str(run.seed): accuracy for run, accuracy in zip(runs, found, strict=True)},
        },
    }
