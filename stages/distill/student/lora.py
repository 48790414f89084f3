"""Low-rank adapters (LoRA, arXiv 2106.09685) on a pretrained student, through peft."""

from __future__ import annotations

from transformers import PreTrainedModel

from distill.settings import SettingsError
from distill.settings.student import LoraSettings


def adapted(model: PreTrainedModel, settings: LoraSettings) -> PreTrainedModel:
    """The model with trainable adapters of rank `settings.rank` on its linear layers, all else frozen.

    Raises SettingsError where peft is not installed, or no layer has one of the names in `targets`.
    """
    try:
        from peft import LoraConfig, TaskType, get_peft_model
    except ImportError as error:
        raise SettingsError("student.lora.rank: is above 0, and LoRA needs peft; pip install peft, or set rank to 0") from error
    config = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.targets) or "all-linear",
    )
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise SettingsError(f"student.lora.targets: {', '.join(settings.targets)}: {error}") from error
