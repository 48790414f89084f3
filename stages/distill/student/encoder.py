"""Pretrained encoders (BERT, MiniLM, RoBERTa, …) as students: a label from the encoder, a rationale from a small
decoder.

The encoder runs once for both tasks. How it says a label is its subclass's: distill.student.encoder_classes and
distill.student.encoder_choices.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from distill.rows.records import TrainingRow
from distill.settings.student import StudentSettings
from distill.student.architecture import Architecture, Batch, Encoded, Generated, Plan, TaskName
from distill.student.batching import mask, padded
from distill.student.encoder_rationale import RationaleDecoder, Sizes, shifted
from distill.student.losses import IGNORED, Losses, answer_loss, token_loss
from distill.student.targets import add_rationales, padded_weights, soft_target
from distill.student.tokenizing import encode

RATIONALE = "rationale"  # the decoder's folder beside the encoder's files


class Encoder(Architecture):
    """`decoder` is None where the student learns labels alone."""

    kind = "encoder"
    task_kind: ClassVar[str]

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, plan: Plan):
        super().__init__()
        self.model, self.tokenizer, self.plan = model, tokenizer, plan
        self.decoder: RationaleDecoder | None = None
        self.pad = tokenizer.pad_token_id
        self.begin, self.end = tokenizer.cls_token_id, tokenizer.sep_token_id

    @abstractmethod
    def label_targets(self, rows: Sequence[TrainingRow]) -> list[int]:
        """The place of each row's label among its answers. Raises DataError where it is none of them."""

    def grow(self, rows: Sequence[TrainingRow], settings: StudentSettings) -> None:
        """Draws the decoder, where `train.mode` has rationales, with the tokens of the rows' rationales."""
        if self.plan.mode == "standard":
            return
        texts = [row.rationale for row in rows if row.rationale is not None]
        tokens = {token for ids in encode(self.tokenizer, texts, self.plan.max_rationale_tokens)[0] for token in ids}
        known = {self.begin, self.end, self.tokenizer.unk_token_id} - {None}
        words, hidden, sizes = self._words(), self.model.config.hidden_size, settings.encoder
        width = sizes.decoder_width or hidden
        self._attach(RationaleDecoder(
            Sizes(
                vocabulary=len(tokens | known),
                positions=self.plan.max_rationale_tokens,
                width=width,
                memory=hidden,
                layers=sizes.decoder_layers,
                heads=sizes.decoder_heads,
                tied=width == words.shape[1],
            ),
            torch.tensor(sorted(tokens | known)),
        ))  # fmt: skip

    def restore(self, folder: Path) -> None:
        if self.plan.mode != "standard":
            self._attach(RationaleDecoder.load(folder / RATIONALE))

    def encode(self, rows: Sequence[TrainingRow]) -> Encoded:
        targets = self.label_targets(rows)
        inputs, cut = self._inputs([row.input for row in rows])
        encoded = Encoded(
            inputs, [[target] for target in targets], [None] * len(rows), truncated={"input": cut, "rationale": 0}
        )
        if self.options.soft_labels:
            encoded.soft_labels = [self._soft_label(row) for row in rows]
        if self.decoder is not None:
            add_rationales(encoded, rows, self.plan.max_rationale_tokens, self.options, self._rationales)
        return encoded

    def collate(self, rows: Encoded, indices: Sequence[int]) -> Batch:
        inputs = [rows.inputs[index] for index in indices]
        batch = {
            "input_ids": padded(inputs, self.pad),
            "attention_mask": mask(inputs),
            "labels": torch.tensor([rows.labels[index][0] for index in indices]),
        }
        if rows.soft_labels is not None:
            batch["label_parts"] = padded_weights([_by_place(rows.soft_labels[index]) for index in indices])
        rationales = rows.explained(indices)
        if rationales:
            batch["explained"] = torch.tensor(list(rationales))
            batch["rationales"] = padded(list(rationales.values()), IGNORED)
        return batch

    def losses(
        self,
        logits: Tensor,
        labels: Tensor,
        memory: Tensor,
        seen: Tensor,
        rationales: Tensor | None,
        explained: Tensor | None,
        label_parts: Tensor | None = None,
    ) -> Losses:
        """From logits (rows, answers) of labels (rows,), and from what the decoder attends to of each row: memory
        (rows, places, width), seen (rows, places). `rationales` (rows with one, tokens) are of the rows in `explained`.
        `label_parts` (rows, answers at most) are what soft labels give each answer.
        """
        smoothing = self.options.label_smoothing
        if label_parts is not None:
            label_parts = nn.functional.pad(label_parts, (0, logits.shape[-1] - label_parts.shape[-1]))
        label = answer_loss(logits, labels, label_parts, smoothing)
        if self.decoder is None:
            return Losses.of(label)
        if rationales is None or explained is None:
            # Every weight takes part in every step, which several devices need.
            nothing = torch.stack([weight.sum() for weight in self.decoder.parameters()]).sum() * 0.0
            return Losses.of(label, (nothing, torch.zeros_like(label[1])))
        read = shifted(rationales, self.places[self.begin])
        written = self.decoder(read, memory[explained], seen[explained], self._words())
        return Losses.of(label, token_loss(written, rationales, smoothing=smoothing))

    def inputs(self, texts: Sequence[str], task: TaskName) -> list[list[int]]:
        return self._inputs(texts)[0]

    def generate(self, inputs: Sequence[Sequence[int]], task: TaskName) -> list[Generated]:
        """Rationales; a label is chosen and not written."""
        assert task == "rationale" and self.decoder is not None
        memory, seen = self.memory(inputs)
        begin, end = self.places[self.begin], self.places[self.end]
        rows, means = self.decoder.write(begin, end, self.plan.max_rationale_tokens, memory, seen, self._words())
        ids = list(self.places)
        texts = self.tokenizer.batch_decode([[ids[place] for place in row] for row in rows], skip_special_tokens=True)
        return [Generated(text.strip(), math.exp(mean)) for text, mean in zip(texts, means, strict=True)]

    def memory(self, inputs: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """What the decoder attends to, (rows, places, width), and its mask (rows, places)."""
        seen = mask(inputs).to(self.model.device)
        return self.states(padded(inputs, self.pad).to(self.model.device), seen), seen

    def states(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The encoder's last states, (rows, tokens, width)."""
        return self.model.base_model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    def embeddings(self) -> list[nn.Parameter]:
        own = (
            [self.decoder.embeddings.weight] if self.decoder is not None and self.decoder.embeddings is not None else []
        )
        return [self._words(), *own]

    def heads(self) -> list[nn.Parameter]:
        encoder = {id(weight) for weight in self.model.base_model.parameters()}
        own = {id(weight) for weight in self.embeddings()}
        return [weight for weight in self.parameters() if id(weight) not in encoder | own]

    def save(self, folder: Path) -> None:
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        if self.decoder is not None:
            self.decoder.save(folder / RATIONALE)

    def _soft_label(self, row: TrainingRow) -> list[tuple[list[int], float]]:
        answers = row.choices or self.plan.classes
        return [
            ([answers.index(label)], part)
            for label, part in soft_target(row, self.plan.task_kind, answers, self.options.soft_labels)
        ]

    def _rationales(self, texts: Sequence[str], most: int) -> tuple[list[list[int]], int]:
        """The decoder's tokens, and how many texts were cut."""
        # One more, as the token that begins a text is what the decoder starts with.
        ids, cut = encode(self.tokenizer, texts, most + 1)
        unknown = self.places.get(self.tokenizer.unk_token_id, 0)
        told = ((token for token in row if token not in (self.begin, self.end)) for row in ids)
        return [[self.places.get(token, unknown) for token in (*row, self.end)] for row in told], cut

    def _words(self) -> nn.Parameter:
        return self.model.get_input_embeddings().weight

    def _attach(self, decoder: RationaleDecoder) -> None:
        self.decoder = decoder
        self.places = {token: place for place, token in enumerate(decoder.vocabulary.tolist())}

    def _inputs(self, texts: Sequence[str]) -> tuple[list[list[int]], int]:
        return encode(self.tokenizer, texts, self.plan.max_input_tokens)


def _by_place(parts: Sequence[tuple[list[int], float]]) -> list[float]:
    """The part of each answer, up to the last that has one."""
    found = [0.0] * (1 + max(place for (place,), _ in parts))
    for (place,), part in parts:
        found[place] = part
    return found
