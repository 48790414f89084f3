"""A study's results as files (CSV and JSON) and as a table for people."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from distill.rows.files import write_metrics, write_text

Row = Mapping[str, Any]


def write_tables(folder: Path, name: str, rows: Sequence[Row], summary: Mapping[str, Any]) -> tuple[Path, Path]:
    """One row a cell as `name`.csv, and `name`.json with the summary by arm and the same rows; returns both places."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: round(value, 6) if isinstance(value, float) else value for key, value in row.items()} for row in rows)
    table, whole = folder / f"{name}.csv", folder / f"{name}.json"
    write_text(table, text.getvalue())
    write_metrics(whole, {**summary, "cells": [dict(row) for row in rows]})
    return table, whole


def printed(arms: Mapping[str, Mapping[str, Any]], confidence: float) -> str:
    """The summary by arm, as Markdown."""
    lines = [
        f"| arm | accuracy, mean over seeds | {confidence * 100:g} % interval | seeds | at chance, diverged, crashed | points less the reference, by seed | training, TFLOP |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for arm, found in arms.items():
        accuracy, failures = found["accuracy"], found["failures"]
        failed = ", ".join(str(failures[status]) for status in ("at_chance", "diverged", "crashed"))
        flop = "" if found["teraflop"] is None else f"{found['teraflop']:.2f}"
        lines.append(f"| {arm} | {percent(accuracy['mean'])} | {_span(accuracy)} | {found['finished']} of {found['seeds']} | {failed} | {_less(found.get('difference'))} | {flop} |")
    return "\n".join(lines)


def percent(share: float | None) -> str:
    """A share as people read it: "93.4 %"."""
    return "" if share is None else f"{100 * share:.1f} %"


def _span(found: Mapping[str, Any]) -> str:
    if found["ci_low"] is None:
        return ""
    # An accuracy lies between 0 and 1, which Student's t does not know.
    return f"{100 * max(0.0, found['ci_low']):.1f} to {100 * min(1.0, found['ci_high']):.1f} %"


def _less(found: Mapping[str, Any] | None) -> str:
    """A difference of accuracies in points, with its interval."""
    if found is None or found["mean"] is None:
        return ""
    mean = f"{100 * found['mean']:+.1f}"
    return mean if found["ci_low"] is None else f"{mean} ({100 * max(-1.0, found['ci_low']):+.1f} to {100 * min(1.0, found['ci_high']):+.1f})"
