"""From training rows to what the student is to write: labels, hard or soft, and rationales."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from distill.answers.matching import same_label
from distill.rows.records import TrainingRow
from distill.student.architecture import EncodedRows
from distill.student.batching import SoftLabels
from distill.student.losses import LossOptions
from distill.student.token_cache import TokenizedTexts
from distill.student.tokenizing import NO_LIMIT

# From texts and the most tokens of each.
TargetTokenizer = Callable[[Sequence[str], int], TokenizedTexts]


def soft_target(row: TrainingRow, kind: str, classes: Sequence[str], share: float) -> list[tuple[str, float]]:
    """Each label of a row with its part of the target, the row's own label first. The parts sum up to 1.

    The teacher's own doubt is the target (arXiv 1503.02531, section 2). Its probabilities get `share` of the target,
    the row's label the rest; without probabilities the row's label gets all. What the probabilities leave of 1 goes
    evenly to the row's choices, or the task's classes, that they do not name. Hinton et al. soften with a temperature;
    a teacher behind an API gives probabilities as they stand, or votes.
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


def add_soft_labels(
    encoded: EncodedRows,
    rows: Sequence[TrainingRow],
    kind: str,
    classes: Sequence[str],
    options: LossOptions,
    tokenize: TargetTokenizer,
) -> None:
    """Fills `soft_labels` of `encoded`, where they are on."""
    if not options.soft_labels:
        return
    targets = [soft_target(row, kind, classes, options.soft_labels) for row in rows]
    texts = list(dict.fromkeys(label for target in targets for label, _ in target))
    ids = dict(zip(texts, tokenize(texts, NO_LIMIT)[0], strict=True))
    encoded.soft_labels = [[(ids[label], part) for label, part in target] for target in targets]


def add_rationales(
    encoded: EncodedRows, rows: Sequence[TrainingRow], most: int, options: LossOptions, tokenize: TargetTokenizer
) -> None:
    """Fills what `encoded` holds of rationales, except their inputs. A rationale has at most `most` tokens."""
    texts = {place: row.rationale for place, row in enumerate(rows) if row.rationale is not None}
    if options.missing_rationale == "empty":
        texts = {place: row.rationale or "" for place, row in enumerate(rows)}
        encoded.empty_rationales = sum(row.rationale is None for row in rows)
    ids, encoded.truncated["rationale"] = tokenize(list(texts.values()), most)
    by_place = dict(zip(texts, ids, strict=True))
    encoded.rationales = [by_place.get(place) for place in range(len(rows))]


def label_targets(rows: EncodedRows, indices: Sequence[int]) -> tuple[list[list[int]], SoftLabels | None]:
    """The labels that a batch is to write, and how they belong to its rows; None where each row has one label."""
    if rows.soft_labels is None:
        return [rows.labels[index] for index in indices], None
    weighted = [(place, *label) for place, index in enumerate(indices) for label in rows.soft_labels[index]]
    places, labels, weights = zip(*weighted, strict=True)
    return list(labels), SoftLabels(torch.tensor(places), torch.tensor(weights).unsqueeze(1))


def own_labels(soft: SoftLabels | None, rows: Tensor) -> Tensor:
    """The places of the own labels of `rows` (rows,) among the labels of a batch, (rows,)."""
    return rows if soft is None else torch.searchsorted(soft.rows, rows)


def padded_weights(rows: Iterable[Sequence[float]]) -> Tensor:
    """(rows, longest) of float32, filled up at the right with 0."""
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(row, dtype=torch.float32) for row in rows], batch_first=True)
