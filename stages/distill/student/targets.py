"""From training rows to what the student is to write: labels, hard or soft, and rationales, one or several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from distill.rows.records import TrainingRow
from distill.student.architecture import Batch, Encoded
from distill.student.key_tokens import key_weights
from distill.student.options import Options
from distill.student.soft_labels import soft_target
from distill.student.tokenizing import NO_LIMIT

# Texts and the most tokens of each -> token ids, and how many texts were cut.
Tokenize = Callable[[Sequence[str], int], tuple[list[list[int]], int]]


def soften_labels(encoded: Encoded, rows: Sequence[TrainingRow], kind: str, classes: Sequence[str], options: Options, tokenize: Tokenize) -> None:
    """Fills `soft_labels`, where they are on."""
    if not options.soft_labels:
        return
    targets = [soft_target(row, kind, classes, options.soft_labels) for row in rows]
    texts = list(dict.fromkeys(label for target in targets for label, _ in target))
    ids = dict(zip(texts, tokenize(texts, NO_LIMIT)[0], strict=True))
    encoded.soft_labels = [[(ids[label], part) for label, part in target] for target in targets]


def add_rationales(encoded: Encoded, rows: Sequence[TrainingRow], most: int, options: Options, tokenize: Tokenize) -> None:
    """Fills all of `encoded` that is of rationales but their inputs."""
    told = [_told(row, options) for row in rows]
    ids, encoded.truncated["rationale"] = _tokenized(told, most, tokenize)
    encoded.rationales = [own[0] if own else None for own in ids]
    encoded.empty_rationales = sum(row.rationale is None for row in rows) if options.missing_rationale == "empty" else 0
    if any(len(own) > 1 for own in ids):
        encoded.other_rationales = [own[1:] for own in ids]
    if options.key_token_weight != 1:
        contrary, _ = _tokenized([row.contrary_rationales for row in rows], most, tokenize)
        written = [own if row.rationale else [] for row, own in zip(rows, ids, strict=True)]
        weights = key_weights(rows, written, contrary, options.key_token_weight)
        encoded.rationale_weights = [own or [[1.0] * len(one) for one in all_] for own, all_ in zip(weights, ids, strict=True)]


def label_batch(rows: Encoded, indices: Sequence[int]) -> tuple[list[list[int]], Batch]:
    """The labels to write, and how they belong to the rows of the batch; nothing of that where each row has one.

    `label_rows` (labels,) is the row of each, `label_weights` (labels, 1) its part of the row's target. A row's own
    label comes first.
    """
    if rows.soft_labels is None:
        return [rows.labels[rows.row(index)] for index in indices], {}
    made = [(place, *label) for place, index in enumerate(indices) for label in rows.soft_labels[rows.row(index)]]
    of, labels, weights = zip(*made, strict=True)
    return list(labels), {"label_rows": torch.tensor(of), "label_weights": torch.tensor(weights).unsqueeze(1)}


def own_labels(label_rows: Tensor | None, rows: Tensor) -> Tensor:
    """The places among the labels of the own labels of `rows`; (rows,), both in a batch of `label_batch`."""
    return rows if label_rows is None else torch.searchsorted(label_rows, rows)


def _told(row: TrainingRow, options: Options) -> tuple[str, ...]:
    if row.rationale is None:
        return ("",) if options.missing_rationale == "empty" else ()
    return (row.rationale, *row.other_rationales)


def _tokenized(texts: Sequence[Sequence[str]], most: int, tokenize: Tokenize) -> tuple[list[list[list[int]]], int]:
    flat, cut = tokenize([text for some in texts for text in some], most)
    ids = iter(flat)
    return [[next(ids) for _ in some] for some in texts], cut


def padded_weights(rows: Iterable[Sequence[float]]) -> Tensor:
    """(rows, longest) of float32, filled up at the right with 0."""
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(row, dtype=torch.float32) for row in rows], batch_first=True)
