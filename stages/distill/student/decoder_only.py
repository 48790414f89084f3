"""Decoder-only students: whatever AutoModelForCausalLM loads, with LoRA where `student.lora` asks for it."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase

from distill.rows.records import TrainingRow
from distill.student.architecture import (
    Architecture,
    EncodedRows,
    GeneratedText,
    TaskName,
    decoded_texts,
    write_freely,
)
from distill.student.batching import PaddedTokens, TrainingBatch, padded
from distill.student.losses import IGNORED, Losses, mutual_information, sequence_log_probabilities, token_loss
from distill.student.plan import TASK_MARKS, TASK_PREFIXES, StudentPlan
from distill.student.targets import add_rationales, add_soft_labels, label_targets, own_labels
from distill.student.token_cache import TokenizedTexts, cached
from distill.student.tokenizing import NO_LIMIT, candidate_tokens


class DecoderOnly(Architecture):
    """A mark behind the input tells the task (task token "decoder"), or a prefix in front of it as well.

    A model with a chat template gets the input as the user's message. Only the answer's tokens are trained on.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, plan: StudentPlan):
        super().__init__()
        self.model, self.tokenizer, self.plan = model, tokenizer, plan
        write_freely(model)
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        self.takes = frozenset(inspect.signature(base.forward).parameters)
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token_id = tokenizer.eos_token_id
        self.pad = tokenizer.pad_token_id
        first = tokenizer("a").input_ids[0]
        self.begin = [first] if first == tokenizer.bos_token_id else []
        self.marks = dict(zip(TASK_MARKS, self._plain(list(TASK_MARKS.values())), strict=True))

    def encode(self, rows: Sequence[TrainingRow]) -> EncodedRows:
        texts = [row.input for row in rows]
        inputs, cut = self._prompts(texts, "label")
        labels, _ = self._targets([row.label for row in rows], NO_LIMIT)
        encoded = EncodedRows(inputs, labels, [None] * len(rows), truncated={"input": cut, "rationale": 0})
        add_soft_labels(encoded, rows, self.plan.task_kind, self.plan.classes, self.options, self._targets)
        if not self.plan.explains:
            return encoded
        encoded.rationale_inputs, _ = self._prompts(texts, "rationale")
        add_rationales(encoded, rows, self.plan.max_rationale_tokens, self.options, self._targets)
        return encoded

    def collate(self, rows: EncodedRows, indices: Sequence[int]) -> TrainingBatch:
        """The targets (rows, last tokens) begin where the first answer of the batch does.

        They are moved one to the left, and IGNORED except on the answer. With soft labels there is a sequence for each
        label.
        """
        targets, soft = label_targets(rows, indices)
        places = range(len(indices)) if soft is None else soft.rows.tolist()
        inputs, labels = self._sequences([rows.inputs[indices[place]] for place in places], targets)
        rationales = rows.explained(indices)
        if not rationales or rows.rationale_inputs is None:
            return TrainingBatch(inputs, labels, soft=soft)
        rationale_inputs, rationale_targets = self._sequences(
            [rows.rationale_inputs[indices[place]] for place in rationales], list(rationales.values())
        )
        return TrainingBatch(
            inputs,
            labels,
            rationales=rationale_targets,
            rationale_inputs=rationale_inputs,
            explained=torch.tensor(list(rationales)) if self.options.mutual_information else None,
            soft=soft,
        )

    def forward(self, batch: TrainingBatch) -> Losses:
        labels, rationales, smoothing = batch.labels, batch.rationales, self.options.label_smoothing
        label_logits = self._logits(batch.inputs, labels)
        label = token_loss(label_logits, labels, batch.label_weights, smoothing)
        if rationales is None or batch.rationale_inputs is None:
            return Losses.of(label)
        logits = self._logits(batch.rationale_inputs, rationales)
        rationale = token_loss(logits, rationales, smoothing=smoothing)
        if batch.explained is None:
            return Losses.of(label, rationale)
        own = own_labels(batch.soft, batch.explained)
        return Losses.of(label, rationale, mutual_information(label_logits[own], labels[own], logits, rationales))

    def inputs(self, texts: Sequence[str], task: TaskName) -> list[list[int]]:
        return self._prompts(texts, task)[0]

    def score(self, inputs: Sequence[Sequence[int]], candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        """Each prompt is read once. What a candidate has behind its first token follows in one more pass, which uses
        the keys and values of the prompt."""
        tokens = candidate_tokens(
            candidates, lambda texts: self._targets(texts, NO_LIMIT)[0], self.tokenizer.eos_token_id
        )
        pairs = [(place, ids) for place, row in enumerate(tokens) for ids in row]
        longer = [number for number, (_, ids) in enumerate(pairs) if len(ids) > 1]
        prompts = self._prompted(inputs)
        cache = DynamicCache(config=self.model.config) if longer else None
        logits = self._continuing(prompts.ids, prompts.mask, cache, 1)
        rows = torch.tensor([place for place, _ in pairs], device=prompts.ids.device)
        logs = torch.log_softmax(logits[:, -1].float(), -1)[
            rows, torch.tensor([ids[0] for _, ids in pairs], device=rows.device)
        ]
        if cache is not None:
            numbers = torch.tensor(longer, device=rows.device)
            ids = [pairs[number][1] for number in longer]
            cache.batch_select_indices(rows[numbers])
            begins = padded([row[:-1] for row in ids], self.pad).to(rows.device)
            targets = padded([row[1:] for row in ids], IGNORED).to(rows.device)
            seen = torch.cat([prompts.mask[rows[numbers]], torch.ones_like(begins)], 1)
            logits = self._continuing(begins, seen, cache, begins.shape[1])
            logs[numbers] += sequence_log_probabilities(logits, targets)
        return list(logs.split([len(row) for row in candidates]))

    def generate(self, inputs: Sequence[Sequence[int]], task: TaskName) -> list[GeneratedText]:
        most = self.plan.max_label_tokens if task == "label" else self.plan.max_rationale_tokens
        return decoded_texts(self.tokenizer, *self._continued(inputs, most))

    def embeddings(self) -> list[nn.Parameter]:
        tables = [self.model.get_input_embeddings(), self.model.get_output_embeddings()]
        return list({id(module.weight): module.weight for module in tables if module is not None}.values())

    def save(self, folder: Path) -> None:
        """LoRA's weights are merged into the model's, so that the folder loads without peft."""
        if hasattr(self.model, "merge_and_unload"):
            self.model = self.model.merge_and_unload()
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    def _plain(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of the texts alone, without special tokens."""
        if not texts:
            return []
        return cached(
            lambda: (self.tokenizer(list(texts), add_special_tokens=False)["input_ids"], 0),
            self.tokenizer,
            texts,
            ("plain",),
        )[0]

    def _targets(self, texts: Sequence[str], most: int) -> TokenizedTexts:
        end = self.tokenizer.eos_token_id
        ids = self._plain([f" {text}" if text else "" for text in texts])
        return [[*row[: most - 1], end] for row in ids], sum(len(row) >= most for row in ids)

    def _prompts(self, texts: Sequence[str], task: TaskName) -> TokenizedTexts:
        """The mark, and what a chat template adds, come on top of `max_input_tokens`.

        A prompt is tokenized as one text, mark included, so that a plain `tokenizer(prompt)` gives the same tokens.
        """
        most = self.plan.max_input_tokens
        prompts = [TASK_PREFIXES[task] + text for text in texts] if self.plan.by_prefix else list(texts)
        ids = self._plain(prompts)
        long = [index for index, row in enumerate(ids) if len(row) > most]
        for index in long:
            prompts[index] = self.tokenizer.decode(ids[index][:most])
        if self.tokenizer.chat_template and prompts:
            chats = [[{"role": "user", "content": text}] for text in prompts]
            prompts = self.tokenizer.apply_chat_template(chats, add_generation_prompt=True, tokenize=False)
        begin = [] if self.tokenizer.chat_template else self.begin
        return [[*begin, *row] for row in self._plain([text + TASK_MARKS[task] for text in prompts])], len(long)

    def _prompted(self, inputs: Sequence[Sequence[int]]) -> PaddedTokens:
        """Prompts padded at the left, so that every answer begins in the same place."""
        backwards = PaddedTokens.of([list(reversed(row)) for row in inputs], self.pad)
        return backwards.mapped(lambda tensor: tensor.flip(1)).to(self.model.device)

    def _continued(self, inputs: Sequence[Sequence[int]], most: int) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Greedily chosen tokens (rows, tokens) behind the prompts, and the logits of each place."""
        prompts = self._prompted(inputs)
        output = self.model.generate(
            input_ids=prompts.ids,
            attention_mask=prompts.mask,
            max_new_tokens=most,
            do_sample=False,
            num_beams=1,
            pad_token_id=self.pad,
            eos_token_id=self.tokenizer.eos_token_id,
            return_dict_in_generate=True,
            output_logits=True,
        )
        return output.sequences[:, -len(output.logits) :], output.logits

    def _sequences(
        self, prompts: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]
    ) -> tuple[PaddedTokens, Tensor]:
        """What is read, prompt and answer without its last token, and the targets (rows, last tokens)."""
        read = [[*prompt, *target[:-1]] for prompt, target in zip(prompts, targets, strict=True)]
        labels = [[*[IGNORED] * front, *target] for front, target in zip(fronts(prompts), targets, strict=True)]
        return PaddedTokens.of(read, self.pad), padded(labels, IGNORED)

    def _logits(self, inputs: PaddedTokens, targets: Tensor) -> Tensor:
        """Of the places of the targets alone: those of the prompts would be many times as large, and are not needed."""
        return self._continuing(inputs.ids, inputs.mask, None, targets.shape[1])

    def _continuing(self, input_ids: Tensor, seen: Tensor, cache: DynamicCache | None, last: int) -> Tensor:
        """Logits (rows, `last` tokens, vocabulary) behind what is in the cache.

        `seen` (rows, tokens) is the mask of both, cache and input.
        """
        extra = {"position_ids": (seen.cumsum(1) - 1).clamp(min=0)[:, -input_ids.shape[1] :], "logits_to_keep": last}
        extra = {name: value for name, value in extra.items() if name in self.takes}
        output = self.model(
            input_ids=input_ids, attention_mask=seen, past_key_values=cache, use_cache=cache is not None, **extra
        )
        return output.logits[:, -last:]


def fronts(prompts: Sequence[Sequence[int]]) -> list[int]:
    """Places in front of each answer, counted from where the first of the batch begins: behind the shortest prompt."""
    shortest = min(map(len, prompts), default=0)
    return [len(prompt) - shortest for prompt in prompts]
