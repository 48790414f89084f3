"""From training rows to what the student is to write: labels, hard or soft, and rationales."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from distill.answers.matching import same_label
from distill.rows.records import TrainingRow
from distill.student.architecture import Batch, Encoded
from distill.student.losses import LossOptions
from distill.student.tokenizing import NO_LIMIT

# Texts and the most tokens of each -> token ids, and how many texts were cut.
Tokenize = Callable[[Sequence[str], int], tuple[list[list[int]], int]]


def soft_target(row: TrainingRow, kind: str, classes: Sequence[str], share: float) -> list[tuple[str, float]]:
    """(label, its part of the target) of each label with a part, the row's own first; the parts sum up to 1: the
    teacher's own doubt as a target (arXiv 1503.02531, section 2).

    The teacher's probabilities have `share` of it, the row's label the rest, and all where they are not known. What
    they leave of 1 goes evenly to the row's choices, or the task's classes, that they do not name. Hinton et al. soften
    with a temperature; what is known of a teacher behind an API are probabilities as they stand, or votes.
    """
    parts: dict[str, float] = {}
    for label, probability in row.label_probabilities.items():
        label = row.label if same_label(kind, row.label, label) else label
        parts[label] = parts.get(label, 0.0) + probability
    rest = max(1 - sum(parts.values()), 0.0)
    unnamed = [label for label in row.choices or classes if label not in parts] if parts else []
    parts |= {label: rest / len(unnamed) for label in unnamed}
    total = sum(parts.values())
    if not total:
        return [(row.label, 1.0)]
    own = 1 - share + share * parts.pop(row.label, 0.0) / total
    return [(row.label, own), *((label, share * part / total) for label, part in parts.items() if share * part)]


def soften_labels(
    encoded: Encoded,
    rows: Sequence[TrainingRow],
    kind: str,
    classes: Sequence[str],
    options: LossOptions,
    tokenize: Tokenize,
) -> None:
    """Fills `soft_labels`, where they are on."""
    if not options.soft_labels:
        return
    targets = [soft_target(row, kind, classes, options.soft_labels) for row in rows]
    texts = list(dict.fromkeys(label for target in targets for label, _ in target))
    ids = dict(zip(texts, tokenize(texts, NO_LIMIT)[0], strict=True))
    encoded.soft_labels = [[(ids[label], part) for label, part in target] for target in targets]


def add_rationales(
    encoded: Encoded, rows: Sequence[TrainingRow], most: int, options: LossOptions, tokenize: Tokenize
) -> None:
    """Fills all of `encoded` that is of rationales but their inputs."""
    texts = {place: row.rationale for place, row in enumerate(rows) if row.rationale is not None}
    if options.missing_rationale == "empty":
        texts = {place: row.rationale or "" for place, row in enumerate(rows)}
        encoded.empty_rationales = sum(row.rationale is None for row in rows)
    ids, encoded.truncated["rationale"] = tokenize(list(texts.values()), most)
    by_place = dict(zip(texts, ids, strict=True))
    encoded.rationales = [by_place.get(place) for place in range(len(rows))]


def label_batch(rows: Encoded, indices: Sequence[int]) -> tuple[list[list[int]], Batch]:
    """The labels to write, and how they belong to the rows of the batch; nothing of that where each row has one.

    `label_rows` (labels,) is the row of each, `label_weights` (labels, 1) its part of the row's target. A row's own
    label comes first.
    """
    if rows.soft_labels is None:
        return [rows.labels[index] for index in indices], {}
    made = [(place, *label) for place, index in enumerate(indices) for label in rows.soft_labels[index]]
    of, labels, weights = zip(*made, strict=True)
    return list(labels), {"label_rows": torch.tensor(of), "label_weights": torch.tensor(weights).unsqueeze(1)}


def own_labels(label_rows: Tensor | None, rows: Tensor) -> Tensor:
    """The places among the labels of the own labels of `rows`; (rows,), both in a batch of `label_batch`."""
    return rows if label_rows is None else torch.searchsorted(label_rows, rows)


def padded_weights(rows: Iterable[Sequence[float]]) -> Tensor:
    """(rows, longest) of float32, filled up at the right with 0."""
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(row, dtype=torch.float32) for row in rows], batch_first=True)
