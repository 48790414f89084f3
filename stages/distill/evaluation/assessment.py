"""Everything that the evaluation measures of one student, from its answers to its cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill.evaluation.bars import BarRows, measure_bars
from distill.evaluation.cascade import cascade_curve, cascade_metrics, cascade_rows
from distill.evaluation.efficiency import measure_cold_start, measure_speed, student_size, usd_per_1000
from distill.evaluation.few_gold import few_gold_metrics
from distill.evaluation.judging import answer_metrics, evaluation_metrics, extract_answer, judge_rows, total_cost
from distill.progress import Progress
from distill.rows.records import Annotation, Example, Judged, Prediction, TaskCard, TrainingRow
from distill.settings import Settings, SettingsError
from distill.settings.runtime import RuntimeSettings
from distill.student.embedding import vectors_before_training
from distill.student.loading import compute_device, untrained_student
from distill.student.predicting import Student, predict


@dataclass(frozen=True)
class Split:
    """The rows of a split, and the teacher's answers to those that it was asked about."""

    rows: Sequence[Example]
    teacher: Sequence[Annotation]


@dataclass(frozen=True)
class Assessment:
    """What was measured. `metrics` and `curve` (of the cascade) are the same for the same student, rows and settings;
    `measured`, times and what follows from them, differs from run to run.
    """

    predictions: list[Prediction]
    rows: list[Judged]
    metrics: dict[str, Any]
    curve: list[dict[str, Any]]
    measured: dict[str, Any]


def assess(
    folder: Path,
    training: Sequence[TrainingRow],
    splits: Mapping[str, Split],
    card: TaskCard,
    settings: Settings,
    search: Mapping[str, Any],
    annotation: Mapping[str, Any],
) -> Assessment:
    """Judges the student in `folder`, trained on the rows `training`, on the test rows of the three `splits`.
    `search` and `annotation` are the metrics of those stages.

    The student also answers the validation rows that the teacher answered: the cascade's threshold is chosen on them.
    """
    evaluate, confidence = settings.evaluate, settings.evaluate.confidence
    test, validation = splits["test"], splits["validation"]
    student = Student.load(folder, settings.runtime)
    predictions, measured = predict(student, test.rows, evaluate.rationale_rows, "evaluate, test")
    rows = judge_rows(test.rows, predictions, test.teacher, card)
    metrics = evaluation_metrics(rows, card, confidence)
    metrics["student"] |= student_size(student, folder)
    if evaluate.untrained:
        metrics["untrained"] = _untrained(folder, test.rows, card, settings)
    if evaluate.bars:
        metrics |= _bars(folder, training, splits, rows, card, settings)
    metrics["cost"] = _costs(search, annotation)
    teacher_usd = _usd_per_1000(annotation["cost"]["test"])
    metrics["teacher"] = metrics.get("teacher", {}) | {"name": annotation["teacher"], "usd_per_1000": teacher_usd}

    answered_ids = {annotation.id for annotation in validation.teacher}
    validation_rows = [row for row in validation.rows if row.id in answered_ids]
    validation_predictions = predict(student, validation_rows, 0, "evaluate, validation")[0] if validation_rows else []
    validation_judged = judge_rows(validation_rows, validation_predictions, validation.teacher, card)
    metrics["cascade"] = cascade_metrics(
        cascade_rows(validation_judged), cascade_rows(rows), evaluate.cascade, confidence, teacher_usd
    )
    curve = cascade_curve(cascade_rows(rows), confidence, teacher_usd, metrics["cascade"]["threshold"])
    if settings.runtime.speed_rows:
        measured |= _measured(student, folder, test.rows, settings.runtime, metrics)
    return Assessment(predictions, rows, metrics, curve, measured)


