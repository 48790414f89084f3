"""Pretrained encoders (BERT, MiniLM, RoBERTa, …) as students: the encoder labels, and a small decoder explains.

The encoder runs once for both tasks. How it labels is said by its two subclasses, in distill.student.encoder_classes
and distill.student.encoder_choices.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from distill.rows.records import TrainingRow
from distill.settings.student import StudentSettings
from distill.student.architecture import Architecture, EncodedRows, GeneratedText, TaskName
from distill.student.batching import PaddedTokens, TrainingBatch, padded
from distill.student.encoder_rationale import DecoderSizes, RationaleDecoder, shifted
from distill.student.losses import IGNORED, Losses, answer_loss, token_loss
from distill.student.plan import StudentPlan
from distill.student.targets import add_rationales, padded_weights, soft_target
from distill.student.token_cache import TokenizedTexts
from distill.student.tokenizing import encode

RATIONALE_FOLDER = "rationale"  # the decoder's folder beside the encoder's files


class Encoder(Architecture):
    """`decoder` is None where the student learns labels alone."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, plan: StudentPlan):
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
        if not self.plan.explains:
            return
        texts = [row.rationale for row in rows if row.rationale is not None]
        tokens = {token for ids in encode(self.tokenizer, texts, self.plan.max_rationale_tokens)[0] for token in ids}
        special = {self.begin, self.end, self.tokenizer.unk_token_id} - {None}
        words, hidden, sizes = self._words(), self.model.config.hidden_size, settings.encoder
        width = sizes.decoder_width or hidden
        self._attach(RationaleDecoder(
            DecoderSizes(
                vocabulary=len(tokens | special),
                positions=self.plan.max_rationale_tokens,
                width=width,
                memory=hidden,
                layers=sizes.decoder_layers,
                heads=sizes.decoder_heads,
                tied=width == words.shape[1],
            ),
            torch.tensor(sorted(tokens | special)),
        ))  # fmt: skip

    def restore(self, folder: Path) -> None:
        if self.plan.explains:
            self._attach(RationaleDecoder.load(folder / RATIONALE_FOLDER))

    def encode(self, rows: Sequence[TrainingRow]) -> EncodedRows:
        targets = self.label_targets(rows)
        inputs, cut = self._inputs([row.input for row in rows])
        encoded = EncodedRows(
            inputs, [[target] for target in targets], [None] * len(rows), truncated={"input": cut, "rationale": 0}
        )
        if self.options.soft_labels:
            encoded.soft_labels = [self._soft_label(row) for row in rows]
        if self.decoder is not None:
            add_rationales(encoded, rows, self.plan.max_rationale_tokens, self.options, self._rationales)
        return encoded

    def collate(self, rows: EncodedRows, indices: Sequence[int]) -> TrainingBatch:
        rationales, shares = rows.explained(indices), None
        if rows.soft_labels is not None:
            shares = padded_weights([_by_place(rows.soft_labels[index]) for index in indices])
        return TrainingBatch(
            PaddedTokens.of([rows.inputs[index] for index in indices], self.pad),
            torch.tensor([rows.labels[index][0] for index in indices]),
            rationales=padded(list(rationales.values()), IGNORED) if rationales else None,
            explained=torch.tensor(list(rationales)) if rationales else None,
            answer_shares=shares,
        )

    def losses(self, logits: Tensor, memory: Tensor, batch: TrainingBatch) -> Losses:
        """From the logits (rows, answers) and what the decoder attends to: memory (rows, tokens, width)."""
        labels, rationales, shares = batch.labels, batch.rationales, batch.answer_shares
        if shares is not None:
            shares = nn.functional.pad(shares, (0, logits.shape[-1] - shares.shape[-1]))
        label = answer_loss(logits, labels, shares, self.options.label_smoothing)
        if self.decoder is None:
            return Losses.of(label)
        if rationales is None or batch.explained is None:
            # Several devices need every weight to take part in every step.
            nothing = torch.stack([weight.sum() for weight in self.decoder.parameters()]).sum() * 0.0
            return Losses.of(label, (nothing, torch.zeros_like(label[1])))
        read = shifted(rationales, self.places[self.begin])
        written = self.decoder(read, memory[batch.explained], batch.inputs.mask[batch.explained], self._words())
        return Losses.of(label, token_loss(written, rationales, smoothing=self.options.label_smoothing))

    def inputs(self, texts: Sequence[str], task: TaskName) -> list[list[int]]:
        return self._inputs(texts)[0]

    def generate(self, inputs: Sequence[Sequence[int]], task: TaskName) -> list[GeneratedText]:
        """Rationales; an encoder chooses its labels and does not write them."""
        assert task == "rationale" and self.decoder is not None
        read = self._padded(inputs)
        begin, end = self.places[self.begin], self.places[self.end]
        most = self.plan.max_rationale_tokens
        rows, means = self.decoder.write(begin, end, most, self.states(read), read.mask, self._words())
        ids = list(self.places)
        texts = self.tokenizer.batch_decode([[ids[place] for place in row] for row in rows], skip_special_tokens=True)
        return [GeneratedText(text.strip(), math.exp(mean)) for text, mean in zip(texts, means, strict=True)]

    def states(self, inputs: PaddedTokens) -> Tensor:
        """The encoder's last states, (rows, tokens, width)."""
        return self.model.base_model(input_ids=inputs.ids, attention_mask=inputs.mask).last_hidden_state

    def embeddings(self) -> list[nn.Parameter]:
        own = (
            [self.decoder.embeddings.weight] if self.decoder is not None and self.decoder.embeddings is not None else []
        )
        return [self._words(), *own]

    def heads(self) -> list[nn.Parameter]:
        encoder = {id(weight) for weight in self.model.base_model.parameters()}
        own = {id(weight) for weight in self.embeddings()}
        return [weight for weight in self.parameters() if id(weight) not in encoder | own]

    def unknown(self) -> dict[str, int | None]:
        """A label is a place among the answers, and the decoder has tokens of its own."""
        places = {} if self.decoder is None else self.places
        token = self.tokenizer.unk_token_id
        return {"input": token, "label": None, "rationale": places.get(token)}

    def save(self, folder: Path) -> None:
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        if self.decoder is not None:
            self.decoder.save(folder / RATIONALE_FOLDER)

    def _soft_label(self, row: TrainingRow) -> list[tuple[list[int], float]]:
        answers = row.choices or self.plan.classes
        return [
            ([answers.index(label)], part)
            for label, part in soft_target(row, self.plan.task_kind, answers, self.options.soft_labels)
        ]

    def _rationales(self, texts: Sequence[str], most: int) -> TokenizedTexts:
        """The decoder's tokens, and how many texts were cut."""
        # One more, as the decoder starts with the token that begins a text.
        ids, cut = encode(self.tokenizer, texts, most + 1)
        unknown = self.places.get(self.tokenizer.unk_token_id, 0)
        bare = ((token for token in row if token not in (self.begin, self.end)) for row in ids)
        return [[self.places.get(token, unknown) for token in (*row, self.end)] for row in bare], cut

    def _words(self) -> nn.Parameter:
        return self.model.get_input_embeddings().weight

    def _attach(self, decoder: RationaleDecoder) -> None:
        self.decoder = decoder
        self.places = {token: place for place, token in enumerate(decoder.vocabulary.tolist())}

    def _inputs(self, texts: Sequence[str]) -> TokenizedTexts:
        return encode(self.tokenizer, texts, self.plan.max_input_tokens)

    def _padded(self, inputs: Sequence[Sequence[int]]) -> PaddedTokens:
        return PaddedTokens.of(inputs, self.pad).to(self.model.device)


def _by_place(shares: Sequence[tuple[list[int], float]]) -> list[float]:
    """The part of each answer in the target, up to the last answer that has one."""
    by_place = [0.0] * (1 + max(place for (place,), _ in shares))
    for (place,), part in shares:
        by_place[place] = part
    return by_place
