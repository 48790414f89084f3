"""From the teacher's answers to the rows that the student trains on."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from distill.answers.matching import same_label
from distill.errors import DataError
from distill.rows.permutation import seeded_order, share
from distill.rows.records import Annotation, Example, TrainingRow
from distill.selection.controls import RATIONALE_KINDS
from distill.selection.strategies import STRATEGIES
from distill.settings.subsample import SubsampleSettings


def training_set(
    examples: Sequence[Example], annotations: Sequence[Annotation], settings: SubsampleSettings, kind: str
) -> tuple[list[TrainingRow], dict[str, Any]]:
    """Rows with a label, of which round(explanation_rate * rows) keep their rationale, and the metrics.

    The data share is taken first, of all annotated rows, in seeded order; rows without a label, and rows that the
    teacher got wrong where these are not wanted, are then left out and counted. The rate is a share of the rows that
    are trained on, and is taken from those that have a rationale: where they are too few, all keep theirs and
    `rationale.short` says how many are missing. A control (`rationales`) comes after that, on a share of the rationales
    that a larger one has too, and then the cut after so many words. `kind` is what a label is (task.table.kind). Raises
    DataError when the two inputs are not of the same rows or no row has a label.
    """
    answers = {annotation.id: annotation for annotation in annotations}
    if answers.keys() != {example.id for example in examples}:
        raise DataError("the prepared and the annotated train rows are not the same; run `dvc repro annotate`")
    kept = seeded_order(examples, settings.seed, "data share")[: share(len(examples), settings.data_share)]
    rows, wrong = [], 0
    for example in kept:
        answer = answers[example.id]
        label = _label(example, answer, settings.labels)
        if settings.teacher_errors == "drop" and _is_wrong(example, answer, kind):
            wrong += 1
        elif label is not None:
            rows.append(_row(example, answer, label))
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
    changed, replaced = _changed(rows, settings)
    training_rows = [_shortened(row, settings.rationale_words) for row in changed]
    metrics = _metrics(training_rows, len(examples), len(kept), len(explained), wanted)
    metrics["rows"] |= {"without_label": len(kept) - wrong - len(rows), "teacher_wrong": wrong}
    lengths = [len(row.rationale.split()) for row in training_rows if row.rationale is not None]
    metrics["rationale"] |= _controlled(rows, changed, replaced) | {
        "shortened": sum(old != new for old, new in zip(changed, training_rows, strict=True)),
        "words_mean": fmean(lengths) if lengths else None,
    }
    return training_rows, metrics


def _changed(rows: Sequence[TrainingRow], settings: SubsampleSettings) -> tuple[list[TrainingRow], set[str]]:
    """The rows after the control, and the ids of those whose rationales it changed."""
    if settings.rationales == "own":
        return list(rows), set()
    controlled = {row.id: row for row in RATIONALE_KINDS[settings.rationales](rows, settings.seed)}
    order = seeded_order([row for row in rows if row.rationale is not None], settings.seed, "exchanged rationales")
    replaced = {row.id for row in order[: share(len(order), settings.changed_share)]}
    return [controlled[row.id] if row.id in replaced else row for row in rows], replaced


def _shortened(row: TrainingRow, most_words: int | None) -> TrainingRow:
    words = (row.rationale or "").split()
    if most_words is None or len(words) <= most_words:
        return row
    return dataclasses.replace(row, rationale=" ".join(words[:most_words]))


def _is_wrong(example: Example, answer: Annotation, kind: str) -> bool:
    return None not in (example.label, answer.label) and not same_label(kind, example.label or "", answer.label)


def _row(example: Example, answer: Annotation, label: str) -> TrainingRow:
    return TrainingRow(example.id, example.input, label, answer.rationale, example.choices, answer.label_probabilities)


def _label(example: Example, answer: Annotation, source: str) -> str | None:
    if source == "teacher":
        return answer.label
    if source == "gold":
        return example.label
    return answer.label if example.label is None else example.label


def _controlled(before: Sequence[TrainingRow], after: Sequence[TrainingRow], replaced: set[str]) -> dict[str, Any]:
    """What a control did: how many rationales stand in place of a row's own, how many of these read as that did, and
    how many were taken away."""
    own = {row.id: row.rationale for row in before}
    left = [row for row in after if row.rationale is not None]
    return {
        "replaced": sum(row.id in replaced for row in left),
        "replaced_same_text": sum(row.id in replaced and row.rationale == own[row.id] for row in left),
        "taken_away": sum(rationale is not None for rationale in own.values()) - len(left),
    }


def _metrics(rows: Sequence[TrainingRow], annotated: int, kept: int, explained: int, wanted: int) -> dict[str, Any]:
    with_rationale = sum(row.rationale is not None for row in rows)
    shares = Counter(row.label for row in rows if not row.choices)
    return {
        "rows": {"annotated": annotated, "kept": kept, "trained_on": len(rows)},
        "rationale": {
            "available": explained,
            "kept": with_rationale,
            "coverage": with_rationale / len(rows),
            "short": wanted - with_rationale,
        },
        # A task whose labels are numbers or free text has no classes to count.
        "label": {label: count / len(rows) for label, count in shares.items()} if len(shares) <= 50 else {},
    }
