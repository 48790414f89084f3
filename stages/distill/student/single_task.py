"""Students that write the rationale and then the label, as one answer (train.mode: single_task).

The label is read behind the student's own rationale: labels are scored, and generated, with that in front.
Rows without a rationale are trained on the label alone, as if the rationale had been given.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from distill.student.architecture import Batch, Encoded, Generated, TaskName, generated
from distill.student.batching import mask, padded
from distill.student.decoder_only import DecoderOnly, fronts
from distill.student.encoder_decoder import EncoderDecoder
from distill.student.losses import IGNORED, Losses, sequence_log_probabilities, token_loss
from distill.student.targets import label_batch
from distill.student.tokenizing import NO_LIMIT, encode


class SingleTaskEncoderDecoder(EncoderDecoder):
    """The decoder starts with the rationale's token; the label's token stands between rationale and label."""

    def collate(self, rows: Encoded, indices: Sequence[int]) -> Batch:
        inputs = [rows.inputs[index] for index in indices]
        answers, shares = _answers(rows, indices, [self.starts["label"]])
        starts = [self.starts["rationale" if answer.explained else "label"] for answer in answers]
        pad = self.model.config.pad_token_id
        batch = {
            "input_ids": padded(inputs, pad),
            "attention_mask": mask(inputs),
            "decoder_input_ids": padded(
                [[start, *answer.tokens[:-1]] for start, answer in zip(starts, answers, strict=True)], pad
            ),
            "labels": padded([answer.label for answer in answers], IGNORED),
            "rationales": padded([answer.rationale for answer in answers], IGNORED),
        }
        return batch | shares

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        labels: Tensor,
        rationales: Tensor | None = None,
        decoder_input_ids: Tensor | None = None,
        label_rows: Tensor | None = None,
        label_weights: Tensor | None = None,
        **_: Any,
    ) -> Losses:
        """Targets (rows, tokens) of one answer: `labels` are IGNORED on the rationale, `rationales` on the label.

        Where labels are soft there is an answer for each, and the row's own alone has the rationale among its targets.
        """
        assert decoder_input_ids is not None and rationales is not None
        states = self._encoded(input_ids, attention_mask)
        if label_rows is not None:
            states, attention_mask = states[label_rows], attention_mask[label_rows]
        logits = self._decoded(states, attention_mask, decoder_input_ids).logits
        smoothing = self.options.label_smoothing
        return Losses.of(
            token_loss(logits, labels, label_weights, smoothing), token_loss(logits, rationales, smoothing=smoothing)
        )

    def score(self, inputs: Sequence[Sequence[int]], candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        written, _ = self._continued(inputs, "rationale", self.plan.max_rationale_tokens)
        ends = (self.starts["label"], self.model.config.eos_token_id)
        fronts = [[self.starts["rationale"], *_until(row, ends), self.starts["label"]] for row in written.tolist()]
        texts = list(dict.fromkeys(itertools.chain(*candidates)))
        tokens = dict(zip(texts, encode(self.tokenizer, texts, NO_LIMIT, target=True)[0], strict=True))
        pairs = [(front, tokens[text]) for front, row in zip(fronts, candidates, strict=True) for text in row]
        input_ids, attention_mask = self._tensors(inputs)
        counts = [len(row) for row in candidates]
        rows = torch.repeat_interleave(torch.tensor(counts)).to(input_ids.device)
        decoder_ids = padded([[*front, *label[:-1]] for front, label in pairs], self.model.config.pad_token_id).to(
            input_ids.device
        )
        targets = padded([[IGNORED] * (len(front) - 1) + label for front, label in pairs], IGNORED).to(input_ids.device)
        states = self._encoded(input_ids, attention_mask)
        logits = self._decoded(states[rows], attention_mask[rows], decoder_ids).logits
        return list(sequence_log_probabilities(logits, targets).split(counts))

    def generate(self, inputs: Sequence[Sequence[int]], task: TaskName) -> list[Generated]:
        most = self.plan.max_rationale_tokens + (1 + self.plan.max_label_tokens) * (task == "label")
        tokens, logits = self._continued(inputs, "rationale", most)
        behind = _behind(tokens, [self.starts["label"]])
        return generated(self.tokenizer, tokens, logits, behind if task == "label" else ~behind)


class SingleTaskDecoderOnly(DecoderOnly):
    """The prompt ends with the rationale's mark; the label's mark stands between rationale and label."""

    def collate(self, rows: Encoded, indices: Sequence[int]) -> Batch:
        asked = rows.rationale_inputs or rows.inputs
        answers, shares = _answers(rows, indices, self.marks["label"])
        prompts = [(asked if answer.explained else rows.inputs)[answer.row] for answer in answers]
        batch = self._sequences(prompts, [answer.tokens for answer in answers])
        pairs = [([IGNORED] * front, answer) for front, answer in zip(fronts(prompts), answers, strict=True)]
        batch["labels"] = padded([[*front, *answer.label] for front, answer in pairs], IGNORED)
        batch["rationales"] = padded([[*front, *answer.rationale] for front, answer in pairs], IGNORED)
        return batch | shares

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        labels: Tensor,
        rationales: Tensor | None = None,
        label_weights: Tensor | None = None,
        **_: Any,
    ) -> Losses:
        """Targets (rows, tokens) of one answer: `labels` are IGNORED on the rationale, `rationales` on the label.

        Where labels are soft there is an answer for each, and the row's own alone has the rationale among its targets.
        """
        assert rationales is not None
        logits = self._logits(input_ids, attention_mask, labels)
        smoothing = self.options.label_smoothing
        return Losses.of(
            token_loss(logits, labels, label_weights, smoothing), token_loss(logits, rationales, smoothing=smoothing)
        )

    def inputs(self, texts: Sequence[str], task: TaskName) -> list[list[int]]:
        return super().inputs(texts, "rationale")

    def score(self, inputs: Sequence[Sequence[int]], candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        mark = self.marks["label"]
        written, _ = self._continued(inputs, self.plan.max_rationale_tokens + len(mark))
        behind = _behind(written, mark).tolist()
        fronts = []
        for prompt, row, passed in zip(inputs, written.tolist(), behind, strict=True):
            told = row[: passed.index(True) - len(mark)] if True in passed else row[: self.plan.max_rationale_tokens]
            fronts.append([*prompt, *_until(told, (self.tokenizer.eos_token_id,)), *mark])
        return super().score(fronts, candidates)

    def generate(self, inputs: Sequence[Sequence[int]], task: TaskName) -> list[Generated]:
        mark = self.marks["label"]
        most = self.plan.max_rationale_tokens + len(mark) + self.plan.max_label_tokens * (task == "label")
        tokens, logits = self._continued(inputs, most)
        behind = _behind(tokens, mark)
        if task == "label":
            return generated(self.tokenizer, tokens, logits, behind)
        # The mark's own tokens belong to neither.
        places = torch.arange(tokens.shape[1], device=tokens.device)
        first = torch.where(behind.any(1), behind.long().argmax(1) - len(mark), tokens.shape[1])
        return generated(self.tokenizer, tokens, logits, places < first[:, None])


@dataclass(frozen=True)
class _Answer:
    """Tokens of one answer; of as many places, the targets of its label and of its rationale, mark included. `row` is
    the number of its row among all, `explained` whether a rationale is in front."""

    row: int
    explained: bool
    tokens: list[int]
    label: list[int]
    rationale: list[int]


def _answers(rows: Encoded, indices: Sequence[int], mark: list[int]) -> tuple[list[_Answer], Batch]:
    """An answer for every label of every row, and how labels belong to rows (see label_batch)."""
    labels, shares = label_batch(rows, indices)
    places = shares["label_rows"].tolist() if shares else range(len(indices))
    answers, before = [], -1
    for place, label in zip(places, labels, strict=True):
        index = indices[place]
        rationale = rows.rationales[index]
        front = [] if rationale is None else [*rationale[:-1], *mark]
        # Of a row with several labels the first alone is trained on its rationale, which would count several times.
        targets = front if place != before else [IGNORED] * len(front)
        answers.append(
            _Answer(
                row=index,
                explained=rationale is not None,
                tokens=[*front, *label],
                label=[*[IGNORED] * len(front), *label],
                rationale=[*targets, *[IGNORED] * len(label)],
            )
        )
        before = place
    return answers, shares


def _until(row: Sequence[int], ends: Sequence[int]) -> list[int]:
    return list(itertools.takewhile(lambda token: token not in ends, row))


def _behind(tokens: Tensor, mark: Sequence[int]) -> Tensor:
    """(rows, tokens) of bool: behind the first occurrence of `mark`."""
    found = torch.zeros_like(tokens, dtype=torch.bool)
    wanted = torch.tensor(mark, device=tokens.device)
    for place in range(len(mark), tokens.shape[1]):
        found[:, place] = found[:, place - 1] | (tokens[:, place - len(mark) : place] == wanted).all(1)
    return found
