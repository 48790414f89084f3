"""The published arrangement of a training step, as a peer for the speed benchmarks; run on its own it does nothing.

Written from the description in *Distilling Step-by-Step* (arXiv 2305.02301, section 3.2) and arXiv 2403.15886,
section 4: every row stands in a step twice, once behind the label's prefix and once behind the rationale's, each
with its own forward pass; inputs and targets are padded to the longest of the batch; rows come in a random order;
`Seq2SeqTrainer` does the rest. No data frame is built in the collate, as the published code does: the peer is the
arrangement at its best.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import speed_rows  # noqa: F401  (puts the library on the path)
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    TrainerCallback,
)

from distill.rows.records import TrainingRow
from distill.settings.train import TrainSettings
from distill.student.batching import PaddedTokens, TrainingBatch
from distill.student.compute import pass_flop
from distill.student.losses import Losses

SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear"}
Feature = dict[str, dict[str, list[int]]]


def features(
    tokenizer: PreTrainedTokenizerBase, rows: Sequence[TrainingRow], most_input: int, most_target: int
) -> list[Feature]:
    """Token ids of each row, twice: {"label": {"input_ids", "labels"}, "rationale": …}."""
    made: list[Feature] = [{} for _ in rows]
    for task, prefix in (("label", "predict: "), ("rationale", "explain: ")):
        inputs = tokenizer([prefix + row.input for row in rows], max_length=most_input, truncation=True)["input_ids"]
        texts = [getattr(row, task) for row in rows]
        targets = tokenizer(text_target=texts, max_length=most_target, truncation=True)["input_ids"]
        for feature, ids, target in zip(made, inputs, targets, strict=True):
            feature[task] = {"input_ids": ids, "labels": target}
    return made


class Collator:
    """Two batches of the same rows, each padded to its longest input and its longest target."""

    def __init__(self, pad: int):
        self.pad = pad

    def __call__(self, rows: Sequence[Feature]) -> dict[str, dict[str, Tensor]]:
        return {task: self._batch([row[task] for row in rows]) for task in ("label", "rationale")}

    def _batch(self, rows: Sequence[dict[str, list[int]]]) -> dict[str, Tensor]:
        inputs = nn.utils.rnn.pad_sequence(
            [torch.tensor(row["input_ids"]) for row in rows], batch_first=True, padding_value=self.pad
        )
        labels = nn.utils.rnn.pad_sequence(
            [torch.tensor(row["labels"]) for row in rows], batch_first=True, padding_value=-100
        )
        lengths = torch.tensor([len(row["input_ids"]) for row in rows])
        attention_mask = (torch.arange(inputs.shape[1])[None] < lengths[:, None]).long()
        return {"input_ids": inputs, "attention_mask": attention_mask, "labels": labels}


class PublishedTrainer(Seq2SeqTrainer):
    """label_weight · label loss + (1 - label_weight) · rationale loss, from two forward passes. `losses` are those of
    each step so far, (label, rationale)."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[Feature],
        batches: Sequence[Sequence[int]],
        settings: TrainSettings, arguments: Seq2SeqTrainingArguments, callback: TrainerCallback,
    ):  # fmt: skip
        self.batches, self.weight = batches, settings.label_weight
        self.losses: list[tuple[Tensor, Tensor]] = []
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=rows,
            data_collator=Collator(tokenizer.pad_token_id),
            callbacks=[callback],
        )
        self.remove_callback(PrinterCallback)

    def get_train_dataloader(self) -> DataLoader:
        """The given batches, where Trainer would draw its own, so that two arrangements see the same rows."""
        loader = DataLoader(
            self.train_dataset,
            batch_sampler=self.batches,
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )
        return self.accelerator.prepare(loader)

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], *_: Any, **__: Any) -> Tensor:
        label, rationale = model(**inputs["label"]).loss, model(**inputs["rationale"]).loss
        self.losses.append((label.detach(), rationale.detach()))
        return self.weight * label + (1 - self.weight) * rationale


def published_arguments(
    settings: TrainSettings, device: torch.device, folder: Path, bf16: bool = False
) -> Seq2SeqTrainingArguments:
    """Trainer's own settings, with the same optimizer, schedule and clipping as ours, and nothing written."""
    return Seq2SeqTrainingArguments(
        output_dir=str(folder),
        max_steps=settings.steps,
        per_device_train_batch_size=settings.batch_rows,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        lr_scheduler_type=SCHEDULES[settings.schedule],
        warmup_steps=settings.warmup_steps,
        max_grad_norm=settings.max_gradient_norm or 0.0,
        bf16=bf16,
        seed=settings.seed,
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=device.type != "cpu",
        logging_nan_inf_filter=False,
        logging_strategy="no",
        eval_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
    )


def random_batches(batches: Sequence[Sequence[int]], seed: int) -> list[list[int]]:
    """The rows of some batches in batches of the same size, but drawn at random."""
    rows = [index for batch in batches for index in batch]
    random.Random(seed).shuffle(rows)
    size = len(batches[0])
    return [rows[start : start + size] for start in range(0, len(rows), size)]


class PublishedStep(nn.Module):
    """A published step in the form in which distill.student.compute counts operations."""

    def __init__(self, model: PreTrainedModel, collate: Collator, features: Sequence[Feature]):
        super().__init__()
        self.model, self.collator, self.features = model, collate, features

    def collate(self, rows: Sequence[Feature], indices: Sequence[int]) -> TrainingBatch:
        both = self.collator([rows[index] for index in indices])
        inputs = {task: PaddedTokens(batch["input_ids"], batch["attention_mask"]) for task, batch in both.items()}
        return TrainingBatch(
            inputs["label"],
            both["label"]["labels"],
            rationales=both["rationale"]["labels"],
            rationale_inputs=inputs["rationale"],
        )

    def forward(self, batch: TrainingBatch) -> Losses:
        label, rationale = (
            self.model(input_ids=inputs.ids, attention_mask=inputs.mask, labels=targets).loss
            for inputs, targets in ((batch.inputs, batch.labels), (batch.rationale_inputs, batch.rationales))
        )
        return Losses.of((label, torch.ones_like(label)), (rationale, torch.ones_like(rationale)))

    def gflop_per_step(self, batches: Sequence[Sequence[int]]) -> float:
        """10^9 operations of a forward and a backward pass, the mean over some batches."""
        return sum(pass_flop(self, self.features, batch) for batch in batches) / len(batches) / 1e9
