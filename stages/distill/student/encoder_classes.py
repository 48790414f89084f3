"""An encoder whose label is one of the task's classes: a linear head, as AutoModelForSequenceClassification has it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedConfig

from distill.errors import DataError
from distill.rows.records import TrainingRow
from distill.student.batching import TrainingBatch
from distill.student.encoder import Encoder
from distill.student.losses import Losses


def name_classes(config: PreTrainedConfig, classes: Sequence[str]) -> None:
    """Tells a classifier's configuration its classes, so that the saved folder answers with their names."""
    config.num_labels = len(classes)
    config.id2label = dict(enumerate(classes))
    config.label2id = {name: place for place, name in enumerate(classes)}
    config.problem_type = "single_label_classification"


class ClassEncoder(Encoder):
    """The saved folder is that of a plain classifier; its label names are the task's classes."""

    def label_targets(self, rows: Sequence[TrainingRow]) -> list[int]:
        for row in rows:
            if row.label not in self.plan.classes:
                raise DataError(
                    f"training row {row.id!r} has the label {row.label!r}; the classes are"
                    f" {', '.join(self.plan.classes)}"
                )
        return [self.plan.classes.index(row.label) for row in rows]

    def forward(self, batch: TrainingBatch) -> Losses:
        explains = self.decoder is not None
        output = self.model(input_ids=batch.inputs.ids, attention_mask=batch.inputs.mask, output_hidden_states=explains)
        return self.losses(output.logits, output.hidden_states[-1] if explains else output.logits, batch)

    def score(self, inputs: Sequence[Sequence[int]], candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        """Log probability of each candidate among all classes. Raises DataError on a candidate that is no class."""
        places = {name: place for place, name in enumerate(self.plan.classes)}
        unknown = sorted({text for row in candidates for text in row} - set(places))
        if unknown:
            raise DataError(f"this student chooses among {', '.join(places)}; it cannot score {unknown[0]!r}")
        read = self._padded(inputs)
        logits = self.model(input_ids=read.ids, attention_mask=read.mask).logits
        logs = torch.log_softmax(logits.float(), -1)
        return [row[[places[text] for text in texts]] for row, texts in zip(logs, candidates, strict=True)]
