"""Two experiments on the same test rows: which answers better, and could it be chance?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from distill import paths
from distill.errors import UserError
from distill.intervals import DRAWS, FEW, compare, p_in_words, wilson
from distill.revisions import WORKSPACE, out_at
from distill.rows.records import Judged, read_rows

WhoAnswered = Literal["student", "teacher"]


def judged_at(revision: str) -> list[Judged]:
    """The judged test rows of a commit, a branch, an experiment, or the WORKSPACE.

    Raises RevisionError or DataError where they cannot be had.
    """
    if revision == WORKSPACE:
        return read_rows(paths.JUDGED, Judged)
    with TemporaryDirectory() as folder:
        return read_rows(out_at(revision, paths.JUDGED, Path(folder)), Judged)


def compare_answers(
    first: Sequence[Judged], second: Sequence[Judged], answerer: WhoAnswered, confidence: float, shared: bool = False
) -> dict[str, Any]:
    """Accuracy of either with its Wilson interval, their difference (first less second) with its paired-bootstrap
    interval, McNemar's exact p-value, and the rows on which one is right and the other wrong.

    A row counts where it has a gold label and, for the teacher, where the teacher answered it. Two rows are the same
    where id, input, choices and gold label are. Raises UserError where the two do not have the same rows, unless
    `shared` restricts the comparison to those that both have, and where they share none.
    """
    first_rows, second_rows = (
        {_key(row): row for row in rows if _right(row, answerer) is not None} for rows in (first, second)
    )
    both = sorted(first_rows.keys() & second_rows.keys())
    if not both:
        raise UserError(
            f"the two share no labelled test row that the {answerer} answered:"
            f" first {len(first_rows)}, second {len(second_rows)}"
        )
    if not shared and not len(both) == len(first_rows) == len(second_rows):
        raise UserError(
            f"the two were not tested on the same rows: {len(first_rows)} and {len(second_rows)} labelled test rows"
            f" with an answer of the {answerer}, {len(both)} of them the same (id, input and gold label); --shared"
            " compares the two on these alone"
        )
    pairs = [(first_rows[key], second_rows[key]) for key in both]
    right = [[bool(_right(row, answerer)) for row in rows] for rows in zip(*pairs, strict=True)]
    less = asdict(compare(*right, confidence))
    return {
        "answerer": answerer,
        "rows": len(both),
        "confidence": confidence,
        "first": _accuracy(right[0], confidence),
        "second": _accuracy(right[1], confidence),
        "first_less_second": less,
        "methods": {
            "accuracy": "Wilson",
            "difference": _interval_name(less),
            "p_value": "McNemar, exact",
        },
        "changed": [_changed(a, b, answerer) for a, b in pairs if _right(a, answerer) != _right(b, answerer)],
    }


def comparison_text(comparison: dict[str, Any], names: Sequence[str], most: int) -> str:
    """What `compare_answers` returned, for people; of the changed rows at most `most`."""
    width = max(map(len, names))
    lines = [
        f"{comparison['answerer']} on {comparison['rows']} test rows, the same in both; intervals at"
        f" {comparison['confidence']:.0%}"
    ]
    for name, key in zip(names, ("first", "second"), strict=True):
        answers = comparison[key]
        lines.append(
            f"  {name:<{width}}  {answers['accuracy']:.1%}   {answers['accuracy_ci_low']:.1%} to"
            f" {answers['accuracy_ci_high']:.1%} (Wilson)"
        )
    less = comparison["first_less_second"]
    lines += [
        (
            f"difference {100 * less['difference']:+.1f} points, {100 * less['ci_low']:+.1f} to"
            f" {100 * less['ci_high']:+.1f} ({_interval_name(less)}); p {p_in_words(less['p_value'])}"
            " (McNemar, exact)"
        ),
        f"right in {names[0]} alone: {less['first_only']} rows; in {names[1]} alone: {less['second_only']}",
    ]
    if comparison["answerer"] == "student":
        lines.append(
            "this compares these two students; with other seeds the same settings give other students (train.seeds)"
        )
    for row in comparison["changed"][:most]:
        lines.append(
            f"  {row['id']}: {_plain(row['input'])} gold {_plain(row['gold'])}, first {_plain(row['first'])}, second"
            f" {_plain(row['second'])}"
        )
    left = len(comparison["changed"]) - most
    if most and left > 0:
        lines.append(f"  and {left} more (--rows {len(comparison['changed'])}, or --json)")
    return "\n".join(lines)


def _key(row: Judged) -> tuple[Any, ...]:
    return row.id, row.input, row.choices, row.gold


def _right(row: Judged, answerer: WhoAnswered) -> bool | None:
    return row.student_right if answerer == "student" else row.teacher_right


def _label(row: Judged, answerer: WhoAnswered) -> str | None:
    return row.student_label if answerer == "student" else row.teacher_label


def _accuracy(right: Sequence[bool], confidence: float) -> dict[str, Any]:
    low, high = wilson(sum(right), len(right), confidence)
    return {"right": sum(right), "accuracy": sum(right) / len(right), "accuracy_ci_low": low, "accuracy_ci_high": high}


def _changed(first: Judged, second: Judged, answerer: WhoAnswered) -> dict[str, Any]:
    return {
        "id": first.id,
        "input": first.input,
        "gold": first.gold,
        "first": _label(first, answerer),
        "second": _label(second, answerer),
    }


def _interval_name(less: Mapping[str, Any]) -> str:
    """How the interval of a difference was made; see distill.intervals.compare."""
    if less["first_only"] + less["second_only"] < FEW:
        return f"Tango's score interval, as fewer than {FEW} rows differ"
    return f"paired bootstrap, {DRAWS:,} draws"


def _plain(text: str | None) -> str:
    """A model's text for a terminal: on one line, cut, and with no character that would steer it."""
    if text is None:
        return "(none)"
    line = "".join(mark if mark.isprintable() else " " for mark in text)
    return f'"{line if len(line) <= 80 else line[:79] + "…"}"'
