"""Judging the test rows: the answers of student and teacher are joined by id, read by one parser and judged once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from distill.answers.choices import letter
from distill.answers.matching import same_label
from distill.answers.parsing import parse_response
from distill.answers.rationale_measures import RowRationale, rationale_measures
from distill.errors import DataError
from distill.evaluation.metrics import label_metrics, majority_class
from distill.intervals import compare, expected_calibration_error
from distill.rows.records import Annotation, Example, Judged, Prediction, TaskCard

# In the confusion, an answer that could not be parsed.
_NO_ANSWER = "no answer"
# Kinds of answers that a student writes, and can fail to. Of the other kinds it scores the answers that there are.
_WRITTEN_KINDS = ("number", "text")


def evaluation_metrics(rows: Sequence[Judged], card: TaskCard, confidence: float) -> dict[str, Any]:
    """Metrics of the student and of the majority class on all labelled test rows, and of the teacher, and of student
    less teacher (see distill.intervals), on those that the teacher answered.

    `calibration_error` is the expected calibration error of the label's probability. Raises DataError where no test row
    has a gold label.
    """
    labelled = [row for row in rows if row.gold is not None]
    if not labelled:
        raise DataError("no test row has a gold label; nothing can be measured")
    gold = [row.gold or "" for row in labelled]
    metrics: dict[str, Any] = {
        "rows": len(labelled),
        "student": answer_metrics([(row.gold or "", row.student_label) for row in labelled], card, confidence),
    }
    explained = [row for row in rows if row.student_rationale is not None]
    metrics["student"]["rationale"] = {"rows": len(explained)}
    if explained:
        metrics["student"]["rationale"] |= student_rationales(explained, card)
    sure = [
        (row.student_probability, bool(row.student_right)) for row in labelled if row.student_probability is not None
    ]
    if sure:
        metrics["student"]["label"]["calibration_error"] = expected_calibration_error(
            *map(list, zip(*sure, strict=True))
        )
    if not any(row.choices for row in rows):
        most = majority_class(gold)
        metrics["majority"] = {"label": label_metrics([(label, most) for label in gold], card.kind, confidence)}
    taught = [row for row in labelled if row.teacher_status is not None]
    if taught:
        metrics["teacher"] = {
            "rows": len(taught),
            **answer_metrics([(row.gold or "", row.teacher_label) for row in taught], card, confidence),
        }
        metrics["teacher"]["rationale"] = teacher_rationales(taught, card)
        difference = compare(
            [bool(row.student_right) for row in taught], [bool(row.teacher_right) for row in taught], confidence
        )
        metrics["student_less_teacher"] = {"rows": len(taught), **asdict(difference)}
    return metrics


def answer_metrics(pairs: Sequence[tuple[str, str | None]], card: TaskCard, confidence: float) -> dict[str, Any]:
    """Of (gold, answer) pairs how often there is an answer, and how often it is right."""
    return {
        "label": label_metrics(pairs, card.kind, confidence),
        "parse": {"failure_rate": sum(answer is None for _, answer in pairs) / len(pairs)},
    }


def student_rationales(rows: Sequence[Judged], card: TaskCard) -> dict[str, Any]:
    """Measures of the student's own rationales, of the rows for which it wrote one."""
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


def confusion_rows(rows: Sequence[Judged], kind: str) -> list[dict[str, str]]:
    """A row {"gold", "predicted"} for every labelled test row. A row's own choices go by their letters. Where answers
    are numbers or texts, `gold` is the kind and `predicted` is "right", "wrong" or "no answer".
    """
    labelled = [row for row in rows if row.gold is not None]
    if kind in _WRITTEN_KINDS:
        return [{"gold": kind, "predicted": _right_or_wrong(row)} for row in labelled]
    return [{"gold": _named(row, row.gold), "predicted": _named(row, row.student_label)} for row in labelled]


def _right_or_wrong(row: Judged) -> str:
    if row.student_label is None:
        return _NO_ANSWER
    return "right" if row.student_right else "wrong"


def _named(row: Judged, label: str | None) -> str:
    if label in row.choices:
        return letter(row.choices.index(label))
    return label or _NO_ANSWER


def total_cost(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """The sum of costs as if cold; what is unknown in one part is unknown in the sum."""
    keys = ("usd", "calls", "tokens_in", "tokens_cached", "tokens_out", "tokens_reasoning")
    return {
        key: None if any(part.get(key) is None for part in parts) else sum(part[key] for part in parts) for key in keys
    }


def judge_rows(
    test: Sequence[Example], predictions: Sequence[Prediction], teacher: Sequence[Annotation], card: TaskCard
) -> list[Judged]:
    """Rows, student's and teacher's answers by id; every row has a prediction. Raises KeyError where one has none."""
    predicted = {prediction.id: prediction for prediction in predictions}
    taught = {annotation.id: annotation for annotation in teacher}
    rows = []
    for row in test:
        student, answer = predicted[row.id], taught.get(row.id)
        label = extract_answer(student.label, card)
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


def extract_answer(label: str, card: TaskCard) -> str | None:
    """The answer in a student's text, by the parser that reads the teacher's; None where there is none."""
    return parse_response(label, kind=card.kind, expect_rationale=False).label if card.kind in _WRITTEN_KINDS else label


def _right(row: Example, label: str | None, card: TaskCard) -> bool | None:
    return None if row.label is None else same_label(card.kind, row.label, label)
