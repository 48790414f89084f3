"""What every kind of student can do, whatever its architecture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from distill.rows.records import TrainingRow
from distill.settings.student import StudentSettings
from distill.student.batching import TrainingBatch
from distill.student.losses import OFF, Losses, LossOptions, target_count
from distill.student.plan import StudentPlan

TaskName = Literal["label", "rationale"]


@dataclass
class EncodedRows:
    """Token ids of training rows, row by row; `rationales` is None where a row has none.

    rationale_inputs: the inputs of the rationales, where they differ from `inputs`. labels: of an encoder, the label's
    place among the answers. choices: the row's own answers. truncated: how many texts were cut, by what they are.
    soft_labels: of each row its possible labels with their part of the target, its own first; None where soft labels
    are off. empty_rationales: how many rows have an empty target in place of a rationale.
    """

    inputs: list[list[int]]
    labels: list[list[int]]
    rationales: list[list[int] | None]
    rationale_inputs: list[list[int]] | None = None
    choices: list[list[list[int]]] | None = None
    truncated: dict[str, int] = field(default_factory=dict)
    soft_labels: list[list[tuple[list[int], float]]] | None = None
    empty_rationales: int = 0

    def __len__(self) -> int:
        return len(self.inputs)

    def explained(self, indices: Sequence[int]) -> dict[int, list[int]]:
        """By its place among `indices`, the rationale of every row that has one."""
        rationales = {place: self.rationales[index] for place, index in enumerate(indices)}
        return {place: rationale for place, rationale in rationales.items() if rationale is not None}

    @property
    def coverage(self) -> float:
        """The share of rows with a rationale of their own."""
        return (sum(row is not None for row in self.rationales) - self.empty_rationales) / len(self)

    def label_metrics(self) -> dict[str, float]:
        """With soft labels, the share of rows that have one (others are hard) and the mean part of the own label."""
        if self.soft_labels is None:
            return {}
        soft = sum(len(labels) > 1 for labels in self.soft_labels)
        return {"soft": soft / len(self), "own_part": sum(labels[0][1] for labels in self.soft_labels) / len(self)}

    def rationale_metrics(self) -> dict[str, float]:
        """Where a missing rationale is an empty target, the share of rows that have one."""
        return {"empty": self.empty_rationales / len(self)} if self.empty_rationales else {}

    def unknown_tokens(self, unknown: Mapping[str, int | None]) -> dict[str, int]:
        """How many tokens of inputs, labels and rationales are the one that stands for text without a token of its own.

        `unknown` is that token by kind of text, see Architecture.unknown.
        """
        kinds = {"input": self.inputs, "label": self.labels, "rationale": [row for row in self.rationales if row]}
        return {
            kind: 0 if unknown[kind] is None else sum(row.count(unknown[kind]) for row in rows)
            for kind, rows in kinds.items()
        }

    def lengths(self) -> list[int]:
        """Tokens of each row, as a measure of its cost."""
        texts = zip(self.inputs, self.labels, self.rationales, strict=True)
        return [len(input_ids) + len(label) + len(rationale or ()) for input_ids, label, rationale in texts]

    def sizes(self, indices: Sequence[int]) -> list[list[int]]:
        """Tokens of every text of a row, for each index. Texts of the same kind are padded together."""
        kinds = [self.inputs, self.labels] + ([self.rationale_inputs] if self.rationale_inputs is not None else [])
        return [[*(len(kind[index]) for kind in kinds), len(self.rationales[index] or ())] for index in indices]


@dataclass(frozen=True)
class GeneratedText:
    """A text that the student wrote. probability: exp of the mean log probability of its tokens."""

    text: str
    probability: float


class Architecture(nn.Module, ABC):
    """A student: a module whose `forward` gives the losses of a batch, so that wrappers for many devices apply."""

    plan: StudentPlan
    tokenizer: PreTrainedTokenizerBase
    options: LossOptions = OFF
    model: nn.Module

    @property
    def _no_split_modules(self) -> Sequence[str] | None:
        """The classes of its layers, which accelerate spreads over devices one by one."""
        return getattr(self.model, "_no_split_modules", None)

    def tie_weights(self) -> None:
        """Lets the tables that share weights share them again."""
        self.model.tie_weights()

    @abstractmethod
    def encode(self, rows: Sequence[TrainingRow]) -> EncodedRows:
        """Tokenizes training rows, once."""

    @abstractmethod
    def collate(self, rows: EncodedRows, indices: Sequence[int]) -> TrainingBatch:
        """The tensors of some of the rows, on the CPU."""

    @abstractmethod
    def forward(self, batch: TrainingBatch) -> Losses:
        """The losses of a batch."""

    def targets(self, batch: TrainingBatch) -> Tensor:
        """(3,) of what `forward` divides a batch's means by: label tokens, rationale tokens, rows with both.

        A step whose rows are computed in several batches is put together by these counts.
        """
        label = target_count(batch.labels, batch.label_weights)
        if batch.rationales is None:
            return torch.stack([label, torch.zeros_like(label), torch.zeros_like(label)])
        return torch.stack([label, target_count(batch.rationales), torch.full_like(label, len(batch.rationales))])

    @abstractmethod
    def inputs(self, texts: Sequence[str], task: TaskName) -> list[list[int]]:
        """Tokenizes inputs for `score` and `generate`."""

    @abstractmethod
    def score(self, inputs: Sequence[Sequence[int]], candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        """Log probability in nats of every candidate label of every row, (candidates of the row,) each."""

    @abstractmethod
    def generate(self, inputs: Sequence[Sequence[int]], task: TaskName) -> list[GeneratedText]:
        """The text of every row, each token the most probable one."""

    @abstractmethod
    def embeddings(self) -> list[nn.Parameter]:
        """Parameters that `train.embedding_learning_rate` applies to, each once."""

    def unknown(self) -> dict[str, int | None]:
        """The token of text that has none of its own, in inputs, labels and rationales; None where there is none."""
        return dict.fromkeys(("input", "label", "rationale"), self.tokenizer.unk_token_id)

    def heads(self) -> list[nn.Parameter]:
        """Parameters that a pretrained model lacks, to which `train.head_learning_rate` applies, each once."""
        return []

    def grow(self, rows: Sequence[TrainingRow], settings: StudentSettings) -> None:
        """Draws the weights that come on top of the model's, for a student that is to be trained on `rows`."""

    def restore(self, folder: Path) -> None:
        """Reads those weights from where `save` wrote them."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Writes weights (safetensors), configuration and tokenizer as a Hugging Face folder."""


