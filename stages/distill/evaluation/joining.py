"""The test rows with all that was answered to them, read by one extractor and judged once."""

from __future__ import annotations

from collections.abc import Sequence

from distill.answers.matching import same_label
from distill.answers.parsing import parse_response
from distill.rows.records import Annotation, Example, Judged, Prediction, TaskCard

# Answers that a student writes; of the other kinds it scores those that are known, and cannot miss them.
WRITTEN = ("number", "text")


def joined(test: Sequence[Example], predictions: Sequence[Prediction], teacher: Sequence[Annotation], card: TaskCard) -> list[Judged]:
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
