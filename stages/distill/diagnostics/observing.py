"""A student at work on one row, with its attention: it reads the input together with the answer that it wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from distill.rows.records import Example, TrainingRow
from distill.student.architecture import Architecture, TaskName
from distill.student.plan import ENCODER, ENCODER_DECODER

PART_TITLES = {
    "encoder": "encoder, self-attention",
    "decoder": "decoder, self-attention",
    "cross": "decoder, attention to the input",
}


@dataclass(frozen=True)
class StudentStates:
    """A student on one row.

    attention: by a name of PART_TITLES, weights (layers, heads, queries, keys) and what each query may attend to
    (queries, keys). logits (tokens, vocabulary) and targets (tokens,) of the answer, end token included; None where the
    student writes nothing.
    """

    attention: dict[str, tuple[Tensor, Tensor]]
    logits: Tensor | None = None
    targets: Tensor | None = None


def written_task(student: Architecture) -> TaskName:
    """What is read together with the input: the rationale where the student learnt to write one, else the label."""
    return "rationale" if student.plan.explains else "label"


@torch.inference_mode()
def observe(student: Architecture, row: Example, answer: str) -> StudentStates:
    """The student's attention on a row, and how probable it finds `answer`, its own text for `written_task`.

    An encoder's attention is that on the input alone: the attention of the decoder that writes its rationale is not
    kept.
    """
    student.eval()
    if hasattr(student.model, "set_attn_implementation"):
        # Faster ways of attending keep no weights.
        student.model.set_attn_implementation("eager")
    if student.plan.kind == ENCODER:
        return _encoder(student, row)
    ids, target = _encoded(student, row, answer)
    if student.plan.kind == ENCODER_DECODER:
        return _encoder_decoder(student, ids, target)
    return _decoder_only(student, ids, target)


def _encoder(student: Architecture, row: Example) -> StudentStates:
    (ids,) = student.inputs([row.input], "label")
    output = student.model.base_model(**_batch(student, ids), output_attentions=True)
    return StudentStates({"encoder": (_stacked(output.attentions), _everything(len(ids), len(ids)))})


def _encoder_decoder(student: Architecture, ids: list[int], target: list[int]) -> StudentStates:
    decoder_ids = torch.tensor([[student.starts[written_task(student)], *target[:-1]]], device=student.model.device)
    output = student.model(
        **_batch(student, ids), decoder_input_ids=decoder_ids, output_attentions=True, use_cache=False
    )
    attention = {
        "encoder": (_stacked(output.encoder_attentions), _everything(len(ids), len(ids))),
        "decoder": (_stacked(output.decoder_attentions), _everything(len(target), len(target)).tril()),
        "cross": (_stacked(output.cross_attentions), _everything(len(target), len(ids))),
    }
    return StudentStates(attention, output.logits[0].cpu(), torch.tensor(target))


def _decoder_only(student: Architecture, ids: list[int], target: list[int]) -> StudentStates:
    whole = [*ids, *target[:-1]]
    output = student.model(**_batch(student, whole), output_attentions=True, use_cache=False)
    attention = {"decoder": (_stacked(output.attentions), _everything(len(whole), len(whole)).tril())}
    return StudentStates(attention, output.logits[0, len(ids) - 1 :].cpu(), torch.tensor(target))


def _encoded(student: Architecture, row: Example, answer: str) -> tuple[list[int], list[int]]:
    """Tokens of the input, with what tells the task, and of the answer, as in training."""
    encoded = student.encode([TrainingRow(row.id, row.input, answer, answer)])
    if written_task(student) == "label":
        return encoded.inputs[0], encoded.labels[0]
    return (encoded.rationale_inputs or encoded.inputs)[0], list(encoded.rationales[0] or [])


def _batch(student: Architecture, ids: Sequence[int]) -> dict[str, Tensor]:
    input_ids = torch.tensor([list(ids)], device=student.model.device)
    return {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}


def _stacked(layers: Sequence[Tensor]) -> Tensor:
    return torch.stack([layer[0].float().cpu() for layer in layers])


def _everything(queries: int, keys: int) -> Tensor:
    return torch.ones(queries, keys, dtype=torch.bool)
