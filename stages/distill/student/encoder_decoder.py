"""Encoder-decoder students: T5, BART and whatever AutoModelForSeq2SeqLM loads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache, EncoderDecoderCache, PreTrainedModel, PreTrainedTokenizerBase
from transformers.modeling_outputs import BaseModelOutput, Seq2SeqLMOutput

from distill.rows.records import TrainingRow
from distill.student.architecture import (
    Architecture,
    Batch,
    Encoded,
    Generated,
    Plan,
    TaskName,
    generated,
    write_freely,
)
from distill.student.batching import cut_by_length, mask, padded
from distill.student.compute import PASS_FLOP
from distill.student.losses import (
    IGNORED,
    Losses,
    mean_loss,
    merged,
    mutual_information,
    sequence_log_probabilities,
    token_loss,
    token_losses,
)
from distill.student.targets import add_rationales, label_batch, own_labels, soften_labels
from distill.student.task_words import PREFIXES, TASK_TOKENS
from distill.student.tokenizing import NO_LIMIT, candidate_tokens, encode


class EncoderDecoder(Architecture):
    """The tasks are told apart by a prefix of the input, or by the token that the decoder starts with.

    With the prefix an input is encoded once a task. With the decoder's token it is encoded once in all.
    """

    kind = "encoder_decoder"

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, plan: Plan):
        super().__init__()
        self.model, self.tokenizer, self.plan = model, tokenizer, plan
        write_freely(model)
        self.by_prefix = plan.task_token == "prefix" and plan.mode != "single_task"
        self.starts = self._starts()
        # Two targets can stand one behind the other where a place is known by its distance alone, as in T5.
        self.at_once = not self.by_prefix and hasattr(model.config, "relative_attention_num_buckets")

    def _starts(self) -> dict[str, int]:
        if self.by_prefix:
            config = self.model.config
            start = config.decoder_start_token_id if config.decoder_start_token_id is not None else config.pad_token_id
            return dict.fromkeys(TASK_TOKENS, start)
        self.tokenizer.add_special_tokens(
            {"extra_special_tokens": list(TASK_TOKENS.values())}, replace_extra_special_tokens=False
        )
        if len(self.tokenizer) > self.model.get_input_embeddings().num_embeddings:
            self.model.resize_token_embeddings(len(self.tokenizer))
        return {task: self.tokenizer.convert_tokens_to_ids(token) for task, token in TASK_TOKENS.items()}

    def encode(self, rows: Sequence[TrainingRow]) -> Encoded:
        texts = [row.input for row in rows]
        inputs, cut_inputs = self._inputs(texts, "label")
        labels, _ = self._targets([row.label for row in rows], NO_LIMIT)
        encoded = Encoded(inputs, labels, [None] * len(rows), truncated={"input": cut_inputs, "rationale": 0})
        soften_labels(encoded, rows, self.plan.task_kind, self.plan.classes, self.options, self._targets)
        if self.plan.mode == "standard":
            return encoded
        add_rationales(encoded, rows, self.plan.max_rationale_tokens, self.options, self._targets)
        if self.by_prefix:
            encoded.rationale_inputs, _ = self._inputs(texts, "rationale")
        return encoded

    def collate(self, rows: Encoded, indices: Sequence[int]) -> Batch:
        inputs = [rows.inputs[index] for index in indices]
        labels, shares = label_batch(rows, indices)
        batch = {
            "input_ids": padded(inputs, self.model.config.pad_token_id),
            "attention_mask": mask(inputs),
            "labels": padded(labels, IGNORED),
        } | shares
        rationales = rows.explained(indices)
        if not rationales:
            return batch
        batch["rationales"] = padded(list(rationales.values()), IGNORED)
        if rows.rationale_inputs is None or self.options.mutual_information:
            batch["explained"] = torch.tensor(list(rationales))
        if self.at_once and rows.soft_labels is None:
            unexplained = [place for place in range(len(indices)) if place not in rationales]
            batch["unexplained"] = torch.tensor(unexplained, dtype=torch.long)
        if rows.rationale_inputs is not None:
            again = [rows.rationale_inputs[indices[place]] for place in rationales]
            batch["rationale_input_ids"] = padded(again, self.model.config.pad_token_id)
            batch["rationale_attention_mask"] = mask(again)
        return batch

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        labels: Tensor,
        rationales: Tensor | None = None,
        explained: Tensor | None = None,
        unexplained: Tensor | None = None,
        rationale_input_ids: Tensor | None = None,
        rationale_attention_mask: Tensor | None = None,
        label_rows: Tensor | None = None,
        label_weights: Tensor | None = None,
        **_: Any,
    ) -> Losses:
        """Ids and masks (rows, tokens); rationales, and their own inputs, only of the rows that have one.

        `explained` (rows with a rationale,) says which rows of `input_ids` those are. With `unexplained`, which tells
        the others, both targets of a row are read at once. Where labels are soft there are more of them than rows, see
        distill.student.targets.label_batch; the encoder's states are shared.
        """
        states = self._encoded(input_ids, attention_mask)
        if unexplained is not None and rationales is not None and explained is not None:
            return self._both(states, attention_mask, labels, rationales, explained, unexplained)
        smoothing = self.options.label_smoothing
        read = (states, attention_mask) if label_rows is None else (states[label_rows], attention_mask[label_rows])
        label_logits = self._logits(*read, labels, "label")
        label = token_loss(label_logits, labels, label_weights, smoothing)
        if rationales is None:
            return Losses.of(label)
        if rationale_input_ids is not None and rationale_attention_mask is not None:
            states, attention_mask = (
                self._encoded(rationale_input_ids, rationale_attention_mask),
                rationale_attention_mask,
            )
        elif explained is not None and len(explained) < len(input_ids):
            states, attention_mask = states[explained], attention_mask[explained]
        logits = self._logits(states, attention_mask, rationales, "rationale")
        rationale = token_loss(logits, rationales, smoothing=smoothing)
        if not self.options.mutual_information or explained is None:
            return Losses.of(label, rationale)
        own = own_labels(label_rows, explained)
        return Losses.of(label, rationale, mutual_information(label_logits[own], labels[own], logits, rationales))

    def _both(
        self,
        states: Tensor,
        attention_mask: Tensor,
        labels: Tensor,
        rationales: Tensor,
        explained: Tensor,
        unexplained: Tensor,
    ) -> Losses:
        """The losses where both targets of a row are read in one pass of the decoder, which so makes its keys and
        values of the encoder's states once. A token sees those before it of its own task. Rows without a rationale are
        read apart.
        """
        smoothing, alone = self.options.label_smoothing, None
        if len(unexplained):
            logits = self._logits(states[unexplained], attention_mask[unexplained], labels[unexplained], "label")
            alone = token_loss(logits, labels[unexplained], None, smoothing)
            states, attention_mask, labels = states[explained], attention_mask[explained], labels[explained]
        targets, size = torch.cat([labels, rationales], 1), labels.shape[1]
        read = torch.cat([self._shifted(labels, "label"), self._shifted(rationales, "rationale")], 1)
        task = torch.arange(read.shape[1], device=read.device) >= size
        logits = self._decoded(states, attention_mask, read, sees=(task[:, None] == task).tril()[None, None]).logits
        # One cross-entropy: a slice of the logits would be as large again in the backward pass.
        each = token_losses(logits, targets, smoothing)
        label, rationale = mean_loss(each[:, :size], labels), mean_loss(each[:, size:], rationales)
        label = merged(label, alone) if alone else label
        if not self.options.mutual_information:
            return Losses.of(label, rationale)
        return Losses.of(label, rationale, mutual_information(logits[:, :size], labels, logits[:, size:], rationales))

    def inputs(self, texts: Sequence[str], task: TaskName) -> list[list[int]]:
        return self._inputs(texts, task)[0]

    def score(self, inputs: Sequence[Sequence[int]], candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        """The encoder reads each row once, and so does the decoder what all candidates share: the start, and its
        keys and values of the encoder's states. What a candidate has behind its first token follows in one pass, or a
        few where lengths differ much."""
        input_ids, attention_mask = self._tensors(inputs)
        tokens = candidate_tokens(
            candidates, lambda texts: self._targets(texts, NO_LIMIT)[0], self.tokenizer.eos_token_id
        )
        pairs = [(place, ids) for place, row in enumerate(tokens) for ids in row]
        rows = torch.tensor([place for place, _ in pairs], device=input_ids.device)
        states = self._encoded(input_ids, attention_mask)
        begun = self._begun(states, attention_mask)
        logs = torch.log_softmax(begun.logits[:, -1].float(), -1)[
            rows, torch.tensor([ids[0] for _, ids in pairs], device=rows.device)
        ]
        worth = PASS_FLOP.get(rows.device.type, math.inf) / sum(parameter.numel() for parameter in self.parameters())
        longer = [number for number, (_, ids) in enumerate(pairs) if len(ids) > 1]
        for part in cut_by_length([[len(pairs[number][1])] for number in longer], worth) if longer else []:
            chosen = torch.tensor([longer[place] for place in part], device=rows.device)
            ids = [pairs[number][1] for number in chosen.tolist()]
            read = padded([row[:-1] for row in ids], self.model.config.pad_token_id).to(rows.device)
            targets = padded([row[1:] for row in ids], IGNORED).to(rows.device)
            logits = self._decoded(
                states[rows[chosen]], attention_mask[rows[chosen]], read, _of_rows(begun.past_key_values, rows[chosen])
            ).logits
            logs[chosen] += sequence_log_probabilities(logits, targets)
        return list(logs.split([len(row) for row in candidates]))

    def generate(self, inputs: Sequence[Sequence[int]], task: TaskName) -> list[Generated]:
        limits = {"label": self.plan.max_label_tokens, "rationale": self.plan.max_rationale_tokens}
        return generated(self.tokenizer, *self._continued(inputs, task, limits[task]))

    def embeddings(self) -> list[nn.Parameter]:
        found = [self.model.get_input_embeddings(), self.model.get_output_embeddings()]
        return list({id(module.weight): module.weight for module in found if module is not None}.values())

    def save(self, folder: Path) -> None:
        """The label's start token becomes the model's own, so that a plain `generate` answers with a label."""
        self.model.config.decoder_start_token_id = self.starts["label"]
        self.model.generation_config.decoder_start_token_id = self.starts["label"]
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    def _inputs(self, texts: Sequence[str], task: TaskName) -> tuple[list[list[int]], int]:
        prefix = PREFIXES[task] if self.by_prefix else ""
        return encode(self.tokenizer, [prefix + text for text in texts], self.plan.max_input_tokens)

    def _targets(self, texts: Sequence[str], most: int) -> tuple[list[list[int]], int]:
        return encode(self.tokenizer, texts, most, target=True)

    def _tensors(self, inputs: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        device = self.model.device
        return padded(inputs, self.model.config.pad_token_id).to(device), mask(inputs).to(device)

    def _encoded(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.model.get_encoder()(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    def _continued(
        self, inputs: Sequence[Sequence[int]], task: TaskName, most: int
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Greedily chosen tokens (rows, tokens), without the start, and the logits of each place."""
        input_ids, attention_mask = self._tensors(inputs)
        made = self.model.generate(
            input_ids=input_ids,
            attention_mask=attention_mask,
            decoder_start_token_id=self.starts[task],
            max_new_tokens=most,
            do_sample=False,
            num_beams=1,
            return_dict_in_generate=True,
            output_logits=True,
        )
        return made.sequences[:, 1:], made.logits

    def _logits(self, states: Tensor, attention_mask: Tensor, targets: Tensor, task: TaskName) -> Tensor:
        return self._decoded(states, attention_mask, self._shifted(targets, task)).logits

    def _shifted(self, targets: Tensor, task: TaskName) -> Tensor:
        shifted = targets.new_full(targets.shape, self.starts[task])
        shifted[:, 1:] = targets[:, :-1].masked_fill(targets[:, :-1] == IGNORED, self.model.config.pad_token_id)
        return shifted

    def _begun(self, states: Tensor, attention_mask: Tensor) -> Seq2SeqLMOutput:
        """The decoder behind the label's start token: logits (rows, 1, vocabulary), and what it keeps of the rows."""
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        return self._decoded(
            states, attention_mask, states.new_full((len(states), 1), self.starts["label"], dtype=torch.long), cache
        )

    def _decoded(
        self,
        states: Tensor,
        attention_mask: Tensor,
        decoder_input_ids: Tensor,
        cache: EncoderDecoderCache | None = None,
        sees: Tensor | None = None,
    ) -> Seq2SeqLMOutput:
        # Padding stands at the right and attention is causal, so the decoder needs no mask of its own.
        return self.model(
            encoder_outputs=BaseModelOutput(last_hidden_state=states),
            attention_mask=attention_mask,
            decoder_input_ids=decoder_input_ids,
            decoder_attention_mask=sees,
            past_key_values=cache,
            use_cache=cache is not None,
        )


def _of_rows(cache: EncoderDecoderCache, rows: Tensor) -> EncoderDecoderCache:
    """What the decoder keeps, of some rows, which may be there several times."""
    chosen = DynamicCache(), DynamicCache()
    for kept, copy in zip((cache.self_attention_cache, cache.cross_attention_cache), chosen, strict=True):
        for number, layer in enumerate(kept.layers):
            copy.update(layer.keys[rows], layer.values[rows], number)
    return EncoderDecoderCache(*chosen)
