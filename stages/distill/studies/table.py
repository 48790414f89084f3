"""A study's results: by arm, as files (CSV and JSON), as a table for people; and what the files tell a fresh clone."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.intervals import student_t
from distill.rows.files import read_object, write_metrics, write_text
from distill.studies.gathering import AT_CHANCE, CRASHED, DIVERGED, OK, Observation
from distill.studies.kept import row_settings

_Row = Mapping[str, Any]


def write_tables(folder: Path, name: str, rows: Sequence[_Row], summary: Mapping[str, Any]) -> tuple[Path, Path]:
    """One row a cell as `name`.csv, and `name`.json with the summary by arm and the same rows; returns both places."""
    text = io.StringIO()
    # `changes`, of rows that were kept, are read from the JSON.
    writer = csv.DictWriter(text, [key for key in rows[0] if key != "changes"], "", "ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {key: round(value, 6) if isinstance(value, float) else value for key, value in row.items()} for row in rows
    )
    table, whole = folder / f"{name}.csv", folder / f"{name}.json"
    write_text(table, text.getvalue())
    write_metrics(whole, {**summary, "cells": [dict(row) for row in rows]})
    return table, whole


def arms_text(arms: Mapping[str, Mapping[str, Any]], confidence: float) -> str:
    """The summary by arm, as Markdown."""
    lines = [
        (
            f"| arm | accuracy, mean over seeds | {confidence * 100:g} % interval | seeds | at chance, diverged,"
            " crashed | points less the reference, by seed | training, TFLOP |"
        ),
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for arm, summary in arms.items():
        accuracy, failures = summary["accuracy"], summary["failures"]
        failed = ", ".join(str(failures[status]) for status in ("at_chance", "diverged", "crashed"))
        flop = "" if summary["teraflop"] is None else f"{summary['teraflop']:.2f}"
        seeds = f"{summary['finished']} of {summary['seeds']}"
        lines.append(
            f"| {arm} | {_percent(accuracy['mean'])} | {_span(accuracy)} | {seeds} | {failed} |"
            f" {_less(summary.get('difference'))} | {flop} |"
        )
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    """A share as people read it: "93.4 %"."""
    return "" if share is None else f"{100 * share:.1f} %"


def _span(accuracy: Mapping[str, Any]) -> str:
    if accuracy["ci_low"] is None:
        return ""
    # An accuracy lies between 0 and 1, which Student's t does not know.
    return f"{100 * max(0.0, accuracy['ci_low']):.1f} to {100 * min(1.0, accuracy['ci_high']):.1f} %"


def _less(difference: Mapping[str, Any] | None) -> str:
    """A difference of accuracies in points, with its interval."""
    if difference is None or difference["mean"] is None:
        return ""
    mean = f"{100 * difference['mean']:+.1f}"
    return (
        mean
        if difference["ci_low"] is None
        else f"{mean} ({100 * max(-1.0, difference['ci_low']):+.1f} to {100 * min(1.0, difference['ci_high']):+.1f})"
    )


def by_arm(rows: Sequence[_Row], references: Mapping[str, str | None], confidence: float) -> dict[str, dict[str, Any]]:
    """arm -> what its seeds came to; `references` names the arm that each is compared with (None: with none).

    `accuracy` is of all finished seeds, those at chance among them; `learned` of those alone that left chance, so
    that what an arm gains by failing less is told apart from what it gains where both learn. A crashed cell has no
    accuracy; it is counted. `difference` pairs seeds: arm less reference, of the seeds that both finished.
    """
    grouped: dict[str, list[_Row]] = {}
    for row in rows:
        grouped.setdefault(row["arm"], []).append(row)
    return {arm: _arm(own, grouped.get(references.get(arm) or "", []), confidence) for arm, own in grouped.items()}


def _arm(rows: Sequence[_Row], reference: Sequence[_Row], confidence: float) -> dict[str, Any]:
    done = [row for row in rows if row["accuracy"] is not None]
    summary = {
        "seeds": len(rows),
        "finished": len(done),
        "failures": {status: sum(row["status"] == status for row in rows) for status in (AT_CHANCE, DIVERGED, CRASHED)},
        "accuracy": _accuracy(done, confidence),
        "learned": _accuracy([row for row in done if row["status"] == OK], confidence),
    }
    for column in ("usd", "teraflop", "steps", "train_seconds"):
        values = [row[column] for row in done if row[column] is not None]
        summary[column] = statistics.fmean(values) if values else None
    if reference:
        beside = {row["seed"]: row["accuracy"] for row in reference if row["accuracy"] is not None}
        summary["difference"] = mean_and_interval(
            [row["accuracy"] - beside[row["seed"]] for row in done if row["seed"] in beside], confidence
        )
    return summary


def _accuracy(rows: Sequence[_Row], confidence: float) -> dict[str, Any]:
    """Where several seeds are right alike often, which happens by chance, the interval is that over the test rows."""
    accuracy = mean_and_interval([row["accuracy"] for row in rows], confidence)
    if len(rows) > 1 and accuracy["least"] == accuracy["most"]:
        accuracy |= {"ci_low": rows[0]["accuracy_ci_low"], "ci_high": rows[0]["accuracy_ci_high"]}
    return accuracy


def mean_and_interval(values: Sequence[float], confidence: float) -> dict[str, Any]:
    """Mean, Student's t interval (null for fewer than two) and each value's extremes."""
    low, high = student_t(values, confidence) if len(values) > 1 else (None, None)
    return {
        "n": len(values),
        "mean": statistics.fmean(values) if values else None,
        "ci_low": low,
        "ci_high": high,
        "least": min(values, default=None),
        "most": max(values, default=None),
    }


def tabled_observations(folder: Path, say: Callable[[str], None]) -> list[Observation]:
    """The evaluated cells of all tables (`<study>.json`, see distill.studies.table) in a folder, each once, with the
    price that the table gives them. A file that is no such table is left out, and said."""
    observations: dict[str, Observation] = {}
    for file in sorted(folder.glob("*.json")):
        try:
            table = read_object(file)
            cells = [_observation(row, table) for row in table["cells"] if row["accuracy"] is not None]
        except (DataError, KeyError, TypeError) as error:
            say(f"{file} is left out: no table that `python stages/study.py … table` writes ({error!r})")
            continue
        for cell in cells:
            observations.setdefault(cell.name, cell)
    return list(observations.values())


def _observation(row: Mapping[str, Any], table: Mapping[str, Any]) -> Observation:
    label = {key: row[key] for key in ("accuracy", "accuracy_ci_low", "accuracy_ci_high")}
    metrics = {
        "evaluate": {
            "rows": row["test_rows"],
            "student": {"label": label},
            "majority": {"label": {"accuracy": row["majority_accuracy"]}},
            "teacher": {"name": row["teacher"]},
            "cost": {
                "total": {"usd": row["usd"]},
                "annotation": {"usd": row["usd_annotation"]},
                "search": {"usd": row["usd_search"]},
            },
        },
        "train": {
            "parameters": row["parameters"],
            "diverged": row["status"] == DIVERGED,
            "seeds": {"failures": row["failed_students"]},
        },
        "annotate": {"cost": {"test": {"usd": row["teacher_usd_per_row"], "calls": 1}}},
        "runtime": {"evaluate": {"usd_per_1000": {"student": row["student_usd_per_1000"]}}},
    }
    priced = row["usd_needed"], row["usd_from"]
    return Observation(row["cell"], row["commit"], row_settings(row, table), metrics, priced)
