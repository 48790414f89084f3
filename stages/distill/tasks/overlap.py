"""Rows that given splits share: train would know what it is tested on. `task.overlap` says what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from distill.errors import DataError
from distill.paths import SPLITS

_SHOWN = 3


def overlapping(group: np.ndarray, kept: np.ndarray, came_in: np.ndarray) -> np.ndarray:
    """Whether a row's like, equal or nearly so, is in a later split: of train in validation or test, of validation in
    test.

    All arrays have an entry a row: its group of near-duplicates, whether it is kept, and the place among SPLITS of the
    split that it came in.
    """
    last = np.full(len(group), -1, dtype=np.int64)
    np.maximum.at(last, group[kept], came_in[kept].astype(np.int64))
    return kept & (came_in < last[group])


def overlap_settled(
    rule: str, group: np.ndarray, kept: np.ndarray, came_in: np.ndarray, where: Callable[[int], str]
) -> tuple[np.ndarray, dict[str, Any]]:
    """(the rows that stay, what metrics/prepare.json says of the overlap), by `task.overlap`.

    `where` names a row for people. Raises DataError where rows overlap and the rule is to refuse them.
    """
    shared = overlapping(group, kept, came_in)
    counts = {SPLITS[split]: int((shared & (came_in == split)).sum()) for split in (0, 1)}
    if rule == "refuse" and shared.any():
        raise DataError(_refusal(counts, shared, group, kept, came_in, where))
    return (kept & ~shared if rule == "drop_from_train" else kept), {"rule": rule, **counts}


def overlap_notices(overlap: dict[str, Any]) -> list[str]:
    """What a person is told of an overlap that was not refused."""
    if not overlap["train"] + overlap["validation"]:
        return []
    rows = f"rows equal or nearly equal to one of a later split: {overlap['train']} of train, {overlap['validation']}"
    done = "left out" if overlap["rule"] == "drop_from_train" else "left where they are, so that figures flatter"
    return [f"{rows} of validation; they are {done} (task.overlap: {overlap['rule']})"]


def _refusal(
    counts: dict[str, int],
    shared: np.ndarray,
    group: np.ndarray,
    kept: np.ndarray,
    came_in: np.ndarray,
    where: Callable[[int], str],
) -> str:
    pairs = []
    for row in np.flatnonzero(shared)[:_SHOWN].tolist():
        like = np.flatnonzero(kept & (group == group[row]) & (came_in > came_in[row]))[0]
        pairs.append(f"{where(row)} is like {where(int(like))}")
    more = " …" if int(shared.sum()) > len(pairs) else ""
    return (
        f"the given splits share rows, equal or nearly equal but for digits, case and punctuation: {counts['train']} of"
        f" train are in validation or test, {counts['validation']} of validation in test ({'; '.join(pairs)}{more})."
        " What is tested would be known. Set task.overlap to drop_from_train to leave these rows of train and"
        " validation out, or to allow to keep them, as figures of papers do; the report then says so"
    )
