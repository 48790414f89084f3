"""Students that write the rationale and then the label, as one answer (train.mode: single_task).

The label is read behind the student's own rationale: labels are scored, and generated, with the rationale in front.
Rows without a rationale are trained on the label alone, as if the rationale stood before it in the input.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from distill.student.architecture import EncodedRows, GeneratedText, TaskName, decoded_texts
from distill.student.batching import PaddedTokens, SoftLabels, TrainingBatch, padded
from distill.student.decoder_only import DecoderOnly, fronts
from distill.student.encoder_decoder import EncoderDecoder
from distill.student.losses import IGNORED, Losses, sequence_log_probabilities, token_loss
from distill.student.targets import label_targets
from distill.student.tokenizing import NO_LIMIT, encode


class SingleTaskEncoderDecoder(EncoderDecoder):
    """The decoder starts with the rationale's token; the label's token stands between rationale and label."""

    def collate(self, rows: EncodedRows, indices: Sequence[int]) -> TrainingBatch:
        """Targets (answers, tokens): `labels` are IGNORED on the rationale, `rationales` on the label.

        Where labels are soft there is an answer for each. Only the answer with the row's own label has the rationale
        among its targets.
        """
        answers, soft = _answers(rows, indices, [self.starts["label"]])
        starts = [self.starts["rationale" if answer.explained else "label"] for answer in answers]
        pad = self.model.config.pad_token_id
        decoder_ids = [[start, *answer.tokens[:-1]] for start, answer in zip(starts, answers, strict=True)]
        return TrainingBatch(
            PaddedTokens.of([rows.inputs[index] for index in indices], pad),
            padded([answer.label for answer in answers], IGNORED),
            rationales=padded([answer.rationale for answer in answers], IGNORED),
            decoder_ids=padded(decoder_ids, pad),
            soft=soft,
        )

    def forward(self, batch: TrainingBatch) -> Losses:
        assert batch.decoder_ids is not None
        states, mask = self._encoded(batch.inputs), batch.inputs.mask
        if batch.soft is not None:
            states, mask = states[batch.soft.rows], mask[batch.soft.rows]
        return _losses(self._decoded(states, mask, batch.decoder_ids).logits, batch, self.options.label_smoothing)

    def score(self, inputs: Sequence[Sequence[int]], candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        written, _ = self._continued(inputs, "rationale", self.plan.max_rationale_tokens)
        ends = (self.starts["label"], self.model.config.eos_token_id)
        fronts = [[self.starts["rationale"], *_until(row, ends), self.starts["label"]] for row in written.tolist()]
        texts = list(dict.fromkeys(itertools.chain(*candidates)))
        tokens = dict(zip(texts, encode(self.tokenizer, texts, NO_LIMIT, target=True)[0], strict=True))
        pairs = [(front, tokens[text]) for front, row in zip(fronts, candidates, strict=True) for text in row]
        read = self._padded(inputs)
        counts = [len(row) for row in candidates]
        rows = torch.repeat_interleave(torch.tensor(counts)).to(read.ids.device)
        pad = self.model.config.pad_token_id
        decoder_ids = padded([[*front, *label[:-1]] for front, label in pairs], pad).to(rows.device)
        targets = padded([[IGNORED] * (len(front) - 1) + label for front, label in pairs], IGNORED).to(rows.device)
        logits = self._decoded(self._encoded(read)[rows], read.mask[rows], decoder_ids).logits
        return list(sequence_log_probabilities(logits, targets).split(counts))

    def generate(self, inputs: Sequence[Sequence[int]], task: TaskName) -> list[GeneratedText]:
        most = self.plan.max_rationale_tokens + (1 + self.plan.max_label_tokens) * (task == "label")
        tokens, logits = self._continued(inputs, "rationale", most)
        behind = _behind(tokens, [self.starts["label"]])
        return decoded_texts(self.tokenizer, tokens, logits, behind if task == "label" else ~behind)


class SingleTaskDecoderOnly(DecoderOnly):
    """The prompt ends with the rationale's mark; the label's mark stands between rationale and label."""

    def collate(self, rows: EncodedRows, indices: Sequence[int]) -> TrainingBatch:
        """Targets as in SingleTaskEncoderDecoder."""
        rationale_inputs = rows.rationale_inputs or rows.inputs
        answers, soft = _answers(rows, indices, self.marks["label"])
        prompts = [(rationale_inputs if answer.explained else rows.inputs)[answer.row] for answer in answers]
        inputs, _ = self._sequences(prompts, [answer.tokens for answer in answers])
        pairs = [([IGNORED] * front, answer) for front, answer in zip(fronts(prompts), answers, strict=True)]
        return TrainingBatch(
            inputs,
            padded([[*front, *answer.label] for front, answer in pairs], IGNORED),
            rationales=padded([[*front, *answer.rationale] for front, answer in pairs], IGNORED),
            soft=soft,
        )

    def forward(self, batch: TrainingBatch) -> Losses:
        return _losses(self._logits(batch.inputs, batch.labels), batch, self.options.label_smoothing)

    def inputs(self, texts: Sequence[str], task: TaskName) -> list[list[int]]:
        return super().inputs(texts, "rationale")

    def score(self, inputs: Sequence[Sequence[int]], candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        mark = self.marks["label"]
        written, _ = self._continued(inputs, self.plan.max_rationale_tokens + len(mark))
        behind = _behind(written, mark).tolist()
        fronts = []
        for prompt, row, passed in zip(inputs, written.tolist(), behind, strict=True):
            end = passed.index(True) - len(mark) if True in passed else self.plan.max_rationale_tokens
            fronts.append([*prompt, *_until(row[:end], (self.tokenizer.eos_token_id,)), *mark])
        return super().score(fronts, candidates)

    def generate(self, inputs: Sequence[Sequence[int]], task: TaskName) -> list[GeneratedText]:
        mark = self.marks["label"]
        most = self.plan.max_rationale_tokens + len(mark) + self.plan.max_label_tokens * (task == "label")
        tokens, logits = self._continued(inputs, most)
        behind = _behind(tokens, mark)
        if task == "label":
            return decoded_texts(self.tokenizer, tokens, logits, behind)
        # The mark's own tokens belong to neither.
        places = torch.arange(tokens.shape[1], device=tokens.device)
        first = torch.where(behind.any(1), behind.long().argmax(1) - len(mark), tokens.shape[1])
        return decoded_texts(self.tokenizer, tokens, logits, places < first[:, None])


@dataclass(frozen=True)
class _Answer:
    """Tokens of one answer and, of the same length, the targets of its label and of its rationale, mark included.

    row: the number of its row among all rows. explained: whether a rationale is in front.
    """

    row: int
    explained: bool
    tokens: list[int]
    label: list[int]
    rationale: list[int]


def _answers(rows: EncodedRows, indices: Sequence[int], mark: list[int]) -> tuple[list[_Answer], SoftLabels | None]:
    """An answer for every label of every row, and how labels belong to rows (see label_targets)."""
    labels, soft = label_targets(rows, indices)
    places = range(len(indices)) if soft is None else soft.rows.tolist()
    answers, before = [], -1
    for place, label in zip(places, labels, strict=True):
        index = indices[place]
        rationale = rows.rationales[index]
        front = [] if rationale is None else [*rationale[:-1], *mark]
        # Of a row with several labels only the first is trained on the rationale, which would count several times.
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
    return answers, soft


def _losses(logits: Tensor, batch: TrainingBatch, smoothing: float) -> Losses:
    assert batch.rationales is not None
    label = token_loss(logits, batch.labels, batch.label_weights, smoothing)
    return Losses.of(label, token_loss(logits, batch.rationales, smoothing=smoothing))


def _until(row: Sequence[int], ends: Sequence[int]) -> list[int]:
    return list(itertools.takewhile(lambda token: token not in ends, row))


def _behind(tokens: Tensor, mark: Sequence[int]) -> Tensor:
    """(rows, tokens) of bool: behind the first occurrence of `mark`."""
    behind = torch.zeros_like(tokens, dtype=torch.bool)
    wanted = torch.tensor(mark, device=tokens.device)
    for place in range(len(mark), tokens.shape[1]):
        behind[:, place] = behind[:, place - 1] | (tokens[:, place - len(mark) : place] == wanted).all(1)
    return behind
