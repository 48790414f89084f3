"""An encoder whose label is one of the row's own choices: the choice most like the question.

Question and choices are encoded apart, as sentence encoders do (Sentence-BERT, arXiv 1908.10084): the mean of the last
states over the tokens, compared by cosine similarity. So a pretrained sentence encoder answers better than chance
before it is trained, and a choice that several questions share is encoded once.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from distill.answers.choices import apart
from distill.errors import DataError
from distill.rows.files import write_json
from distill.rows.records import TrainingRow
from distill.student.architecture import EncodedRows
from distill.student.batching import OfferedChoices, PaddedTokens, TrainingBatch, by_length, padded
from distill.student.encoder import Encoder
from distill.student.losses import Losses
from distill.student.plan import StudentPlan
from distill.student.token_cache import TokenizedTexts

# Choices of like length that are encoded together. Most have one word, and one long name would pad them all.
CHOICES_TOGETHER = 40


class ChoiceEncoder(Encoder):
    """The list of choices that ends an input is left out of the question.

    The saved folder loads as a plain encoder, and with sentence-transformers.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, plan: StudentPlan):
        super().__init__(model, tokenizer, plan)
        # Sentence encoders pool otherwise. The pooler is kept as it came, so that the saved folder is whole.
        if getattr(model, "pooler", None) is not None:
            model.pooler.requires_grad_(False)

    def label_targets(self, rows: Sequence[TrainingRow]) -> list[int]:
        for row in rows:
            if row.label not in row.choices:
                raise DataError(
                    f"training row {row.id!r} has the label {row.label!r}; its choices are"
                    f" {', '.join(row.choices) or 'missing'}"
                )
        return [row.choices.index(row.label) for row in rows]

    def encode(self, rows: Sequence[TrainingRow]) -> EncodedRows:
        encoded = super().encode(rows)
        encoded.choices = self._encoded_choices([row.choices for row in rows])
        return encoded

    def collate(self, rows: EncodedRows, indices: Sequence[int]) -> TrainingBatch:
        assert rows.choices is not None
        return replace(super().collate(rows, indices), choices=_offered([rows.choices[index] for index in indices]))

    def forward(self, batch: TrainingBatch) -> Losses:
        assert batch.choices is not None
        states = self.states(batch.inputs)
        return self.losses(self._logits(pooled(states, batch.inputs.mask), batch.choices), states, batch)

    def score(self, inputs: Sequence[Sequence[int]], candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        """Log probability of each candidate among the row's own."""
        choices = _offered(self._encoded_choices(candidates)).to(self.model.device)
        read = self._padded(inputs)
        logs = torch.log_softmax(self._logits(pooled(self.states(read), read.mask), choices), -1)
        return [row[: len(texts)] for row, texts in zip(logs, candidates, strict=True)]

    def save(self, folder: Path) -> None:
        """Adds the files that tell sentence-transformers how the states become one vector a text."""
        super().save(folder)
        width, most = self.model.config.hidden_size, self.plan.max_input_tokens
        parts = (("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize"))
        modules = [
            {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{name}"}
            for place, (name, path) in enumerate(parts)
        ]
        write_json(folder / "modules.json", modules)
        write_json(folder / "sentence_bert_config.json", {"max_seq_length": most, "do_lower_case": False})
        write_json(
            folder / "1_Pooling" / "config.json", {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True}
        )

    def _inputs(self, texts: Sequence[str]) -> TokenizedTexts:
        return super()._inputs([apart(text)[0] for text in texts])

    def _encoded_choices(self, rows: Sequence[Sequence[str]]) -> list[list[list[int]]]:
        """Token ids of each row's choices; a text that occurs several times is tokenized once."""
        distinct = list(dict.fromkeys(itertools.chain(*rows)))
        ids = dict(zip(distinct, super()._inputs(distinct)[0], strict=True))
        return [[ids[text] for text in row] for row in rows]

    def _logits(self, questions: Tensor, choices: OfferedChoices) -> Tensor:
        """Cosine similarity over the temperature, (rows, choices); -inf where a row has no such choice.

        questions: vectors (rows, width).
        """
        vectors = []
        for group in choices.groups:
            seen = (group >= 0).long()
            vectors.append(pooled(self.states(PaddedTokens(group.masked_fill(seen == 0, self.pad), seen)), seen))
        questions, answers = functional.normalize(questions, dim=-1), functional.normalize(torch.cat(vectors), dim=-1)
        # A sum and no matrix product, which autocast would round to 8 bits: the temperature makes small differences
        # large.
        alike = (questions[:, None] * answers[choices.places.clamp(min=0)]).sum(-1) / self.plan.temperature
        return alike.masked_fill(choices.places < 0, -torch.inf)


def pooled(states: Tensor, seen: Tensor) -> Tensor:
    """Mean over the tokens that are there: (rows, width) from (rows, tokens, width) and their mask (rows, tokens)."""
    weight = seen.unsqueeze(-1).float()
    return (states.float() * weight).sum(1) / weight.sum(1).clamp(min=1)


def _offered(rows: Sequence[Sequence[Sequence[int]]]) -> OfferedChoices:
    """From the token ids of each row's choices."""
    distinct = list(dict.fromkeys(tuple(ids) for row in rows for ids in row))
    groups = by_length([len(ids) for ids in distinct], CHOICES_TOGETHER)
    places = {distinct[index]: place for place, index in enumerate(itertools.chain(*groups))}
    return OfferedChoices(
        tuple(padded([distinct[index] for index in group], -1) for group in groups),
        padded([[places[tuple(ids)] for ids in row] for row in rows], -1),
    )
