"""Encoder-decoder students: T5, BART and whatever AutoModelForSeq2SeqLM loads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import DynamicCache, EncoderDecoderCache, PreTrainedModel, PreTrainedTokenizerBase
from transformers.modeling_outputs import BaseModelOutput, Seq2SeqLMOutput

from distill.rows.records import TrainingRow
from distill.student.architecture import (
    Architecture,
    EncodedRows,
    GeneratedText,
    TaskName,
    decoded_texts,
    write_freely,
)
from distill.student.batching import PaddedTokens, TrainingBatch, cut_by_length, padded
from distill.student.compute import PASS_FLOP
from distill.student.losses import (
    IGNORED,
    Losses,
    joint_mean,
    mean_loss,
    mutual_information,
    sequence_log_probabilities,
    token_loss,
    token_losses,
)
from distill.student.plan import TASK_PREFIXES, TASK_TOKENS, StudentPlan
from distill.student.targets import add_rationales, add_soft_labels, label_targets, own_labels
from distill.student.token_cache import TokenizedTexts
from distill.student.tokenizing import NO_LIMIT, candidate_tokens, encode


class EncoderDecoder(Architecture):
    """A prefix of the input tells the task, or the token that the decoder starts with.

    With the prefix an input is encoded once for each task, with the decoder's token once for both.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, plan: StudentPlan):
        super().__init__()
        self.model, self.tokenizer, self.plan = model, tokenizer, plan
        write_freely(model)
        self.starts = self._starts()
        # Two targets can stand one behind the other where a place is known by its distance alone, as in T5.
        self.reads_both = not plan.by_prefix and hasattr(model.config, "relative_attention_num_buckets")

    def _starts(self) -> dict[str, int]:
        if self.plan.by_prefix:
            config = self.model.config
            start = config.decoder_start_token_id if config.decoder_start_token_id is not None else config.pad_token_id
            return dict.fromkeys(TASK_TOKENS, start)
        self.tokenizer.add_special_tokens(
            {"extra_special_tokens": list(TASK_TOKENS.values())}, replace_extra_special_tokens=False
        )
        if len(self.tokenizer) > self.model.get_input_embeddings().num_embeddings:
            self.model.resize_token_embeddings(len(self.tokenizer))
        return {task: self.tokenizer.convert_tokens_to_ids(token) for task, token in TASK_TOKENS.items()}

    def encode(self, rows: Sequence[TrainingRow]) -> EncodedRows:
        texts = [row.input for row in rows]
        inputs, cut_inputs = self._inputs(texts, "label")
        labels, _ = self._targets([row.label for row in rows], NO_LIMIT)
        encoded = EncodedRows(inputs, labels, [None] * len(rows), truncated={"input": cut_inputs, "rationale": 0})
        add_soft_labels(encoded, rows, self.plan.task_kind, self.plan.classes, self.options, self._targets)
        if not self.plan.explains:
            return encoded
        add_rationales(encoded, rows, self.plan.max_rationale_tokens, self.options, self._targets)
        if self.plan.by_prefix:
            encoded.rationale_inputs, _ = self._inputs(texts, "rationale")
        return encoded

    def collate(self, rows: EncodedRows, indices: Sequence[int]) -> TrainingBatch:
        pad = self.model.config.pad_token_id
        labels, soft = label_targets(rows, indices)
        inputs = PaddedTokens.of([rows.inputs[index] for index in indices], pad)
        rationales = rows.explained(indices)
        if not rationales:
            return TrainingBatch(inputs, padded(labels, IGNORED), soft=soft)
        explained = unexplained = rationale_inputs = None
        if rows.rationale_inputs is None or self.options.mutual_information:
            explained = torch.tensor(list(rationales))
        if self.reads_both and rows.soft_labels is None:
            others = [place for place in range(len(indices)) if place not in rationales]
            unexplained = torch.tensor(others, dtype=torch.long)
        if rows.rationale_inputs is not None:
            rationale_inputs = PaddedTokens.of([rows.rationale_inputs[indices[place]] for place in rationales], pad)
        return TrainingBatch(
            inputs,
            padded(labels, IGNORED),
            rationales=padded(list(rationales.values()), IGNORED),
            rationale_inputs=rationale_inputs,
            explained=explained,
            unexplained=unexplained,
            soft=soft,
        )

    def forward(self, batch: TrainingBatch) -> Losses:
        """Where `batch.unexplained` is there, both targets of a row are read in one pass of the decoder.

        With soft labels there are more labels than rows, and those of a row share the encoder's states.
        """
        states, mask = self._encoded(batch.inputs), batch.inputs.mask
        if batch.unexplained is not None:
            return self._both(states, batch)
        labels, rationales, smoothing = batch.labels, batch.rationales, self.options.label_smoothing
        read = (states, mask) if batch.soft is None else (states[batch.soft.rows], mask[batch.soft.rows])
        label_logits = self._logits(*read, labels, "label")
        label = token_loss(label_logits, labels, batch.label_weights, smoothing)
        if rationales is None:
            return Losses.of(label)
        if batch.rationale_inputs is not None:
            states, mask = self._encoded(batch.rationale_inputs), batch.rationale_inputs.mask
        elif batch.explained is not None and len(batch.explained) < len(states):
            states, mask = states[batch.explained], mask[batch.explained]
        logits = self._logits(states, mask, rationales, "rationale")
        rationale = token_loss(logits, rationales, smoothing=smoothing)
        if not self.options.mutual_information or batch.explained is None:
            return Losses.of(label, rationale)
        own = own_labels(batch.soft, batch.explained)
        return Losses.of(label, rationale, mutual_information(label_logits[own], labels[own], logits, rationales))

    def _both(self, states: Tensor, batch: TrainingBatch) -> Losses:
        """The losses where one pass of the decoder reads both targets of a row.

        So the decoder makes its keys and values of the encoder's states once. A token sees the tokens before it of its
        own task. Rows without a rationale are read apart.
        """
        explained, unexplained, rationales = batch.explained, batch.unexplained, batch.rationales
        assert explained is not None and unexplained is not None and rationales is not None
        mask, labels = batch.inputs.mask, batch.labels
        smoothing, alone = self.options.label_smoothing, None
        if len(unexplained):
            logits = self._logits(states[unexplained], mask[unexplained], labels[unexplained], "label")
            alone = token_loss(logits, labels[unexplained], None, smoothing)
            states, mask, labels = states[explained], mask[explained], labels[explained]
        targets, size = torch.cat([labels, rationales], 1), labels.shape[1]
        read = torch.cat([self._shifted(labels, "label"), self._shifted(rationales, "rationale")], 1)
        task = torch.arange(read.shape[1], device=read.device) >= size
        logits = self._decoded(states, mask, read, sees=(task[:, None] == task).tril()[None, None]).logits
        # One cross-entropy: a slice of the logits would be as large again in the backward pass.
        each = token_losses(logits, targets, smoothing)
        label, rationale = mean_loss(each[:, :size], labels), mean_loss(each[:, size:], rationales)
        label = joint_mean(label, alone) if alone else label
        if not self.options.mutual_information:
            return Losses.of(label, rationale)
        return Losses.of(label, rationale, mutual_information(logits[:, :size], labels, logits[:, size:], rationales))

    def inputs(self, texts: Sequence[str], task: TaskName) -> list[list[int]]:
        return self._inputs(texts, task)[0]

    def score(self, inputs: Sequence[Sequence[int]], candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        """The encoder reads each row once, and the decoder reads once what all candidates share: its start token.

        The tokens behind a candidate's first one follow in one pass, or in a few where lengths differ much.
        """
        read = self._padded(inputs)
        tokens = candidate_tokens(
            candidates, lambda texts: self._targets(texts, NO_LIMIT)[0], self.tokenizer.eos_token_id
        )
        pairs = [(place, ids) for place, row in enumerate(tokens) for ids in row]
        rows = torch.tensor([place for place, _ in pairs], device=read.ids.device)
        states = self._encoded(read)
        start = self._started(states, read.mask)
        logs = torch.log_softmax(start.logits[:, -1].float(), -1)[
            rows, torch.tensor([ids[0] for _, ids in pairs], device=rows.device)
        ]
        worth = PASS_FLOP.get(rows.device.type, math.inf) / sum(parameter.numel() for parameter in self.parameters())
        longer = [number for number, (_, ids) in enumerate(pairs) if len(ids) > 1]
        for part in cut_by_length([[len(pairs[number][1])] for number in longer], worth) if longer else []:
            numbers = torch.tensor([longer[place] for place in part], device=rows.device)
            ids = [pairs[number][1] for number in numbers.tolist()]
            decoder_ids = padded([row[:-1] for row in ids], self.model.config.pad_token_id).to(rows.device)
            targets = padded([row[1:] for row in ids], IGNORED).to(rows.device)
            cache = _of_rows(start.past_key_values, rows[numbers])
            logits = self._decoded(states[rows[numbers]], read.mask[rows[numbers]], decoder_ids, cache).logits
            logs[numbers] += sequence_log_probabilities(logits, targets)
        return list(logs.split([len(row) for row in candidates]))

    def generate(self, inputs: Sequence[Sequence[int]], task: TaskName) -> list[GeneratedText]:
        most = self.plan.max_label_tokens if task == "label" else self.plan.max_rationale_tokens
        return decoded_texts(self.tokenizer, *self._continued(inputs, task, most))

    def embeddings(self) -> list[nn.Parameter]:
        tables = [self.model.get_input_embeddings(), self.model.get_output_embeddings()]
        return list({id(module.weight): module.weight for module in tables if module is not None}.values())

    def save(self, folder: Path) -> None:
        """The label's start token becomes the model's own, so that a plain `generate` answers with a label."""
        self.model.config.decoder_start_token_id = self.starts["label"]
        self.model.generation_config.decoder_start_token_id = self.starts["label"]
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    def _inputs(self, texts: Sequence[str], task: TaskName) -> TokenizedTexts:
        prefix = TASK_PREFIXES[task] if self.plan.by_prefix else ""
        return encode(self.tokenizer, [prefix + text for text in texts], self.plan.max_input_tokens)

    def _targets(self, texts: Sequence[str], most: int) -> TokenizedTexts:
        return encode(self.tokenizer, texts, most, target=True)

    def _padded(self, inputs: Sequence[Sequence[int]]) -> PaddedTokens:
        return PaddedTokens.of(inputs, self.model.config.pad_token_id).to(self.model.device)

    def _encoded(self, inputs: PaddedTokens) -> Tensor:
        return self.model.get_encoder()(input_ids=inputs.ids, attention_mask=inputs.mask).last_hidden_state

    def _continued(
        self, inputs: Sequence[Sequence[int]], task: TaskName, most: int
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Greedily chosen tokens (rows, tokens), without the start, and the logits of each place."""
        read = self._padded(inputs)
        output = self.model.generate(
            input_ids=read.ids,
            attention_mask=read.mask,
            decoder_start_token_id=self.starts[task],
            max_new_tokens=most,
            do_sample=False,
            num_beams=1,
            return_dict_in_generate=True,
            output_logits=True,
        )
        return output.sequences[:, 1:], output.logits

    def _logits(self, states: Tensor, mask: Tensor, targets: Tensor, task: TaskName) -> Tensor:
        return self._decoded(states, mask, self._shifted(targets, task)).logits

    def _shifted(self, targets: Tensor, task: TaskName) -> Tensor:
        """What the decoder reads so that it says `targets`: the same, one later, behind the start token."""
        shifted = targets.new_full(targets.shape, self.starts[task])
        shifted[:, 1:] = targets[:, :-1].masked_fill(targets[:, :-1] == IGNORED, self.model.config.pad_token_id)
        return shifted

    def _started(self, states: Tensor, mask: Tensor) -> Seq2SeqLMOutput:
        """The decoder behind the label's start token: logits (rows, 1, vocabulary), and what it keeps of the rows."""
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        start = states.new_full((len(states), 1), self.starts["label"], dtype=torch.long)
        return self._decoded(states, mask, start, cache)

    def _decoded(
        self,
        states: Tensor,
        mask: Tensor,
        decoder_ids: Tensor,
        cache: EncoderDecoderCache | None = None,
        sees: Tensor | None = None,
    ) -> Seq2SeqLMOutput:
        # Padding stands at the right and attention is causal, so the decoder needs no mask of its own.
        return self.model(
            encoder_outputs=BaseModelOutput(last_hidden_state=states),
            attention_mask=mask,
            decoder_input_ids=decoder_ids,
            decoder_attention_mask=sees,
            past_key_values=cache,
            use_cache=cache is not None,
        )


def _of_rows(cache: EncoderDecoderCache, rows: Tensor) -> EncoderDecoderCache:
    """What the decoder keeps, of some rows, which may occur several times."""
    copies = DynamicCache(), DynamicCache()
    for kept, copy in zip((cache.self_attention_cache, cache.cross_attention_cache), copies, strict=True):
        for number, layer in enumerate(kept.layers):
            copy.update(layer.keys[rows], layer.values[rows], number)
    return EncoderDecoderCache(*copies)
