"""What every kind of student can do, whatever its architecture; distill.student.loading decides the kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from distill.rows.records import TrainingRow
from distill.settings.student import StudentSettings
from distill.student.losses import OFF, Losses, LossOptions, counted

TaskName = Literal["label", "rationale"]
Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Plan:
    """What predicting needs besides weights and tokenizer; `student.json` in the model's folder.

    kind: name of the architecture in distill.student.loading. mode, task_token: as in params.yaml.
    task: kind of the task and its classes. max_label_tokens: of a label that is generated. temperature: what an
    encoder's similarities are divided by. name, revision, seed: what the student was before its first step, as in
    params.yaml.
    """

    kind: str
    mode: str
    task_token: str
    task_kind: str
    classes: tuple[str, ...]
    max_input_tokens: int
    max_label_tokens: int
    max_rationale_tokens: int
    name: str
    revision: str | None
    seed: int
    temperature: float = 1.0


@dataclass
class Encoded:
    """Token ids of training rows, row by row; `rationales` is None where there is none.

    `rationale_inputs` are apart from `inputs` only where a prefix tells the task. An encoder's labels are their
    place among the answers, and `choices` are the row's own answers.
    `truncated` counts the texts that were cut, by what they are. The rest is None, or 0, where an option is off
    (distill.student.losses.LossOptions): `soft_labels` are a row's possible labels with their part of the target, its
    own first; `empty_rationales` counts the rows whose rationale is an empty target.
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

    def label_options(self) -> dict[str, float]:
        """With soft labels the share of rows that have one, the rest being hard, and the mean part of a row's own
        label.
        """
        if self.soft_labels is None:
            return {}
        soft = sum(len(labels) > 1 for labels in self.soft_labels)
        return {"soft": soft / len(self), "own_part": sum(labels[0][1] for labels in self.soft_labels) / len(self)}

    def rationale_options(self) -> dict[str, float]:
        """Where a missing rationale is an empty target, the share of rows that have one."""
        return {"empty": self.empty_rationales / len(self)} if self.empty_rationales else {}

    def lengths(self) -> list[int]:
        """Tokens of each row, as a measure of its cost."""
        return [
            len(i) + len(t) + len(r or ()) for i, t, r in zip(self.inputs, self.labels, self.rationales, strict=True)
        ]

    def sizes(self, indices: Sequence[int]) -> list[list[int]]:
        """Tokens of every text that a row is made of, for each index: what stands in one place is padded together."""
        kinds = [self.inputs, self.labels] + ([self.rationale_inputs] if self.rationale_inputs is not None else [])
        return [[*(len(kind[index]) for kind in kinds), len(self.rationales[index] or ())] for index in indices]


@dataclass(frozen=True)
class Generated:
    """A text that the student wrote. `probability`: exp of the mean log probability of its tokens."""

    text: str
    probability: float


class Architecture(nn.Module, ABC):
    """A student: a module whose forward gives the losses of a batch, so that wrappers for many devices apply."""

    kind: ClassVar[str]
    plan: Plan
    options: LossOptions = OFF
    model: nn.Module

    @property
    def _no_split_modules(self) -> Sequence[str] | None:
        """The classes of its layers, which accelerate spreads over devices one by one."""
        return getattr(self.model, "_no_split_modules", None)

    def tie_weights(self) -> None:
        """Where the model's tables share weights, lets them share them again."""
        self.model.tie_weights()

    @abstractmethod
    def encode(self, rows: Sequence[TrainingRow]) -> Encoded:
        """Tokenizes training rows, once."""

    @abstractmethod
    def collate(self, rows: Encoded, indices: Sequence[int]) -> Batch:
        """The tensors of some of the rows, on the CPU, as keywords of `forward`."""

    @abstractmethod
    def forward(self, **batch: Any) -> Losses:
        """The losses of a batch."""

    def targets(self, batch: Batch) -> Tensor:
        """(3,) of what `forward` divides a batch's means by: label tokens, rationale tokens, rows with both.

        By it a step whose rows are computed in several batches is put together.
        """
        label = counted(batch["labels"], batch.get("label_weights"))
        rationales = batch.get("rationales", batch.get("rationale_labels"))
        if rationales is None:
            return torch.stack([label, torch.zeros_like(label), torch.zeros_like(label)])
        return torch.stack([label, counted(rationales), torch.full_like(label, len(rationales))])

    @abstractmethod
    def inputs(self, texts: Sequence[str], task: TaskName) -> list[list[int]]:
        """Tokenizes inputs for `score` and `generate`."""

    @abstractmethod
    def score(self, inputs: Sequence[Sequence[int]], candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        """Log probability in nats of every candidate label of every row, (candidates of the row,) each."""

    @abstractmethod
    def generate(self, inputs: Sequence[Sequence[int]], task: TaskName) -> list[Generated]:
        """The most probable continuation, token by token, of every row."""

    @abstractmethod
    def embeddings(self) -> list[nn.Parameter]:
        """Parameters that `train.embedding_learning_rate` applies to, each once."""

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


def generated(
    tokenizer: PreTrainedTokenizerBase, tokens: Tensor, logits: Sequence[Tensor], begun: Tensor | None = None
) -> list[Generated]:
    """Texts and probabilities of (rows, tokens) that were generated, from the logits (rows, vocabulary) of each place.

    `begun` (rows, tokens) of bool says which tokens count, where not all up to the end do.
    """
    ended = tokens == tokenizer.eos_token_id
    known = (ended.cumsum(1) - ended.long()) == 0
    if begun is not None:
        known = known & begun
    logs = [
        torch.log_softmax(row.float(), -1).gather(-1, tokens[:, place, None]).squeeze(-1)
        for place, row in enumerate(logits)
    ]
    means = (torch.stack(logs, 1) * known).sum(1) / known.sum(1).clamp(min=1)
    texts = tokenizer.batch_decode(tokens.masked_fill(~known, tokenizer.eos_token_id), skip_special_tokens=True)
    return [Generated(text.strip(), probability) for text, probability in zip(texts, means.exp().tolist(), strict=True)]


def write_freely(model: PreTrainedModel) -> None:
    """Drops what the model's authors force on its answers, as BART's first token, beams and unrepeated n-grams, or a
    penalty on repeating: a student writes what it was trained to write."""
    ids = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
    model.generation_config = GenerationConfig(**{name: getattr(model.generation_config, name) for name in ids})
