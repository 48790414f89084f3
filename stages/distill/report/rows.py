"""The test rows as the page's browser of rows shows them."""

from __future__ import annotations

import json
from typing import Any

from distill.answers.choices import apart
from distill.answers.matching import same_label, with_value
from distill.report.run import Run
from distill.rows.permutation import seeded_order
from distill.rows.records import Judged
from distill.visible import visible

MOST_CHARACTERS = 4000  # of one text; what is longer is cut, and says so
ROW_COLUMNS = (
    "id",
    "input",
    "choices",
    "gold",
    "student_right",
    "student_label",
    "student_probability",
    "student_rationale",
    "teacher_asked",
    "teacher_right",
    "teacher_label",
    "teacher_rationale",
    "teacher_status",
    "teacher_response",
    "disagree",
)


def browser_rows(run: Run) -> dict[str, Any]:
    """{"columns", "rows", "total"}: a list of values a row, in the order of ROW_COLUMNS.

    At most settings.report.rows of them, then a share drawn by a seeded order, so that shares stay
    right on average; `total` is how many there are.
    """
    most = run.settings.report.rows
    drawn = seeded_order(run.judged, 0, "report rows")[:most]
    kept = run.judged if len(run.judged) <= most else sorted(drawn, key=lambda row: row.id)
    return {
        "columns": ROW_COLUMNS,
        "rows": [row_values(row, run.card.kind) for row in kept],
        "total": len(run.judged),
    }


def row_values(row: Judged, kind: str) -> list[Any]:
    """One row, in the order of ROW_COLUMNS.

    The teacher's whole answer is there only where no label could be read in it. `disagree` is whether both
    gave a label, and not the same. The row's own choices are not in its input again, and a gold label that is an
    equation has its value beside it.
    """
    teacher_answered, student, teacher = row.teacher_status is not None, row.student_label, row.teacher_label
    both = teacher is not None and student is not None
    cells: dict[str, Any] = {
        "id": _cut(row.id),
        "input": _cut(_without_choices(row)),
        "choices": [_cut(choice) for choice in row.choices],
        "gold": _cut(with_value(row.gold) if kind == "number" and row.gold else row.gold),
        "student_right": row.student_right,
        "student_label": _cut(student),
        "student_probability": None if row.student_probability is None else round(row.student_probability, 4),
        "student_rationale": _cut(row.student_rationale),
        "teacher_asked": teacher_answered,
        "teacher_right": row.teacher_right,
        "teacher_label": _cut(teacher),
        "teacher_rationale": _cut(row.teacher_rationale),
        "teacher_status": row.teacher_status,
        "teacher_response": _cut(row.teacher_response),
        "disagree": both and not same_label(kind, str(teacher), student),
    }
    return [cells[name] for name in ROW_COLUMNS]


def embeddable_json(value: Any) -> str:
    """JSON that can stand in a script element: nothing in it can end the element or begin another."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _without_choices(row: Judged) -> str:
    question, listed = apart(row.input)
    return question if row.choices and listed == row.choices else row.input


def _cut(text: str | None) -> str | None:
    if text is None:
        return None
    left = len(text) - MOST_CHARACTERS
    return visible(text) if left <= 0 else f"{visible(text[:MOST_CHARACTERS])} … ({left:,} more characters)"
