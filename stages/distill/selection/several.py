"""Which rationales a row keeps, where the teacher gave it several (annotate.samples)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from distill.rows.permutation import seeded_order, share
from distill.rows.records import TrainingRow
from distill.settings.subsample import SubsampleSettings


def picked(rows: Sequence[TrainingRow], settings: SubsampleSettings) -> tuple[list[TrainingRow], dict[str, Any]]:
    """The rows, each with at most `rationales_per_row` rationales, and what became of the rationales.

    Without a `short_share` these are the first, in the order of the samples. With one, the first
    round(short_share * rows) of the rows that have several, in seeded order, keep their shortest, and the others of
    these their longest, so that a lower share's short rows are a subset of a higher one's. Length is counted in
    words; of equals the earlier comes first. The metrics are empty where neither setting is used.
    """
    if settings.rationales_per_row == 1 and settings.short_share is None:
        return [dataclasses.replace(row, other_rationales=()) for row in rows], {}
    several = seeded_order((row for row in rows if row.other_rationales), settings.seed)
    shortest = share(len(several), settings.short_share or 0.0)
    short = {row.id for row in several[:shortest]}
    found = [_picked(row, row.id in short, settings) for row in rows]
    told = [text for row in found for text in (row.rationale, *row.other_rationales) if text is not None]
    metrics: dict[str, Any] = {
        "total": len(told),
        "rows_with_several": len(several),
        "words_mean": sum(len(text.split()) for text in told) / len(told) if told else None,
    }
    if settings.short_share is not None:
        metrics |= {"shortest": shortest, "longest": len(several) - shortest}
    return found, metrics


def _picked(row: TrainingRow, short: bool, settings: SubsampleSettings) -> TrainingRow:
    if not row.other_rationales or row.rationale is None:
        return row
    told = [row.rationale, *row.other_rationales]
    if settings.short_share is not None:
        told.sort(key=lambda text: len(text.split()) if short else -len(text.split()))
    first, *others = told[: settings.rationales_per_row]
    return dataclasses.replace(row, rationale=first, other_rationales=tuple(others))
