"""A study's results as files (CSV and JSON), and what the files tell a fresh clone."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.rows.files import read_object, write_metrics, write_text
from distill.studies.gathering import DIVERGED, Observation
from distill.studies.kept import row_settings
from distill.studies.rights import RIGHT

_Row = Mapping[str, Any]


def write_tables(folder: Path, name: str, rows: Sequence[_Row], summary: Mapping[str, Any]) -> tuple[Path, Path]:
    """One row a cell as `name`.csv, and `name`.json with the summary by arm and the same rows; returns both places."""
    text = io.StringIO()
    # `changes`, of rows that were kept, and the bits of `right` are read from the JSON.
    columns = [key for key in rows[0] if key not in ("changes", RIGHT)]
    writer = csv.DictWriter(text, columns, "", "ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {key: round(value, 6) if isinstance(value, float) else value for key, value in row.items()} for row in rows
    )
    table, whole = folder / f"{name}.csv", folder / f"{name}.json"
    write_text(table, text.getvalue())
    write_metrics(whole, {**summary, "cells": [dict(row) for row in rows]})
    return table, whole


def tabled_observations(folder: Path) -> list[Observation]:
    """The evaluated cells of all tables (`<study>.json`, see distill.studies.table) in a folder, each once, with the
    price that the table gives them. Raises DataError on a file that is no such table: its points would be lost."""
    observations: dict[str, Observation] = {}
    for file in sorted(folder.glob("*.json")):
        try:
            table = read_object(file)
            cells = [_observation(row, table) for row in table["cells"] if row["accuracy"] is not None]
        except (KeyError, TypeError) as error:
            raise DataError(
                f"{file}: no table that `python stages/study.py … table` writes ({error!r}); restore it by"
                " `git checkout`, or move it away"
            ) from error
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
                "total": {"usd": row["usd"]} | {key: row.get(key) for key in ("calls", "tokens_in", "tokens_out")},
                "annotation": {"usd": row["usd_annotation"]},
                "search": {"usd": row["usd_search"]},
            },
        },
        "train": {
            "parameters": row["parameters"],
            "diverged": row["status"] == DIVERGED,
            "label": {"validation_accuracy": row["validation_accuracy"]},
            "seeds": {"failures": row["failed_students"] or 0, "count": row.get("students")},
        },
        "annotate": {"cost": {"test": {"usd": row["teacher_usd_per_row"], "calls": 1}}},
        "runtime": {"evaluate": {"usd_per_1000": {"student": row["student_usd_per_1000"]}}},
    }
    priced = row["usd_needed"], row["usd_from"]
    return Observation(row["cell"], row["commit"], row_settings(row, table), metrics, priced)
