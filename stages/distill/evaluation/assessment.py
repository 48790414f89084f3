"""All that the evaluation finds out about one student, from its answers to what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill.evaluation.cascade import cascade_curve, cascade_metrics, rows_of
from distill.evaluation.efficiency import cold_start, size, speed, usd_per_1000
from distill.evaluation.judging import answerer, extracted, joined, judge, total_cost
from distill.progress import Progress
from distill.rows.records import Annotation, Example, Judged, Prediction, TaskCard
from distill.settings import Settings, SettingsError
from distill.settings.runtime import RuntimeSettings
from distill.student.loading import device, untrained_student
from distill.student.predicting import Student, predict


@dataclass(frozen=True)
class Split:
    """The rows of a split, and the teacher's answers to those that it was asked about."""

    rows: Sequence[Example]
    teacher: Sequence[Annotation]


@dataclass(frozen=True)
class Assessment:
    """metrics: the same for the same student, rows and settings. measured: times and what follows from them, which are
    not.
    """

    predictions: list[Prediction]
    rows: list[Judged]
    metrics: dict[str, Any]
    curve: list[dict[str, Any]]
    measured: dict[str, Any]


def assess(
    folder: Path,
    test: Split,
    validation: Split,
    card: TaskCard,
    settings: Settings,
    search: Mapping[str, Any],
    annotation: Mapping[str, Any],
) -> Assessment:
    """Judges the student in `folder` on the test rows; `search` and `annotation` are the metrics of the stages before.

    Of the validation rows those alone are answered that the teacher answered too: they choose the cascade's threshold.
    """
    asked, confidence = settings.evaluate, settings.evaluate.confidence
    student = Student.load(folder, settings.runtime)
    predictions, measured = predict(student, test.rows, asked.rationale_rows, "evaluate, test")
    rows = joined(test.rows, predictions, test.teacher, card)
    metrics = judge(rows, card, confidence)
    metrics["student"] |= size(student, folder)
    if asked.untrained:
        metrics["untrained"] = _untrained(folder, test.rows, card, settings)
    metrics["cost"] = _costs(search, annotation)
    teacher_usd = _usd_per_1000(annotation["cost"]["test"])
    metrics["teacher"] = metrics.get("teacher", {}) | {"name": annotation["teacher"], "usd_per_1000": teacher_usd}

    known = {answer.id for answer in validation.teacher}
    chosen_on = [row for row in validation.rows if row.id in known]
    chosen_by = predict(student, chosen_on, 0, "evaluate, validation")[0] if chosen_on else []
    answered = joined(chosen_on, chosen_by, validation.teacher, card)
    metrics["cascade"] = cascade_metrics(rows_of(answered), rows_of(rows), asked.cascade, confidence, teacher_usd)
    curve = cascade_curve(rows_of(rows), confidence, teacher_usd, metrics["cascade"]["threshold"])
    if settings.runtime.speed_rows:
        measured |= _measured(student, folder, test.rows, settings.runtime, metrics)
    return Assessment(predictions, rows, metrics, curve, measured)


def _untrained(folder: Path, rows: Sequence[Example], card: TaskCard, settings: Settings) -> dict[str, Any]:
    """The labels of the student before its first step; where it cannot be made again, the reason."""
    labelled = [row for row in rows if row.label is not None]
    try:
        model = untrained_student(folder).to(device(settings.runtime))
    except SettingsError as error:
        return {"label": None, "reason": str(error)}
    with Progress("evaluate, untrained student", len(labelled)) as progress:
        said = Student(model, settings.runtime.predict_rows).label(labelled, progress)
    pairs = [(row.label or "", extracted(label, card)) for row, (label, _) in zip(labelled, said, strict=True)]
    return answerer(pairs, card, settings.evaluate.confidence)


def _measured(
    student: Student, folder: Path, rows: Sequence[Example], runtime: RuntimeSettings, metrics: Mapping[str, Any]
) -> dict[str, Any]:
    """Times, and dollars per 1,000 predictions: the student's own computing, the teacher's tokens, and both of the
    cascade.
    """
    found = speed(student, rows[: runtime.speed_rows]) | {"cold_start_s": cold_start(folder, rows[0])}
    price = None if runtime.compute_usd_per_hour is None else float(runtime.compute_usd_per_hour)
    mine, sent = usd_per_1000(found["best_batch_rows_per_s"], price), metrics["cascade"].get("usd_per_1000")
    both = None if mine is None or sent is None else mine + sent
    return found | {"usd_per_1000": {"student": mine, "teacher": metrics["teacher"]["usd_per_1000"], "cascade": both}}


def _costs(search: Mapping[str, Any], annotation: Mapping[str, Any]) -> dict[str, Any]:
    """As if cold. `total` is what this student took; the answers to validation and test rows judge it, and
    are apart.
    """
    costs = {"search": search["cost"], "annotation": annotation["cost"]["train"]}
    judging = total_cost(annotation["cost"]["validation"], annotation["cost"]["test"])
    return costs | {"total": total_cost(*costs.values()), "judging": judging}


def _usd_per_1000(cost: Mapping[str, Any]) -> float | None:
    """US dollars of 1,000 answers at the mean of those that were given; None where none was, or its price
    is unknown.
    """
    return None if cost["usd"] is None or not cost["calls"] else 1000 * cost["usd"] / cost["calls"]
