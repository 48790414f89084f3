"""Vectors of texts by the encoder that a student was made of, as it was before its training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from distill.settings.runtime import RuntimeSettings
from distill.student.batching import PaddedTokens, by_length
from distill.student.encoder import Encoder
from distill.student.encoder_choices import pooled
from distill.student.loading import compute_device, untrained_student
from distill.student.plan import ENCODER, StudentPlan


def vectors_before_training(folder: Path, runtime: RuntimeSettings) -> Callable[[Sequence[str]], np.ndarray] | None:
    """Gives the vectors, (texts, width), of texts: the mean of the last states over the tokens (Sentence-BERT, arXiv
    1908.10084). None where the student in `folder` is no encoder, or was drawn at random.

    The encoder is loaded at the first call, which raises SettingsError where it cannot be; a text is encoded once.
    """
    plan = StudentPlan.read(folder)
    if plan.kind != ENCODER or plan.name == "scratch":
        return None
    encoders: list[Encoder] = []
    vectors: dict[str, np.ndarray] = {}

    @torch.inference_mode()
    def encoded(texts: Sequence[str]) -> np.ndarray:
        if not encoders:
            encoders.append(untrained_student(folder).to(compute_device(runtime)))
        encoder, new = encoders[0], list(dict.fromkeys(text for text in texts if text not in vectors))
        tokens = encoder.inputs(new, "label") if new else []
        for batch in by_length([len(ids) for ids in tokens], runtime.predict_rows):
            read = PaddedTokens.of([tokens[index] for index in batch], encoder.pad).to(encoder.model.device)
            states = pooled(encoder.states(read), read.mask).cpu().numpy()
            vectors.update(zip((new[index] for index in batch), states, strict=True))
        return np.stack([vectors[text] for text in texts])

    return encoded