def decoded_texts(
    tokenizer: PreTrainedTokenizerBase, tokens: Tensor, logits: Sequence[Tensor], counts: Tensor | None = None
) -> list[GeneratedText]:
    """Texts and probabilities of generated tokens (rows, tokens), from the logits (rows, vocabulary) of each place.

    Tokens behind the end do not count. `counts` (rows, tokens) of bool says which others do, where not all do.
    """
    ended = tokens == tokenizer.eos_token_id
    valid = (ended.cumsum(1) - ended.long()) == 0
    if counts is not None:
        valid = valid & counts
    logs = [
        torch.log_softmax(row.float(), -1).gather(-1, tokens[:, place, None]).squeeze(-1)
        for place, row in enumerate(logits)
    ]
    means = (torch.stack(logs, 1) * valid).sum(1) / valid.sum(1).clamp(min=1)
    texts = tokenizer.batch_decode(tokens.masked_fill(~valid, tokenizer.eos_token_id), skip_special_tokens=True)
    return [
        GeneratedText(text.strip(), probability) for text, probability in zip(texts, means.exp().tolist(), strict=True)
    ]


def write_freely(model: PreTrainedModel) -> None:
    """Drops the rules that a model's authors put on its answers: a student writes what it was trained to write.

    Such rules are BART's first token, beams, n-grams that may not occur twice, or a penalty on repeating.
    """
    names = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
    model.generation_config = GenerationConfig(**{name: getattr(model.generation_config, name) for name in names})
