"""What a handed-over model answers, whether torch or onnxruntime computes it: the same code for both.

transformers and optimum are imported only when a model is loaded, as the export has an environment of its own.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill.answers.choices import apart
from distill.errors import DataError
from distill.student.plan import (
    DECODER_ONLY,
    ENCODER,
    ENCODER_DECODER,
    NO_CODE,
    TASK_MARKS,
    TASK_PREFIXES,
    TASK_TOKENS,
    StudentPlan,
)

ROWS_TOGETHER = 16


@dataclass(frozen=True)
class CheckRow:
    """An input, its own choices, and the student's label for it, where that is on record."""

    id: str
    input: str
    choices: tuple[str, ...] = ()
    student_label: str | None = None


class ModelAnswers:
    """A model of transformers or of optimum.onnxruntime, with its tokenizer."""

    def __init__(self, model: Any, tokenizer: Any, plan: StudentPlan):
        self.model, self.tokenizer, self.plan = model, tokenizer, plan
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        tokenizer.padding_side = "left" if plan.kind == DECODER_ONLY else "right"

    def labels(self, rows: Sequence[CheckRow]) -> list[str]:
        """The label of each row, in order."""
        order = sorted(range(len(rows)), key=lambda place: len(rows[place].input))
        labels: dict[int, str] = {}
        answer = self._chosen if self.plan.kind == ENCODER else self._written
        for start in range(0, len(order), ROWS_TOGETHER):
            places = order[start : start + ROWS_TOGETHER]
            labels |= zip(places, answer([rows[place] for place in places]), strict=True)
        return [labels[place] for place in range(len(rows))]

    def _encoded(self, texts: Sequence[str], **options: Any) -> Any:
        return self.tokenizer(list(texts), return_tensors="pt", padding=True, **options)

    def _written(self, rows: Sequence[CheckRow]) -> list[str]:
        if self.plan.kind == ENCODER_DECODER:
            batch = self._encoded([self._prefix() + row.input for row in rows], truncation=True)
            texts = self._texts(self.model.generate(**batch))
            return [text.split(TASK_TOKENS["label"])[-1].strip() for text in texts]
        chat = bool(self.tokenizer.chat_template)
        batch = self._encoded([self._prompt(row, chat) for row in rows], add_special_tokens=not chat)
        tokens = self.model.generate(**batch)[:, batch["input_ids"].shape[1] :]
        return [text.split(TASK_MARKS["label"])[-1].strip() for text in self._texts(tokens)]

    def _texts(self, ids: Any) -> list[str]:
        """Decoded up to the end token, the token that begins a label kept."""
        end, special = self.tokenizer.eos_token_id, set(self.tokenizer.all_special_ids)
        keep = self.tokenizer.convert_tokens_to_ids(TASK_TOKENS["label"])
        texts = []
        for row in ids.tolist():
            # An encoder-decoder's first token is what the decoder starts with.
            row = row[1:] if self.plan.kind == ENCODER_DECODER else row
            row = row[: row.index(end)] if end in row else row
            texts.append(self.tokenizer.decode([token for token in row if token == keep or token not in special]))
        return texts

    def _prefix(self) -> str:
        return TASK_PREFIXES["label"] if self.plan.by_prefix else ""

    def _prompt(self, row: CheckRow, chat: bool) -> str:
        text = self._prefix() + row.input
        if chat:
            text = self.tokenizer.apply_chat_template(
                [{"role": "user", "content": text}], add_generation_prompt=True, tokenize=False
            )
        return text + TASK_MARKS["rationale" if self.plan.single_answer else "label"]

    def _chosen(self, rows: Sequence[CheckRow]) -> list[str]:
        if self.plan.task_kind == "classes":
            logits = self.model(**self._encoded([row.input for row in rows], truncation=True)).logits
            names = self.model.config.id2label
            return [names[place] for place in logits.argmax(-1).tolist()]
        return [self._nearest(row) for row in rows]

    def _nearest(self, row: CheckRow) -> str:
        """The choice whose mean vector has the greatest cosine similarity with the question's."""
        from torch import cat, cosine_similarity

        question = apart(row.input)[0]
        means = [
            self.model(**self._encoded([text], truncation=True)).last_hidden_state.mean(1)
            for text in (question, *row.choices)
        ]
        return row.choices[int(cosine_similarity(means[0], cat(means[1:])).argmax())]


def with_torch(folder: Path, plan: StudentPlan) -> ModelAnswers:
    """A converted folder. Raises DataError where weights are missing or left over, as after a wrong conversion."""
    import torch
    import transformers

    torch.manual_seed(0)
    loader = getattr(transformers, plan.form.model_class)
    model, info = loader.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True, local_files_only=True, **NO_CODE
    )
    wrong = {name: sorted(info[name]) for name in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[name]}
    if wrong:
        raise DataError(f"{folder}: transformers {transformers.__version__} reads these weights differently: {wrong}")
    return ModelAnswers(model.eval(), _tokenizer(folder), plan)


def with_onnx(folder: Path, plan: StudentPlan) -> ModelAnswers:
    """An exported folder, on onnxruntime."""
    ort = importlib.import_module("optimum.onnxruntime")
    return ModelAnswers(getattr(ort, plan.form.onnx_class).from_pretrained(folder, **NO_CODE), _tokenizer(folder), plan)


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True, **NO_CODE)
