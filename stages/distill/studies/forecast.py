"""How long the cells of a study will take, from those that are finished."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

from distill.studies.cells import Cell

# Making a temporary checkout, starting four Python processes and collecting the experiment, on two cores.
OVERHEAD_SECONDS = 15.0


def expected_seconds(cell: Cell, known: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> float | None:
    """Expected seconds of a cell. `known` are (settings, metrics/runtime.json) of finished runs: a step costs what it
    did on average in those of the same mode of training, or in all where there is none."""
    own: list[float] = []
    others: list[float] = []
    for params, runtime in known:
        spent = sum(runtime.get(stage, {}).get("seconds", 0.0) for stage in ("subsample", "train", "evaluate"))
        if spent:
            (own if params["train"]["mode"] == cell.params["train"]["mode"] else others).append(spent / _steps(params))
    if not own and not others:
        return None
    return fmean(own or others) * _steps(cell.params) + OVERHEAD_SECONDS


def _steps(params: Mapping[str, Any]) -> int:
    return params["train"]["steps"] * params["train"]["seeds"]
