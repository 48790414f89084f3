"""The control that tells reasoning from mere extra text: every rationale goes to another row."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from distill.errors import DataError
from distill.rows.permutation import seeded_order
from distill.rows.records import TrainingRow


def shuffled(rows: Sequence[TrainingRow], seed: int) -> list[TrainingRow]:
    """The rows, in their order, each that has a rationale with that of another row; no row keeps its own.

    The rows with a rationale, in seeded order, form one circle in which each takes the next one's. So as many
    rows have a rationale as before, and every rationale is used once. Raises DataError where only one row has one.
    """
    circle = [row for row in seeded_order(rows, seed) if row.rationale is not None]
    if len(circle) == 1:
        raise DataError("subsample.rationales: shuffled, but one row alone has a rationale: there is none to change it with; raise subsample.explanation_rate")
    given = {taker.id: giver for taker, giver in zip(circle, circle[1:] + circle[:1], strict=True)}
    return [_with_rationales_of(row, given[row.id]) if row.id in given else row for row in rows]


def _with_rationales_of(row: TrainingRow, giver: TrainingRow) -> TrainingRow:
    return dataclasses.replace(
        row, rationale=giver.rationale, other_rationales=giver.other_rationales, contrary_rationales=giver.contrary_rationales
    )
