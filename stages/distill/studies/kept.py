"""Finished rows of a study's table outlive what they came from: experiments of another clone, code that has changed."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.rows.files import read_object
from distill.studies.cells import Cell, StudyPlan, WaitingCell
from distill.studies.controls import DERIVED, MEASURES
from distill.studies.gathering import CRASHED, MISSING

# Why a finished row is stale: the declared code or data changed, the cell's settings did, or the study lacks the cell.
CODE, SETTINGS, STUDY = "code", "settings", "study"
STALE_REASONS = {
    CODE: "made by the code or data of its commit, which have changed since",
    SETTINGS: "made with settings that have changed since; no arm counts them once there are newer rows",
    STUDY: "no cell of the study any more; counted in no arm",
}

_Row = Mapping[str, Any]

UNCOUNTED = (SETTINGS, STUDY)


def keep_finished(rows: Sequence[_Row], plan: StudyPlan, table: Path | None) -> list[dict[str, Any]]:
    """The rows of a study, and in place of each that has no result the one that the file `table` keeps, if it is
    finished or crashed.

    `table` is `<study>.json` (distill.studies.table); it need not be there, and None keeps nothing. A row that is kept
    has its commit, and `stale` says why it would not be made so again: None (the very cell, whose experiment is not in
    this clone), or one of STALE_REASONS. A row whose cell the study has no more comes last. `changes` are settings of a
    kept row that differ from those of the study's first cell and stand in no column. Raises DataError where the file
    is no table.
    """
    cells = {(cell.arm, cell.seed): cell for cell in (*plan.cells, *plan.waiting)}
    kept = {(row["arm"], row["seed"]): (row, params) for row, params in _finished(table)}
    first = plan.cells[0].params
    of_seed = {cell.seed: cell.params for cell in reversed(plan.cells)}  # the first cell's, with the seed's own values
    merged = []
    for row in rows:
        place = row["arm"], row["seed"]
        earlier = kept.pop(place, None)
        new = row["accuracy"] is not None or earlier is None
        if new or (row["status"] != MISSING and earlier[0]["accuracy"] is None):  # it crashed once, and now runs again
            merged.append({**row, "stale": None})
        else:
            merged.append(_kept(*earlier, cells[place], of_seed.get(row["seed"], first), row))
    return merged + [_kept(row, params, None, first, rows[0]) for row, params in kept.values()]


def counted(rows: Sequence[_Row]) -> list[_Row]:
    """The rows that an arm's mean is of. Those made with other settings than their cell has now are without a result,
    unless all finished rows are such: a mean is never of both."""
    own = [row for row in rows if row["stale"] != STUDY]
    if all(row["stale"] == SETTINGS for row in own if row["accuracy"] is not None):
        return own
    return [{**row, "accuracy": None, "status": MISSING} if row["stale"] == SETTINGS else row for row in own]


def counted_rows(table: _Row) -> list[_Row]:
    """`counted` of a table (`<study>.json`), whatever version of this code wrote it."""
    return counted([row if "stale" in row else {**row, "stale": None} for row in table["cells"]])


def stale_text(rows: Sequence[_Row]) -> Iterator[str]:
    """A line for each reason why rows are stale."""
    for reason, text in STALE_REASONS.items():
        count = sum(row["stale"] == reason for row in rows)
        if count:
            yield f"{count} of the finished are stale: {text}. They are kept; `table --forget` drops them"


def row_settings(row: _Row, table: _Row) -> dict[str, Any]:
    """All settings of a finished row of a table: those of the table's first cell, with what the row's columns say."""
    params = copy.deepcopy(table["settings"])
    columns = {key: value for key, value in row.items() if "." in key}
    for key, value in {**columns, **row.get("changes", {})}.items():
        _put(params, key, value)
    for key in table["seed_keys"]:
        _put(params, key, row["seed"])
    return params


def kept_measures(table: Path) -> dict[str, dict[str, float | None]]:
    """By the name of each finished cell that a table has: what other cells' settings may follow from (MEASURES)."""
    return {
        row["cell"]: {measure: row.get(measure) for measure in MEASURES}
        for row, _ in _finished(table)
        if row["accuracy"] is not None
    }


def _finished(table: Path | None) -> list[tuple[_Row, dict[str, Any]]]:
    if table is None or not table.exists():
        return []
    content = read_object(table)
    try:
        return [(row, row_settings(row, content)) for row in content["cells"] if _ended(row)]
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{table}: no table that `python stages/study.py … table` writes ({error!r}); its rows would be lost: move"
            " it away, or restore it by `git checkout`"
        ) from error


def _ended(row: _Row) -> bool:
    return row["accuracy"] is not None or row["status"] == CRASHED


def _kept(
    row: _Row, params: _Row, cell: Cell | WaitingCell | None, first: _Row, columns: Iterable[str]
) -> dict[str, Any]:
    """The finished row in the columns of today's table. `cell` is the study's own in its place, if there is one, and
    `first` the settings of its first cell with the row's seed."""
    settings = dict(_flat(params))
    kept = {key: row.get(key, settings.get(key)) for key in columns}
    changes = {key: value for key, value in _differences(params, first).items() if key not in kept}
    stale: str | None = CODE
    if cell is None:
        stale = STUDY
    elif isinstance(cell, Cell):
        stale = SETTINGS if _differences(params, cell.params) else CODE
        stale = None if cell.name == row["cell"] else stale
    elif any(key not in DERIVED for key in changes):
        stale = SETTINGS
    return {**kept, "stale": stale, "changes": changes} if stale in UNCOUNTED else {**kept, "stale": stale}


def _differences(params: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that both have and that differ, with the first's values: one that only one has did nothing then,
    and what only tables are read by does nothing for other tasks."""
    first, second = dict(_flat(params)), dict(_flat(others))
    if params["task"]["name"] != "table" != others["task"]["name"]:
        first = {key: value for key, value in first.items() if not key.startswith("task.table.")}
    return {key: value for key, value in first.items() if key in second and second[key] != value}


def _flat(params: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in params.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _put(params: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        params = params.setdefault(section, {})
    params[last] = value
