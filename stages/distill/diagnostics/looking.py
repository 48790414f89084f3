"""A student at work on one row, with its attention: read together with the answer that it wrote itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from distill.rows.records import Example, TrainingRow
from distill.student.architecture import Architecture, TaskName

NAMES = {
    "encoder": "encoder, self-attention",
    "decoder": "decoder, self-attention",
    "cross": "decoder, attention to the input",
}


@dataclass(frozen=True)
class Looked:
    """attention: by a name of NAMES, weights (layers, heads, queries, keys) and what each query may attend to (queries,
    keys). logits (tokens, vocabulary) and targets (tokens,) of the answer, end token included; None where nothing is
    written.
    """

    attention: dict[str, tuple[Tensor, Tensor]]
    logits: Tensor | None = None
    targets: Tensor | None = None


def written_task(student: Architecture) -> TaskName:
    """What is read together with the input: the rationale where one was learnt, else the label."""
    return "label" if student.plan.mode == "standard" else "rationale"


@torch.inference_mode()
def look(student: Architecture, row: Example, answer: str) -> Looked:
    """The student's attention on a row, and how probable it finds `answer`, its own text for `written_task`.

    An encoder's is that of the input alone: its rationale is written by a decoder whose attention is not kept.
    """
    student.eval()
    if hasattr(student.model, "set_attn_implementation"):
        # Faster ways of attending keep no weights.
        student.model.set_attn_implementation("eager")
    return _LOOKS[student.plan.kind](student, row, answer)


def _encoder(student: Architecture, row: Example, answer: str) -> Looked:
    (ids,) = student.inputs([row.input], "label")
    found = student.model.base_model(**_batch(student, ids), output_attentions=True)
    return Looked({"encoder": (_stacked(found.attentions), _everything(len(ids), len(ids)))})


def _encoder_decoder(student: Architecture, row: Example, answer: str) -> Looked:
    ids, target = _encoded(student, row, answer)
    begun = torch.tensor([[student.starts[written_task(student)], *target[:-1]]], device=student.model.device)
    found = student.model(**_batch(student, ids), decoder_input_ids=begun, output_attentions=True, use_cache=False)
    attention = {
        "encoder": (_stacked(found.encoder_attentions), _everything(len(ids), len(ids))),
        "decoder": (_stacked(found.decoder_attentions), _everything(len(target), len(target)).tril()),
        "cross": (_stacked(found.cross_attentions), _everything(len(target), len(ids))),
    }
    return Looked(attention, found.logits[0].cpu(), torch.tensor(target))


def _decoder_only(student: Architecture, row: Example, answer: str) -> Looked:
    ids, target = _encoded(student, row, answer)
    whole = [*ids, *target[:-1]]
    found = student.model(**_batch(student, whole), output_attentions=True, use_cache=False)
    attention = {"decoder": (_stacked(found.attentions), _everything(len(whole), len(whole)).tril())}
    return Looked(attention, found.logits[0, len(ids) - 1 :].cpu(), torch.tensor(target))


_LOOKS = {"encoder": _encoder, "encoder_decoder": _encoder_decoder, "decoder_only": _decoder_only}


def _encoded(student: Architecture, row: Example, answer: str) -> tuple[list[int], list[int]]:
    """Tokens of the input, task told, and of the answer, as training has them."""
    encoded = student.encode([TrainingRow(row.id, row.input, answer, answer)])
    if written_task(student) == "label":
        return encoded.inputs[0], encoded.labels[0]
    return (encoded.rationale_inputs or encoded.inputs)[0], list(encoded.rationales[0] or [])


def _batch(student: Architecture, ids: Sequence[int]) -> dict[str, Tensor]:
    one = torch.tensor([list(ids)], device=student.model.device)
    return {"input_ids": one, "attention_mask": torch.ones_like(one)}


def _stacked(layers: Sequence[Tensor]) -> Tensor:
    return torch.stack([layer[0].float().cpu() for layer in layers])


def _everything(queries: int, keys: int) -> Tensor:
    return torch.ones(queries, keys, dtype=torch.bool)
