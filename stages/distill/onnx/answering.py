"""What a handed-over model answers, whether torch or onnxruntime computes it: the same code for both.

transformers and optimum are imported when a model is loaded: they are of this export's own environment.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill.answers.choices import apart
from distill.errors import DataError
from distill.student.task_words import MARKS, PREFIXES, TASK_TOKENS

ROWS_TOGETHER = 16


@dataclass(frozen=True)
class Row:
    """An input, its own choices, and what the student said of it, where that is known."""

    id: str
    input: str
    choices: tuple[str, ...] = ()
    said: str | None = None


@dataclass(frozen=True)
class Kind:
    """task: optimum's name of what is exported. torch, onnx: the classes that load it, of transformers and of
    optimum.onnxruntime."""

    task: str
    torch: str
    onnx: str


KINDS = {
    "encoder_decoder": Kind("text2text-generation-with-past", "AutoModelForSeq2SeqLM", "ORTModelForSeq2SeqLM"),
    "decoder_only": Kind("text-generation-with-past", "AutoModelForCausalLM", "ORTModelForCausalLM"),
    "encoder classes": Kind(
        "text-classification", "AutoModelForSequenceClassification", "ORTModelForSequenceClassification"
    ),
    "encoder choices": Kind("feature-extraction", "AutoModel", "ORTModelForFeatureExtraction"),
}


def kind_of(plan: Mapping[str, Any]) -> Kind:
    """Of a student by its plan. Raises DataError where no export is known."""
    name = f"encoder {plan['task_kind']}" if plan["kind"] == "encoder" else plan["kind"]
    if name not in KINDS:
        raise DataError(f"a student of kind {name!r} cannot be exported to ONNX; known: {', '.join(KINDS)}")
    return KINDS[name]


class Answering:
    """A model of transformers or of optimum.onnxruntime, with its tokenizer."""

    def __init__(self, model: Any, tokenizer: Any, plan: Mapping[str, Any]):
        self.model, self.tokenizer, self.plan = model, tokenizer, plan
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        tokenizer.padding_side = "left" if plan["kind"] == "decoder_only" else "right"

    def labels(self, rows: Sequence[Row]) -> list[str]:
        """The label of each row, in order."""
        order = sorted(range(len(rows)), key=lambda place: len(rows[place].input))
        found: dict[int, str] = {}
        ask = self._scored if self.plan["kind"] == "encoder" else self._written
        for start in range(0, len(order), ROWS_TOGETHER):
            places = order[start : start + ROWS_TOGETHER]
            found |= zip(places, ask([rows[place] for place in places]), strict=True)
        return [found[place] for place in range(len(rows))]

    def _encoded(self, texts: Sequence[str], **options: Any) -> Any:
        return self.tokenizer(list(texts), return_tensors="pt", padding=True, **options)

    def _written(self, rows: Sequence[Row]) -> list[str]:
        if self.plan["kind"] == "encoder_decoder":
            batch = self._encoded([self._front() + row.input for row in rows], truncation=True)
            texts = self._texts(self.model.generate(**batch))
            return [text.split(TASK_TOKENS["label"])[-1].strip() for text in texts]
        chat = bool(self.tokenizer.chat_template)
        batch = self._encoded([self._prompt(row, chat) for row in rows], add_special_tokens=not chat)
        made = self.model.generate(**batch)[:, batch["input_ids"].shape[1] :]
        return [text.split(MARKS["label"])[-1].strip() for text in self._texts(made)]

    def _texts(self, ids: Any) -> list[str]:
        """Decoded up to the end token, the token that begins a label kept."""
        end, special = self.tokenizer.eos_token_id, set(self.tokenizer.all_special_ids)
        keep = self.tokenizer.convert_tokens_to_ids(TASK_TOKENS["label"])
        texts = []
        for row in ids.tolist():
            # An encoder-decoder's first token is what the decoder starts with.
            row = row[1:] if self.plan["kind"] == "encoder_decoder" else row
            row = row[: row.index(end)] if end in row else row
            texts.append(self.tokenizer.decode([token for token in row if token == keep or token not in special]))
        return texts

    def _front(self) -> str:
        return PREFIXES["label"] if self.plan["task_token"] == "prefix" and self.plan["mode"] != "single_task" else ""

    def _prompt(self, row: Row, chat: bool) -> str:
        text = self._front() + row.input
        if chat:
            text = self.tokenizer.apply_chat_template(
                [{"role": "user", "content": text}], add_generation_prompt=True, tokenize=False
            )
        return text + MARKS["rationale" if self.plan["mode"] == "single_task" else "label"]

    def _scored(self, rows: Sequence[Row]) -> list[str]:
        if self.plan["task_kind"] == "classes":
            logits = self.model(**self._encoded([row.input for row in rows], truncation=True)).logits
            names = self.model.config.id2label
            return [names[place] for place in logits.argmax(-1).tolist()]
        return [self._likest(row) for row in rows]

    def _likest(self, row: Row) -> str:
        """The choice whose mean vector has the greatest cosine similarity with the question's."""
        from torch import cat, cosine_similarity

        question = apart(row.input)[0]
        means = [
            self.model(**self._encoded([text], truncation=True)).last_hidden_state.mean(1)
            for text in (question, *row.choices)
        ]
        return row.choices[int(cosine_similarity(means[0], cat(means[1:])).argmax())]


def with_torch(folder: Path, plan: Mapping[str, Any]) -> Answering:
    """A converted folder. Raises DataError where weights are missing or left over, as of a wrong conversion."""
    import torch
    import transformers

    torch.manual_seed(0)
    loader = getattr(transformers, kind_of(plan).torch)
    model, info = loader.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, local_files_only=True)
    wrong = {name: sorted(info[name]) for name in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[name]}
    if wrong:
        raise DataError(f"{folder}: transformers {transformers.__version__} reads these weights otherwise: {wrong}")
    return Answering(model.eval(), _tokenizer(folder), plan)


def with_onnx(folder: Path, plan: Mapping[str, Any]) -> Answering:
    """An exported folder, on onnxruntime."""
    ort = importlib.import_module("optimum.onnxruntime")
    return Answering(getattr(ort, kind_of(plan).onnx).from_pretrained(folder), _tokenizer(folder), plan)


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)