def _untrained(folder: Path, rows: Sequence[Example], card: TaskCard, settings: Settings) -> dict[str, Any]:
    """The labels of the student before its first step; where it cannot be made again, the reason."""
    labelled = [row for row in rows if row.label is not None]
    try:
        model = untrained_student(folder).to(compute_device(settings.runtime))
    except SettingsError as error:
        return {"label": None, "reason": str(error)}
    with Progress("evaluate, untrained student", len(labelled)) as progress:
        answers = Student(model, settings.runtime.predict_rows).label(labelled, progress)
    pairs = [(row.label or "", extract_answer(label, card)) for row, (label, _) in zip(labelled, answers, strict=True)]
    return answer_metrics(pairs, card, settings.evaluate.confidence)


def _bars(
    folder: Path,
    training: Sequence[TrainingRow],
    splits: Mapping[str, Split],
    judged: Sequence[Judged],
    card: TaskCard,
    settings: Settings,
) -> dict[str, Any]:
    """What models that cost nothing reach on the same rows (distill.evaluation.bars)."""
    validation, test = (
        [row for row in splits[split].rows if row.label is not None] for split in ("validation", "test")
    )
    right = {row.id: bool(row.student_right) for row in judged}
    gold = {row.id: row.label for row in splits["train"].rows if row.label is not None}
    rows = BarRows(training, gold, validation, test, vectors_before_training(folder, settings.runtime))
    with Progress("evaluate, bars", len(test)) as progress:
        measured = measure_bars(rows, [right[row.id] for row in test], card, settings.evaluate.confidence)
        progress.add(len(test))
    return measured | {"few_gold": _few_gold(splits, judged, measured["bars"], settings.evaluate.confidence)}


def _few_gold(
    splits: Mapping[str, Split], judged: Sequence[Judged], bars: Mapping[str, Any], confidence: float
) -> dict[str, Any]:
    """What unlabelled rows add to the labelled test rows (distill.evaluation.few_gold)."""
    answers = {answer.id: answer for split in ("train", "test") for answer in splits[split].teacher}
    train, test = (
        [(row, answers[row.id]) for row in splits[split].rows if row.id in answers] for split in ("train", "test")
    )
    right = {
        row.id: (bool(row.student_right), bool(row.teacher_right))
        for row in judged
        if row.gold is not None and row.teacher_status is not None
    }
    strength = bars.get("logistic_regression", {}).get("c")
    return few_gold_metrics(train, test, right, strength, confidence)


def _measured(
    student: Student, folder: Path, rows: Sequence[Example], runtime: RuntimeSettings, metrics: Mapping[str, Any]
) -> dict[str, Any]:
    """Times, and dollars per 1,000 predictions of the student's computing, of the teacher, and of the cascade."""
    measured = measure_speed(student, rows[: runtime.speed_rows])
    measured["cold_start_s"] = measure_cold_start(folder, rows[0])
    price = None if runtime.compute_usd_per_hour is None else float(runtime.compute_usd_per_hour)
    student_usd = usd_per_1000(measured["best_batch_rows_per_s"], price)
    sent_usd = metrics["cascade"].get("usd_per_1000")
    measured["usd_per_1000"] = {
        "student": student_usd,
        "teacher": metrics["teacher"]["usd_per_1000"],
        "cascade": None if student_usd is None or sent_usd is None else student_usd + sent_usd,
    }
    return measured


def _costs(search: Mapping[str, Any], annotation: Mapping[str, Any]) -> dict[str, Any]:
    """Costs as if cold. `total` is of what this student was made with: the prompt search and the answers to train
    rows. `judging` is of the answers to validation and test rows.
    """
    costs = {"search": search["cost"], "annotation": annotation["cost"]["train"]}
    judging = total_cost(annotation["cost"]["validation"], annotation["cost"]["test"])
    return costs | {"total": total_cost(*costs.values()), "judging": judging}


def _usd_per_1000(cost: Mapping[str, Any]) -> float | None:
    """US dollars of 1,000 answers at the mean price of these; None where there is none, or its price is unknown."""
    return None if cost["usd"] is None or not cost["calls"] else 1000 * cost["usd"] / cost["calls"]
