"""The test rows joined by id, read by one extractor and judged once: the student beside its teacher, the majority class
and itself untrained."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from distill.answers.matching import same_label
from distill.answers.parsing import parse_response
from distill.answers.rationale_measures import RowRationale, rationale_measures
from distill.errors import DataError
from distill.evaluation.metrics import label_metrics, majority
from distill.intervals import compare, expected_calibration_error
from distill.rows.records import Annotation, Example, Judged, Prediction, TaskCard

# In the confusion, an answer that could not be parsed.
NO_ANSWER = "no answer"
# Kinds of answers that are no classes: every other answer is another number, or another text.
OPEN = ("number", "text")


def judge(rows: Sequence[Judged], card: TaskCard, confidence: float) -> dict[str, Any]:
    """Metrics of the student and of the majority class on all labelled test rows, of the teacher on those it was
    asked about, and of student against teacher on the latter (see distill.intervals).

    `calibration_error` is the expected one of the label's probability. Raises DataError where no test row has a
    gold label.
    """
    labelled = [row for row in rows if row.gold is not None]
    if not labelled:
        raise DataError("no test row has a gold label; nothing can be measured")
    gold = [row.gold or "" for row in labelled]
    metrics: dict[str, Any] = {
        "rows": len(labelled),
        "student": answerer([(row.gold or "", row.student_label) for row in labelled], card, confidence),
    }
    told = [row for row in rows if row.student_rationale is not None]
    metrics["student"]["rationale"] = {"rows": len(told), **(student_rationales(told, card) if told else {})}
    sure = [
        (row.student_probability, bool(row.student_right)) for row in labelled if row.student_probability is not None
    ]
    if sure:
        metrics["student"]["label"]["calibration_error"] = expected_calibration_error(
            *map(list, zip(*sure, strict=True))
        )
    if not any(row.choices for row in rows):
        most = majority(gold)
        metrics["majority"] = {"label": label_metrics([(label, most) for label in gold], card.kind, confidence)}
    taught = [row for row in labelled if row.teacher_status is not None]
    if taught:
        metrics["teacher"] = {
            "rows": len(taught),
            **answerer([(row.gold or "", row.teacher_label) for row in taught], card, confidence),
        }
        metrics["teacher"]["rationale"] = teacher_rationales(taught, card)
        found = compare(
            [bool(row.student_right) for row in taught], [bool(row.teacher_right) for row in taught], confidence
        )
        metrics["student_less_teacher"] = {"rows": len(taught), **asdict(found)}
    return metrics


def answerer(pairs: Sequence[tuple[str, str | None]], card: TaskCard, confidence: float) -> dict[str, Any]:
    """Of (gold, answer) pairs how often there is an answer, and how often it is right."""
    return {
        "label": label_metrics(pairs, card.kind, confidence),
        "parse": {"failure_rate": sum(answer is None for _, answer in pairs) / len(pairs)},
    }


def student_rationales(rows: Sequence[Judged], card: TaskCard) -> dict[str, Any]:
    """Measures of the student's own rationales, of rows for which it was asked to write one."""
    rationales = [
        RowRationale(row.student_rationale, row.input, row.student_label, row.choices or card.classes)
        for row in rows
        if row.student_rationale
    ]
    return rationale_measures(rationales, len(rows), card.kind)


def teacher_rationales(rows: Sequence[Judged], card: TaskCard) -> dict[str, Any]:
    """Measures of the teacher's rationales of these rows."""
    rationales = [
        RowRationale(row.teacher_rationale, row.input, row.teacher_label, row.choices or card.classes)
        for row in rows
        if row.teacher_rationale
    ]
    return rationale_measures(rationales, len(rows), card.kind)


def confusion(rows: Sequence[Judged], kind: str) -> list[dict[str, str]]:
    """A row {"gold", "predicted"} for every labelled test row. A row's own choices go by their letters; where answers
    are numbers or texts, `gold` is the kind, and `predicted` whether the answer is "right" or "wrong", or that there is
    none.
    """

    labelled = [row for row in rows if row.gold is not None]
    if kind in OPEN:
        return [
            {
                "gold": kind,
                "predicted": NO_ANSWER if row.student_label is None else "right" if row.student_right else "wrong",
            }
            for row in labelled
        ]
    return [{"gold": _named(row, row.gold), "predicted": _named(row, row.student_label)} for row in labelled]


def _named(row: Judged, label: str | None) -> str:
    return string.ascii_lowercase[row.choices.index(label)] if label in row.choices else label or NO_ANSWER


def total_cost(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """The sum of costs as if cold; what is unknown in one part is unknown in the sum."""
    keys = ("usd", "calls", "tokens_in", "tokens_cached", "tokens_out")
    return {
        key: None if any(part.get(key) is None for part in parts) else sum(part[key] for part in parts) for key in keys
    }


# Answers that a student writes; of the other kinds it scores those that are known, and cannot miss them.
WRITTEN = ("number", "text")


def joined(
    test: Sequence[Example], predictions: Sequence[Prediction], teacher: Sequence[Annotation], card: TaskCard
) -> list[Judged]:
    """Rows, student's and teacher's answers by id; every row has a prediction. Raises KeyError where one has none."""
    said = {prediction.id: prediction for prediction in predictions}
    taught = {annotation.id: annotation for annotation in teacher}
    rows = []
    for row in test:
        student, answer = said[row.id], taught.get(row.id)
        label = extracted(student.label, card)
        rows.append(
            Judged(
                id=row.id,
                input=row.input,
                choices=row.choices,
                gold=row.label,
                student_label=label,
                student_right=_right(row, label, card),
                student_probability=student.probability,
                student_rationale=student.rationale,
                teacher_label=answer.label if answer else None,
                teacher_right=_right(row, answer.label, card) if answer else None,
                teacher_status=answer.status if answer else None,
                teacher_rationale=answer.rationale if answer else None,
                teacher_response=answer.response if answer and answer.label is None else None,
            )
        )
    return rows


def extracted(label: str, card: TaskCard) -> str | None:
    """The answer in what a student said, by the parser that reads the teacher; None where there is none."""
    return parse_response(label, kind=card.kind, expect_rationale=False).label if card.kind in WRITTEN else label


def _right(row: Example, label: str | None, card: TaskCard) -> bool | None:
    return None if row.label is None else same_label(card.kind, row.label, label)
