"""Two experiments on the same test rows: which answers better, and could it be chance?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from distill import paths
from distill.errors import UserError
from distill.intervals import DRAWS, compare, p_in_words, wilson
from distill.revisions import out_at
from distill.rows.records import Judged, read_rows

# The name by which `dvc exp show` calls what is not committed.
WORKSPACE = "workspace"
Answerer = Literal["student", "teacher"]


def judged_at(revision: str) -> list[Judged]:
    """The judged test rows of a commit, a branch, an experiment, or the WORKSPACE.

    Raises RevisionError or DataError where they cannot be had.
    """
    if revision == WORKSPACE:
        return read_rows(paths.JUDGED, Judged)
    with TemporaryDirectory() as folder:
        return read_rows(out_at(revision, paths.JUDGED, Path(folder)), Judged)


def compared(
    first: Sequence[Judged], second: Sequence[Judged], answerer: Answerer, confidence: float, shared: bool = False
) -> dict[str, Any]:
    """Accuracy of either with its Wilson interval, their difference (first less second) with its paired-bootstrap
    interval, McNemar's exact p-value, and the rows on which one is right and the other wrong.

    A row counts where it has a gold label and, for the teacher, where it was asked. Rows are the same where id,
    input, choices and gold label are. Raises UserError where the two have not the same rows, unless the `shared`
    ones are asked for, and where none is shared.
    """
    mine, theirs = ({_key(row): row for row in rows if _right(row, answerer) is not None} for rows in (first, second))
    both = sorted(mine.keys() & theirs.keys())
    if not both:
        raise UserError(
            f"the two share no labelled test row that the {answerer} answered: first {len(mine)}, second {len(theirs)}"
        )
    if not shared and not len(both) == len(mine) == len(theirs):
        raise UserError(
            f"the two were not tested on the same rows: {len(mine)} and {len(theirs)} labelled test rows that the"
            f" {answerer} answered, {len(both)} of them the same (id, input and gold label); --shared compares on those"
            " alone"
        )
    pairs = [(mine[key], theirs[key]) for key in both]
    right = [[bool(_right(row, answerer)) for row in rows] for rows in zip(*pairs, strict=True)]
    return {
        "answerer": answerer,
        "rows": len(both),
        "confidence": confidence,
        "first": _accuracy(right[0], confidence),
        "second": _accuracy(right[1], confidence),
        "first_less_second": asdict(compare(*right, confidence)),
        "methods": {
            "accuracy": "Wilson",
            "difference": f"percentile interval of {DRAWS} paired bootstrap draws",
            "p_value": "McNemar, exact",
        },
        "changed": [_changed(a, b, answerer) for a, b in pairs if _right(a, answerer) != _right(b, answerer)],
    }


def table(found: dict[str, Any], names: Sequence[str], most: int) -> str:
    """What `compared` found, for people; of the changed rows at most `most`."""
    width = max(map(len, names))
    lines = [
        f"{found['answerer']} on {found['rows']} test rows, the same in both; intervals at {found['confidence']:.0%}"
    ]
    for name, key in zip(names, ("first", "second"), strict=True):
        one = found[key]
        lines.append(
            f"  {name:<{width}}  {one['accuracy']:.1%}   {one['accuracy_ci_low']:.1%} to {one['accuracy_ci_high']:.1%}"
            " (Wilson)"
        )
    less = found["first_less_second"]
    lines += [
        (
            f"difference {100 * less['difference']:+.1f} points, {100 * less['ci_low']:+.1f} to"
            f" {100 * less['ci_high']:+.1f} (paired bootstrap, {DRAWS:,} draws); p {p_in_words(less['p_value'])}"
            " (McNemar, exact)"
        ),
        f"right in {names[0]} alone: {less['first_only']} rows; in {names[1]} alone: {less['second_only']}",
    ]
    if found["answerer"] == "student":
        lines.append(
            "this tells about these two students; others of the same settings differ by their seeds (train.seeds)"
        )
    for row in found["changed"][:most]:
        lines.append(
            f"  {row['id']}: {_plain(row['input'])} gold {_plain(row['gold'])}, first {_plain(row['first'])}, second"
            f" {_plain(row['second'])}"
        )
    left = len(found["changed"]) - most
    if most and left > 0:
        lines.append(f"  and {left} more (--rows {len(found['changed'])}, or --json)")
    return "\n".join(lines)


def _key(row: Judged) -> tuple[Any, ...]:
    return row.id, row.input, row.choices, row.gold


def _right(row: Judged, answerer: Answerer) -> bool | None:
    return row.student_right if answerer == "student" else row.teacher_right


def _label(row: Judged, answerer: Answerer) -> str | None:
    return row.student_label if answerer == "student" else row.teacher_label


def _accuracy(right: Sequence[bool], confidence: float) -> dict[str, Any]:
    low, high = wilson(sum(right), len(right), confidence)
    return {"right": sum(right), "accuracy": sum(right) / len(right), "accuracy_ci_low": low, "accuracy_ci_high": high}


def _changed(first: Judged, second: Judged, answerer: Answerer) -> dict[str, Any]:
    return {
        "id": first.id,
        "input": first.input,
        "gold": first.gold,
        "first": _label(first, answerer),
        "second": _label(second, answerer),
    }


def _plain(text: str | None) -> str:
    """A model's text for a terminal: on one line, cut, and with no character that would steer it."""
    if text is None:
        return "(none)"
    line = "".join(mark if mark.isprintable() else " " for mark in text)
    return f'"{line if len(line) <= 80 else line[:79] + "…"}"'
