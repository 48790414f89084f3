"""Decoder-only students: whatever AutoModelForCausalLM loads, with LoRA where `student.lora` asks for it."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase

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
from distill.student.batching import mask, padded
from distill.student.losses import IGNORED, Losses, mutual_information, sequence_log_probabilities, token_loss
from distill.student.targets import add_rationales, label_batch, own_labels, soften_labels
from distill.student.task_words import MARKS, PREFIXES
from distill.student.token_cache import cached
from distill.student.tokenizing import NO_LIMIT, candidate_tokens


class DecoderOnly(Architecture):
    """The task is told by a mark behind the input (task token "decoder"), or by a prefix in front of it as well.

    A model with a chat template gets the input as the user's message. Only the answer's tokens are trained on.
    """

    kind = "decoder_only"

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, plan: Plan):
        super().__init__()
        self.model, self.tokenizer, self.plan = model, tokenizer, plan
        write_freely(model)
        whole = model.get_base_model() if hasattr(model, "get_base_model") else model
        self.takes = frozenset(inspect.signature(whole.forward).parameters)
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token_id = tokenizer.eos_token_id
        self.by_prefix = plan.task_token == "prefix" and plan.mode != "single_task"
        self.pad = tokenizer.pad_token_id
        first = tokenizer("a").input_ids[0]
        self.begin = [first] if first == tokenizer.bos_token_id else []
        self.marks = dict(zip(MARKS, self._plain(list(MARKS.values())), strict=True))

    def encode(self, rows: Sequence[TrainingRow]) -> Encoded:
        texts = [row.input for row in rows]
        inputs, cut = self._prompts(texts, "label")
        labels, _ = self._targets([row.label for row in rows], NO_LIMIT)
        encoded = Encoded(inputs, labels, [None] * len(rows), truncated={"input": cut, "rationale": 0})
        soften_labels(encoded, rows, self.plan.task_kind, self.plan.classes, self.options, self._targets)
        if self.plan.mode == "standard":
            return encoded
        encoded.rationale_inputs, _ = self._prompts(texts, "rationale")
        add_rationales(encoded, rows, self.plan.max_rationale_tokens, self.options, self._targets)
        return encoded

    def collate(self, rows: Encoded, indices: Sequence[int]) -> Batch:
        labels, shares = label_batch(rows, indices)
        of = shares["label_rows"].tolist() if shares else range(len(indices))
        batch = self._sequences([rows.inputs[indices[place]] for place in of], labels) | shares
        rationales = rows.explained(indices)
        if not rationales or rows.rationale_inputs is None:
            return batch
        inputs = [rows.rationale_inputs[indices[place]] for place in rationales]
        again = self._sequences(inputs, list(rationales.values()))
        batch |= {f"rationale_{name}": value for name, value in again.items()}
        if self.options.mutual_information:
            batch["explained"] = torch.tensor(list(rationales))
        return batch

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        labels: Tensor,
        rationale_input_ids: Tensor | None = None,
        rationale_attention_mask: Tensor | None = None,
        rationale_labels: Tensor | None = None,
        label_rows: Tensor | None = None,
        label_weights: Tensor | None = None,
        explained: Tensor | None = None,
        **_: Any,
    ) -> Losses:
        """Each task's sequences (rows, tokens); its labels (rows, last tokens) begin where the first answer of the
        batch does, are moved one to the left, and IGNORED but on the answer.

        Where labels are soft there is a sequence for each, see distill.student.targets.label_batch.
        """
        smoothing = self.options.label_smoothing
        label_logits = self._logits(input_ids, attention_mask, labels)
        label = token_loss(label_logits, labels, label_weights, smoothing)
        if rationale_input_ids is None or rationale_attention_mask is None or rationale_labels is None:
            return Losses.of(label)
        logits = self._logits(rationale_input_ids, rationale_attention_mask, rationale_labels)
        rationale = token_loss(logits, rationale_labels, smoothing=smoothing)
        if explained is None:
            return Losses.of(label, rationale)
        own = own_labels(label_rows, explained)
        return Losses.of(label, rationale, mutual_information(label_logits[own], labels[own], logits, rationale_labels))

    def inputs(self, texts: Sequence[str], task: TaskName) -> list[list[int]]:
        return self._prompts(texts, task)[0]

    def score(self, inputs: Sequence[Sequence[int]], candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        """Each prompt is read once; what a candidate has behind its first token follows in one pass, with the keys and
        values of its prompt."""
        tokens = candidate_tokens(
            candidates, lambda texts: self._targets(texts, NO_LIMIT)[0], self.tokenizer.eos_token_id
        )
        pairs = [(place, ids) for place, row in enumerate(tokens) for ids in row]
        longer = [number for number, (_, ids) in enumerate(pairs) if len(ids) > 1]
        read, seen = self._prompted(inputs)
        cache = DynamicCache(config=self.model.config) if longer else None
        begun = self._continuing(read, seen, cache, 1)
        rows = torch.tensor([place for place, _ in pairs], device=read.device)
        logs = torch.log_softmax(begun[:, -1].float(), -1)[
            rows, torch.tensor([ids[0] for _, ids in pairs], device=rows.device)
        ]
        if cache is not None:
            chosen = torch.tensor(longer, device=rows.device)
            ids = [pairs[number][1] for number in longer]
            cache.batch_select_indices(rows[chosen])
            begins = padded([row[:-1] for row in ids], self.pad).to(rows.device)
            targets = padded([row[1:] for row in ids], IGNORED).to(rows.device)
            whole = torch.cat([seen[rows[chosen]], torch.ones_like(begins)], 1)
            logs[chosen] += sequence_log_probabilities(self._continuing(begins, whole, cache, begins.shape[1]), targets)
        return list(logs.split([len(row) for row in candidates]))

    def generate(self, inputs: Sequence[Sequence[int]], task: TaskName) -> list[Generated]:
        limits = {"label": self.plan.max_label_tokens, "rationale": self.plan.max_rationale_tokens}
        return generated(self.tokenizer, *self._continued(inputs, limits[task]))

    def embeddings(self) -> list[nn.Parameter]:
        found = [self.model.get_input_embeddings(), self.model.get_output_embeddings()]
        return list({id(module.weight): module.weight for module in found if module is not None}.values())

    def save(self, folder: Path) -> None:
        """LoRA's weights are merged into the model's, so that the folder loads without peft."""
        if hasattr(self.model, "merge_and_unload"):
            self.model = self.model.merge_and_unload()
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    def _plain(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        return cached(
            lambda: (self.tokenizer(list(texts), add_special_tokens=False)["input_ids"], 0),
            self.tokenizer,
            texts,
            ("plain",),
        )[0]

    def _targets(self, texts: Sequence[str], most: int) -> tuple[list[list[int]], int]:
        end = self.tokenizer.eos_token_id
        ids = self._plain([f" {text}" if text else "" for text in texts])
        return [[*row[: most - 1], end] for row in ids], sum(len(row) >= most for row in ids)

    def _prompts(self, texts: Sequence[str], task: TaskName) -> tuple[list[list[int]], int]:
        """The mark, and what a chat template adds, come on top of `max_input_tokens`.

        A prompt is tokenized as one text, mark included, so that a plain `tokenizer(prompt)` gives the same tokens.
        """
        most = self.plan.max_input_tokens
        shown = [PREFIXES[task] + text for text in texts] if self.by_prefix else list(texts)
        ids = self._plain(shown)
        long = [index for index, row in enumerate(ids) if len(row) > most]
        for index in long:
            shown[index] = self.tokenizer.decode(ids[index][:most])
        if self.tokenizer.chat_template and shown:
            chats = [[{"role": "user", "content": text}] for text in shown]
            shown = self.tokenizer.apply_chat_template(chats, add_generation_prompt=True, tokenize=False)
        begin = [] if self.tokenizer.chat_template else self.begin
        return [[*begin, *row] for row in self._plain([text + MARKS[task] for text in shown])], len(long)

    def _prompted(self, inputs: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Prompts and their mask, padded at the left, so that every answer begins in the same place."""
        backwards = [list(reversed(row)) for row in inputs]
        device = self.model.device
        return padded(backwards, self.pad).flip(1).to(device), mask(backwards).flip(1).to(device)

    def _continued(self, inputs: Sequence[Sequence[int]], most: int) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Greedily chosen tokens (rows, tokens) behind the prompts, and the logits of each place."""
        read, seen = self._prompted(inputs)
        made = self.model.generate(
            input_ids=read,
            attention_mask=seen,
            max_new_tokens=most,
            do_sample=False,
            num_beams=1,
            pad_token_id=self.pad,
            eos_token_id=self.tokenizer.eos_token_id,
            return_dict_in_generate=True,
            output_logits=True,
        )
        return made.sequences[:, -len(made.logits) :], made.logits

    def _sequences(self, prompts: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> Batch:
        """Prompt and answer but its last token, and the answer where the token before it stands."""
        whole = [[*prompt, *target[:-1]] for prompt, target in zip(prompts, targets, strict=True)]
        labels = [[*[IGNORED] * front, *target] for front, target in zip(fronts(prompts), targets, strict=True)]
        return {"input_ids": padded(whole, self.pad), "attention_mask": mask(whole), "labels": padded(labels, IGNORED)}

    def _logits(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> Tensor:
        """Of the places of the labels alone: those of the prompts would be many times as large, and are not needed."""
        return self._continuing(input_ids, attention_mask, None, labels.shape[1])

    def _continuing(self, input_ids: Tensor, seen: Tensor, cache: DynamicCache | None, last: int) -> Tensor:
        """Logits (rows, `last` tokens, vocabulary) behind what is in the cache; `seen` (rows, tokens) is the mask of
        both.
        """
        told = {"position_ids": (seen.cumsum(1) - 1).clamp(min=0)[:, -input_ids.shape[1] :], "logits_to_keep": last}
        told = {name: value for name, value in told.items() if name in self.takes}
        made = self.model(
            input_ids=input_ids, attention_mask=seen, past_key_values=cache, use_cache=cache is not None, **told
        )
        return made.logits[:, -last:]


def fronts(prompts: Sequence[Sequence[int]]) -> list[int]:
    """Places in front of each answer, counted from where the first of the batch begins: behind the shortest prompt."""
    shortest = min(map(len, prompts), default=0)
    return [len(prompt) - shortest for prompt in prompts]
