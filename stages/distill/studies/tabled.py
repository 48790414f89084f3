"""Cells that a study's table keeps: what is known of them where their experiments are not, as in a fresh clone."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.rows.files import read_object
from distill.studies.gathering import DIVERGED, Observation


def tabled(folder: Path, say: Callable[[str], None]) -> list[Observation]:
    """The evaluated cells of all tables (`<study>.json`, see distill.studies.table) in a folder, each once, with the
    price that the table gives them. A file that is no such table is left out, and said."""
    found: dict[str, Observation] = {}
    for file in sorted(folder.glob("*.json")):
        try:
            table = read_object(file)
            cells = [_observation(row, table) for row in table["cells"] if row["accuracy"] is not None]
        except (DataError, KeyError, TypeError) as error:
            say(f"{file} is left out: no table that `python stages/study.py … table` writes ({error!r})")
            continue
        for cell in cells:
            found.setdefault(cell.name, cell)
    return list(found.values())


def _observation(row: Mapping[str, Any], table: Mapping[str, Any]) -> Observation:
    params = copy.deepcopy(table["settings"])
    # Columns that are settings hold what differs between cells; a cell's seed is that of several settings.
    for key, value in {key: value for key, value in row.items() if "." in key}.items():
        _put(params, key, value)
    for key in table["seed_keys"]:
        _put(params, key, row["seed"])
    label = {key: row[key] for key in ("accuracy", "accuracy_ci_low", "accuracy_ci_high")}
    metrics = {
        "evaluate": {
            "rows": row["test_rows"],
            "student": {"label": label},
            "majority": {"label": {"accuracy": row["majority_accuracy"]}},
            "teacher": {"name": row["teacher"]},
            "cost": {"total": {"usd": row["usd"]}, "annotation": {"usd": row["usd_annotation"]}, "search": {"usd": row["usd_search"]}},
        },
        "train": {"parameters": row["parameters"], "diverged": row["status"] == DIVERGED, "seeds": {"failures": row["failed_students"]}},
        "annotate": {"cost": {"test": {"usd": row["teacher_usd_per_row"], "calls": 1}}},
        "runtime": {"evaluate": {"usd_per_1000": {"student": row["student_usd_per_1000"]}}},
    }
    return Observation(row["cell"], row["commit"], params, metrics, (row["usd_needed"], row["usd_from"]))


def _put(params: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        params = params[section]
    params[last] = value
