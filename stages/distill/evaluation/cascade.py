"""Answering with the student where it is sure, and sending the rest to the teacher.

The student's probability of its answer is the confidence; rows below a threshold are sent. The threshold is chosen
on validation rows and reported on test rows, so the choice does not flatter the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from distill.intervals import compare, wilson
from distill.rows.records import Judged
from distill.settings.evaluate import CascadeSettings

# A threshold above any probability: every row is sent.
_SEND_ALL = 1.01
# Points of the curve, at most.
_MOST_POINTS = 101


@dataclass(frozen=True, slots=True)
class CascadeRow:
    """How sure the student is of a row, and who is right about it.

    `routed` is whether the row is right when it is sent: by the teacher's answer, or by the student's where the
    teacher's has no label.
    """

    confidence: float
    student: bool
    teacher: bool
    routed: bool


@dataclass(frozen=True, slots=True)
class CascadePoint:
    """A threshold, the share of rows that it sends to the teacher, and the share of all rows that are then right."""

    threshold: float
    sent: float
    accuracy: float


def cascade_rows(judged: Sequence[Judged]) -> list[CascadeRow]:
    """The rows that a cascade can be measured on: those with a gold label, a probability of the student and an answer
    of the teacher.
    """
    return [
        CascadeRow(
            row.student_probability,
            bool(row.student_right),
            bool(row.teacher_right),
            bool(row.student_right if row.teacher_label is None else row.teacher_right),
        )
        for row in judged
        if row.gold is not None and row.student_probability is not None and row.teacher_status is not None
    ]


def cascade_points(rows: Sequence[CascadeRow]) -> list[CascadePoint]:
    """Every threshold that sends more rows than the one before, from the one that sends none to _SEND_ALL."""
    ordered = sorted(rows, key=lambda row: row.confidence)
    right = sum(row.student for row in ordered)
    points = [CascadePoint(0.0, 0.0, right / len(ordered))]
    for place, row in enumerate(ordered, 1):
        right += row.routed - row.student
        following = ordered[place].confidence if place < len(ordered) else _SEND_ALL
        if following > row.confidence:
            points.append(CascadePoint(following, place / len(ordered), right / len(ordered)))
    return points


def choose_threshold(rows: Sequence[CascadeRow], settings: CascadeSettings) -> CascadePoint:
    """The threshold that sends the fewest of these rows, of those that send at most `most_sent` of them and reach
    `target_accuracy`; without a target, or where none reaches it, of those within `tolerance` of the best."""
    allowed = [point for point in cascade_points(rows) if point.sent <= settings.most_sent]
    reaching = [
        point
        for point in allowed
        if settings.target_accuracy is not None and point.accuracy >= settings.target_accuracy
    ]
    # A share of 0.9 less 0.01 must not miss 0.89 by a rounding error.
    least = max(point.accuracy for point in allowed) - settings.tolerance - 1e-9
    return (reaching or [point for point in allowed if point.accuracy >= least])[0]


def cascade_metrics(
    validation: Sequence[CascadeRow],
    test: Sequence[CascadeRow],
    settings: CascadeSettings,
    confidence: float,
    usd_per_1000: float | None,
) -> dict[str, Any]:
    """The chosen threshold, its share sent and accuracy on either split, on test with Wilson's interval and paired
    tests against student alone and teacher alone, and the teacher's dollars per 1,000 predictions of the cascade.

    `usd_per_1000` is what 1,000 answers of the teacher cost; the student's own computing is not in it. `less_random`
    is the lead over sending as many rows drawn at random. Nulls with a `reason` where no threshold can be chosen.
    """
    for split, rows in (("test", test), ("validation", validation)):
        if not rows:
            return {
                "threshold": None,
                "reason": f"the teacher answered no labelled {split} row (annotate.{split}_rows)",
            }
    point = choose_threshold(validation, settings)
    routed = [row.routed if row.confidence < point.threshold else row.student for row in test]
    sent = sum(row.confidence < point.threshold for row in test) / len(test)
    low, high = wilson(sum(routed), len(test), confidence)
    accuracy = sum(routed) / len(test)
    metrics: dict[str, Any] = {
        "threshold": point.threshold,
        "validation": {"rows": len(validation), "sent": point.sent, "label": {"accuracy": point.accuracy}},
        "rows": len(test),
        "sent": sent,
        "label": {"accuracy": accuracy, "accuracy_ci_low": low, "accuracy_ci_high": high},
        "usd_per_1000": None if usd_per_1000 is None else sent * usd_per_1000,
        "less_random": accuracy - _at_random(test, sent),
        "less_student": asdict(compare(routed, [row.student for row in test], confidence)),
        "less_teacher": asdict(compare(routed, [row.teacher for row in test], confidence)),
    }
    if settings.target_accuracy is not None:
        metrics["target_met"] = point.accuracy >= settings.target_accuracy
    return metrics


def cascade_curve(
    test: Sequence[CascadeRow], confidence: float, usd_per_1000: float | None, threshold: float | None
) -> list[dict[str, Any]]:
    """At most _MOST_POINTS thresholds and the chosen one. Each has the share sent, the accuracy with its interval, the
    accuracy of sending as many rows at random, and the teacher's dollars per 1,000 predictions.

    Of no rows there is one point without figures, so that the plot can be drawn.
    """
    if not test:
        return [
            dict.fromkeys(
                ("threshold", "sent", "accuracy", "accuracy_ci_low", "accuracy_ci_high", "at_random", "usd_per_1000")
            )
            | {"chosen": False}
        ]
    every = cascade_points(test)
    drawn = {place * (len(every) - 1) // (_MOST_POINTS - 1) for place in range(_MOST_POINTS)}
    # On test rows the chosen threshold lies between two of these; it sends what the higher one sends.
    mark = (
        None if threshold is None else next(place for place, point in enumerate(every) if point.threshold >= threshold)
    )
    curve = []
    for place, point in enumerate(every):
        if place in drawn or place == mark:
            low, high = wilson(round(point.accuracy * len(test)), len(test), confidence)
            figures = asdict(point) | {
                "accuracy_ci_low": low,
                "accuracy_ci_high": high,
                "at_random": _at_random(test, point.sent),
            }
            usd = None if usd_per_1000 is None else round(point.sent * usd_per_1000, 6)
            curve.append(
                {name: round(value, 6) for name, value in figures.items()}
                | {"usd_per_1000": usd, "chosen": place == mark}
            )
    return curve


def _at_random(rows: Sequence[CascadeRow], sent: float) -> float:
    student, routed = (sum(getattr(row, name) for row in rows) / len(rows) for name in ("student", "routed"))
    return (1 - sent) * student + sent * routed
