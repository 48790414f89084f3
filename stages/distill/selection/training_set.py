"""From the teacher's answers to the rows that the student trains on."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from distill.errors import DataError
from distill.rows.permutation import seeded_order, share
from distill.rows.records import Annotation, Example, TrainingRow
from distill.selection.controls import RATIONALE_KINDS
from distill.selection.strategies import STRATEGIES
from distill.settings.subsample import SubsampleSettings


def training_set(
    examples: Sequence[Example], annotations: Sequence[Annotation], settings: SubsampleSettings
) -> tuple[list[TrainingRow], dict[str, Any]]:
    """Rows with a label, of which round(explanation_rate * rows) keep their rationale, and the metrics.

    The data share is taken first, of all annotated rows, in seeded order; rows without a label are then left out and
    counted. The rate is a share of the rows that are trained on, and is taken from those that have a rationale: where
    they are too few, all keep theirs and `rationale.short` says how many are missing. A control (`rationales`) comes
    after that. Raises DataError when the two inputs are not of the same rows or no row has a label.
    """
    answers = {annotation.id: annotation for annotation in annotations}
    if answers.keys() != {example.id for example in examples}:
        raise DataError("the prepared and the annotated train rows are not the same; run `dvc repro annotate`")
    kept = seeded_order(examples, settings.seed, "data share")[: share(len(examples), settings.data_share)]
    rows = []
    for example in kept:
        label = _label(example, answers[example.id], settings.labels)
        if label is not None:
            rows.append(_row(example, answers[example.id], label))
    if not rows:
        raise DataError(
            f"none of {len(kept)} rows has a label (subsample.labels: {settings.labels}); nothing to train on. The"
            " teacher's answers are in data/annotated/train.jsonl, field `response`: do teacher.path and the prompt fit"
            " the task?"
        )

    explained = [row for row in rows if row.rationale is not None]
    wanted = share(len(rows), settings.explanation_rate)
    keeps = {row.id for row in STRATEGIES[settings.strategy](explained, settings.seed)[:wanted]}
    rows = [row if row.id in keeps else dataclasses.replace(row, rationale=None) for row in rows]
    training_rows = RATIONALE_KINDS[settings.rationales](rows, settings.seed)
    metrics = _metrics(training_rows, len(examples), len(kept), len(explained), wanted)
    metrics["rationale"] |= _controlled(rows, training_rows, settings.rationales)
    return training_rows, metrics


def _row(example: Example, answer: Annotation, label: str) -> TrainingRow:
    return TrainingRow(example.id, example.input, label, answer.rationale, example.choices, answer.label_probabilities)


def _label(example: Example, answer: Annotation, source: str) -> str | None:
    if source == "teacher":
        return answer.label
    if source == "gold":
        return example.label
    return answer.label if example.label is None else example.label


def _controlled(before: Sequence[TrainingRow], after: Sequence[TrainingRow], control: str) -> dict[str, Any]:
    """What a control did: how many rationales stand in place of a row's own, how many of these read as that did, and
    how many were taken away. `words_mean` is of the rationales that are trained on; null where there is none."""
    own = {row.id: row.rationale for row in before}
    left = [row for row in after if row.rationale is not None]
    return {
        "replaced": 0 if control == "own" else len(left),
        "replaced_same_text": 0 if control == "own" else sum(row.rationale == own[row.id] for row in left),
        "taken_away": sum(rationale is not None for rationale in own.values()) - len(left),
        "words_mean": fmean(len((row.rationale or "").split()) for row in left) if left else None,
    }


def _metrics(rows: Sequence[TrainingRow], annotated: int, kept: int, explained: int, wanted: int) -> dict[str, Any]:
    with_rationale = sum(row.rationale is not None for row in rows)
    shares = Counter(row.label for row in rows if not row.choices)
    return {
        "rows": {"annotated": annotated, "kept": kept, "without_label": kept - len(rows), "trained_on": len(rows)},
        "rationale": {
            "available": explained,
            "kept": with_rationale,
            "coverage": with_rationale / len(rows),
            "short": wanted - with_rationale,
        },
        # A task whose labels are numbers or free text has no classes to count.
        "label": {label: count / len(rows) for label, count in shares.items()} if len(shares) <= 50 else {},
    }
