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
from distill.rows.files import hidden_name, write_json, write_text
from distill.rows.records import Example, TaskCard, TrainingRow
from distill.settings import Settings
from distill.student import processes, sharding
from distill.student.architecture import Architecture, EncodedRows
from distill.student.batching import BatchSchedule
from distill.student.checkpoints import Checkpoints, run_key, say
from distill.student.compute import gflop_per_step
from distill.student.curve import Curve, speed_plot
from distill.student.loading import compute_device, new_student, save_student
from distill.student.trainer import TwoTaskTrainer, recompute_activations, training_arguments
from distill.student.validation import Validation, ValidationScore

_STUDENT, _RUN = "student", "run.json"


@dataclass(frozen=True)
class TrainedStudent:
    """metrics: the same for the same rows and settings. runtime: seconds and rows per second, which are not."""

    metrics: dict[str, Any]
    runtime: dict[str, float]


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
        return cls(folder, **json.loads((folder / _RUN).read_text(encoding="utf-8")))

    @property
    def score(self) -> ValidationScore:
        label = self.metrics["label"]
        return ValidationScore(label["validation_accuracy"], label["validation_loss"])


def train_student(
    rows: Sequence[TrainingRow],
    validation: Sequence[Example],
    card: TaskCard,
    settings: Settings,
    out: Path,
    plot: Path,
) -> TrainedStudent | None:
    """Trains on `rows`, and writes the best student to the folder `out`.

    The training curve goes to `plot`, the rows a second to `speed_plot(plot)`. The best weights are those with the
    highest accuracy on the gold labels of `validation`, and the lowest loss among equals; no other row has a say. With
    `train.seeds` above 1 that many students are trained, the seeds of weights and of order counted up from those of the
    settings, and the median one by validation is kept, of those that did not fail if there are any. A student failed
    that diverged, or that is at chance.

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
    if settings.preset.name and processes.is_first():
        values = ", ".join(f"{key}={value}" for key, value in settings.preset.values().items())
        say(f"preset {settings.preset.name} sets {values}")
    warmup, steps = settings.train.warmup_steps, settings.train.steps
    if warmup >= steps and processes.is_first():
        say(
            f"train.warmup_steps is {warmup:,} and train.steps {steps:,}, so the learning rates never reach their"
            f" values; a warm-up of {steps // 8:,} would be in the default's proportion"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=hidden_name(out), dir=out.parent) as scratch:
        places: list[Checkpoints] = []
        done = False
        try:
            folders = []
            for number in range(settings.train.seeds):
                seeded = _seeded(settings, number)
                places.append(_place(rows, validation, card, seeded, Path(scratch)))
                name = "train" if settings.train.seeds == 1 else f"train {number + 1} of {settings.train.seeds}"
                folders.append(_train(rows, validation, card, seeded, places[-1], name, plot))
            if not processes.is_first():
                return None
            runs = [_Run.read(folder) for folder in folders if folder]
            sound = [run for run in runs if not run.failed] or runs
            kept = sorted(sound, key=lambda run: run.score.rank)[(len(sound) - 1) // 2]
            shutil.copytree(kept.folder / _STUDENT, Path(scratch) / _STUDENT)
            if out.exists():
                shutil.rmtree(out)
            (Path(scratch) / _STUDENT).rename(out)
            write_json(plot, kept.curve)
            write_json(speed_plot(plot), kept.speeds)
            done = True
        finally:
            for place in places:
                place.release(done)
    seconds = sum(run.seconds for run in runs)
    steps = sum(run.metrics["steps"] for run in runs)
    return TrainedStudent(
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
    """Where the student's checkpoints are.

    Without `runtime.checkpoint_steps`, or where another run holds them, it is `scratch`, which goes with this run.
    """
    runtime = settings.runtime
    config = Path(runtime.accelerate_config).expanduser() if runtime.accelerate_config else None
    determining = {
        "student": settings.student,
        "train": settings.train,
        "runtime": (runtime.device, runtime.threads, runtime.predict_rows, processes.process_count()),
        "accelerate": config and config.read_text(encoding="utf-8"),
        "sharding": sharding.launch_options(),
    }
    local = Path(settings.student.name).expanduser()
    key = run_key([*rows, *validation, card], determining, [local] if local.is_dir() else [])
    place = Checkpoints(paths.checkpoints() if runtime.checkpoint_steps else scratch, key)
    if processes.is_first() and not place.hold():
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
        (place.finished(), place.newest(), place.folder) if processes.is_first() else (None, None, None)
    )
    if finished:
        if processes.is_first():
            say(f"{name}: was trained before this run was interrupted; it is kept")
        return finished
    train_settings = settings.train
    where = compute_device(settings.runtime)
    student = new_student(rows, card, settings)
    encoded = student.encode(rows)
    sharding.check_sharding(student, encoded, train_settings)
    whole = sharding.WholeStudent(student, where)
    # Where weights are spread out, no device but the one that judges ever needs room for all.
    student = student if sharding.is_on() else student.to(where)
    judge = Validation(validation, whole.student, settings.runtime.predict_rows)
    schedule = BatchSchedule(encoded.lengths(), train_settings.batch_rows, train_settings.steps, train_settings.seed)
    gflop = gflop_per_step(student, encoded, schedule.batches)
    if train_settings.gradient_checkpointing:
        recompute_activations(student)
    checkpoints = place if processes.is_first() else None
    curve = Curve(name, judge, whole, train_settings, plot, checkpoints, settings.runtime.checkpoint_steps)
    arguments = training_arguments(train_settings, where, folder)
    curve.trainer = TwoTaskTrainer(student, encoded, train_settings, arguments, curve)
    if checkpoint:
        curve.resume(checkpoint)
        if processes.is_first():
            which = name.removeprefix("train").strip()
            say(f"{f'student {which} ' if which else ''}goes on after step {curve.step}, where it was interrupted")
    curve.trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if not processes.is_first():
        return None
    curve.restore()
    run = {
        "seed": train_settings.seed,
        "metrics": _metrics(curve, encoded, whole.student, gflop),
        "curve": curve.rows,
        "speeds": curve.speeds,
        "seconds": curve.seconds,
        "failed": curve.diverged or curve.best.accuracy <= judge.chance(len(curve.rows)),
    }

    def write(folder: Path) -> None:
        save_student(whole.student, folder / _STUDENT)
        write_text(folder / _RUN, json.dumps(run))

    return place.finish(write)


def _metrics(curve: Curve, rows: EncodedRows, student: Architecture, gflop: float) -> dict[str, Any]:
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in student.parameters()]
    label = {
        "validation_accuracy": curve.best.accuracy,
        "validation_loss": curve.best.loss,
        "loss": curve.last("label_loss"),
    }
    return {
        "label": label | rows.label_metrics(),
        "rationale": {"loss": curve.last("rationale_loss"), "coverage": rows.coverage} | rows.rationale_metrics(),
        "rows": len(rows),
        "steps": curve.step,
        "best_step": curve.best_step,
        "compute": {"gflop_per_step": gflop, "tflop": gflop * curve.step / 1000},
        "parameters": sum(size for size, _ in sizes),
        "trained_parameters": sum(size for size, trained in sizes if trained),
        "truncated": rows.truncated,
        "unknown_tokens": rows.unknown_tokens(student.unknown()),
        "diverged": curve.diverged,
    }


def _seeds(runs: Sequence[_Run], kept: _Run) -> dict[str, Any]:
    """The results of all students; `spread` is their standard deviation, null for a single one."""
    accuracies = [run.score.accuracy for run in runs]
    return {
        "count": len(runs),
        "kept": kept.seed,
        "failures": sum(run.failed for run in runs),
        "validation_accuracy": {
            "mean": statistics.fmean(accuracies),
            "spread": statistics.stdev(accuracies) if len(accuracies) > 1 else None,
            "each": {str(run.seed): run.score.accuracy for run in runs},
        },
    }
