"""A pretrained student out of a folder or of the hub: every weight is there, finite and of its shape, or it is refused.

A model whose weights are missing would be trained from random ones, and one that holds NaN to nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
)

from distill.rows.files import read_object
from distill.rows.records import TaskCard, TrainingRow
from distill.settings import SettingsError
from distill.student.encoder_classes import name_classes
from distill.student.plan import DECODER_ONLY, ENCODER, ENCODER_DECODER, FORMS, NO_CODE, form_name
from distill.student.tokenizing import NO_LIMIT, encode

_LONGEST_REASON = 300
_PICKLES = (".bin", ".ckpt", ".pkl", ".pickle")


def pretrained(
    name: str, revision: str | None, task_kind: str, classes: Sequence[str]
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model of a folder or hub id in the form that the task needs, and its tokenizer. Raises SettingsError."""
    folder = Path(os.path.expanduser(name))
    source = str(folder) if folder.is_dir() else name
    try:
        _check_files(folder)
        config = AutoConfig.from_pretrained(source, revision=revision, **NO_CODE)
        kind = model_kind(config)
        # An encoder whose task has no form here is loaded all the same: it is refused when its tokenizer is there.
        form = FORMS.get(form_name(kind, task_kind), FORMS["encoder choices"])
        options: dict[str, Any] = {}
        if form is FORMS["encoder classes"]:
            name_classes(config, classes)
            # A classifier of other classes lends its encoder; its head is drawn anew.
            options = {"ignore_mismatched_sizes": True}
        model, report = getattr(transformers, form.model_class).from_pretrained(
            source, revision=revision, config=config, dtype=torch.float32, output_loading_info=True,
            use_safetensors=True, **NO_CODE, **options,
        )  # fmt: skip
        _check_weights(model, kind, report)
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision, **NO_CODE)
        _check_vocabulary(model, tokenizer)
    except Exception as error:  # whatever a folder of somebody else's may raise
        reason = " ".join(str(error).split())[:_LONGEST_REASON] or type(error).__name__
        raise SettingsError(f"student.name: {name!r} (revision {revision}) cannot be loaded: {reason}") from error
    return output_apart(model), tokenizer


def _check_files(folder: Path) -> None:
    """Raises ValueError where a folder holds what would run code when it is read, or asks for code of its own."""
    pickles = sorted(file.name for file in folder.glob("*") if _is_pickle(file.name)) if folder.is_dir() else []
    if pickles:
        raise ValueError(
            f"{_named(pickles)}: a pickle, which can run code when it is read; keep the weights as safetensors alone"
        )
    config = folder / "config.json"
    if config.is_file() and "auto_map" in read_object(config):
        raise ValueError("its config.json names code of its own (auto_map), which is never run; take another model")


def _is_pickle(name: str) -> bool:
    return name.endswith(_PICKLES) and name != "training_args.bin"  # which a trainer leaves, and nobody reads


def model_kind(config: PreTrainedConfig) -> str:
    """The kind of student that a model makes. Raises ValueError where it makes none."""
    if config.is_encoder_decoder:
        return ENCODER_DECODER
    # BERT and its kin are listed as causal too, for those who would retrain them.
    if type(config) in MODEL_FOR_CAUSAL_LM_MAPPING and type(config) not in MODEL_FOR_MASKED_LM_MAPPING:
        return DECODER_ONLY
    if type(config) in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
        return ENCODER
    raise ValueError(
        f"a {config.model_type} is no language model; use an encoder-decoder, a decoder-only model or an encoder of"
        " text"
    )


def output_apart(model: PreTrainedModel) -> PreTrainedModel:
    """The model; where its output layer has weights of its own, its configuration says so.

    In this transformers T5's configuration says that the layers are tied, whatever the weights: the embeddings of new
    tokens would then overwrite the output layer of T5 v1.1.
    """
    out = model.get_output_embeddings()
    if out is not None and out.weight is not model.get_input_embeddings().weight:
        model.config.tie_word_embeddings = False
    return model


def check_labels(tokenizer: PreTrainedTokenizerBase, rows: Iterable[TrainingRow], card: TaskCard, name: str) -> None:
    """Raises SettingsError where two labels that a row may have are one sequence of tokens."""
    groups = {card.classes} if card.classes else {tuple(dict.fromkeys(row.choices)) for row in rows}
    texts = sorted({text for group in groups for text in group})
    tokens = dict(zip(texts, map(tuple, encode(tokenizer, texts, NO_LIMIT, target=True)[0]), strict=True))
    for group in sorted(groups):
        places: dict[tuple[int, ...], str] = {}
        for label in group:
            first = places.setdefault(tokens[label], label)
            if first != label:
                raise SettingsError(
                    f"student.name: {name!r}: its tokenizer does not tell the labels {first!r} and {label!r} apart, so"
                    " they could not be learnt; take a student of their language, or call them otherwise"
                )


def _check_weights(model: PreTrainedModel, kind: str, report: Mapping[str, Any]) -> None:
    """Raises ValueError, in words, where weights are missing, of another shape or not finite.

    An encoder's head and pooler may be missing: the one is drawn anew, the other not used.
    """
    inner = f"{model.base_model_prefix}."

    def needed(key: str) -> bool:
        is_head = model.base_model is not model and not key.startswith(inner)
        return not (kind == ENCODER and (is_head or "pooler." in key))

    missing = sorted(key for key in report["missing_keys"] if needed(key))
    if missing:
        raise ValueError(f"weights are missing, which would be random numbers: {_named(missing)}")
    other = sorted(key for key in (str(entry[0]) for entry in report["mismatched_keys"]) if needed(key))
    if other:
        raise ValueError(f"weights are of another shape than its config.json says: {_named(other)}")
    weights = model.state_dict().items()
    infinite = sorted(key for key, value in weights if value.is_floating_point() and not value.isfinite().all())
    if infinite:
        raise ValueError(f"weights are not finite numbers: {_named(infinite)}; they were damaged, or diverged")


def _check_vocabulary(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    tokens = max(tokenizer.get_vocab().values(), default=-1) + 1
    if not tokens:
        raise ValueError("its tokenizer has no tokens")
    rows = model.get_input_embeddings().weight.shape[0]
    if tokens > rows:
        raise ValueError(f"its tokenizer has {tokens:,} tokens and its weights {rows:,}; they do not belong together")


def _named(keys: Sequence[str]) -> str:
    return ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
