"""Making a student, and finding it again: the one place that decides its kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import processors
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    T5Config,
    T5ForConditionalGeneration,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
)
from transformers.utils import logging

from distill.errors import DataError
from distill.rows.files import write_json
from distill.rows.records import TaskCard, TrainingRow, read_json
from distill.settings import Settings, SettingsError
from distill.settings.runtime import RuntimeSettings
from distill.settings.student import LoraSettings, ScratchSettings, StudentSettings
from distill.student.architecture import Architecture, Plan
from distill.student.decoder_only import DecoderOnly
from distill.student.encoder import Encoder
from distill.student.encoder_choices import ChoiceEncoder
from distill.student.encoder_classes import ClassEncoder, name_classes
from distill.student.encoder_decoder import EncoderDecoder
from distill.student.losses import LossOptions
from distill.student.single_task import SingleTaskDecoderOnly, SingleTaskEncoderDecoder
from distill.student.tokenizing import NO_LIMIT, TASK_TOKENS, begin_with, encode, train_tokenizer

PLAN = "student.json"
# By kind: what loads its model, the class for one answer a task, and the one for one answer in all.
KINDS: dict[str, tuple[Any, Any, Any]] = {
    EncoderDecoder.kind: (AutoModelForSeq2SeqLM, EncoderDecoder, SingleTaskEncoderDecoder),
    DecoderOnly.kind: (AutoModelForCausalLM, DecoderOnly, SingleTaskDecoderOnly),
}
# An encoder's, by the task's kind.
ENCODERS: dict[str, tuple[Any, Any]] = {
    ClassEncoder.task_kind: (AutoModelForSequenceClassification, ClassEncoder),
    ChoiceEncoder.task_kind: (AutoModel, ChoiceEncoder),
}

logging.set_verbosity_error()
logging.disable_progress_bar()


def new_student(rows: Sequence[TrainingRow], card: TaskCard, settings: Settings) -> Architecture:
    """An untrained or pretrained student for the task, its fresh weights drawn with `student.seed`.

    Raises SettingsError where `student.name` cannot be loaded or is of no supported kind.
    """
    torch.manual_seed(settings.student.seed)
    asked = settings.student
    model, tokenizer = (
        scratch_model(rows, card, asked)
        if asked.name == "scratch"
        else _pretrained(asked.name, asked.revision, card.kind, card.classes)
    )
    kind = _kind(model.config)
    if kind == Encoder.kind:
        _check_encoder(model.config, tokenizer, card, settings)
    if asked.lora.rank:
        if kind != DecoderOnly.kind:
            raise SettingsError(
                f"student.lora.rank: is {asked.lora.rank}; only a decoder-only student takes LoRA, set it to 0 for"
                f" {asked.name!r}"
            )
        model = adapted(model, asked.lora)
    labels, _ = encode(tokenizer, sorted({row.label for row in rows}), NO_LIMIT, target=True)
    plan = Plan(
        kind=kind,
        mode=settings.train.mode,
        task_token=settings.train.task_token,
        task_kind=card.kind,
        classes=card.classes,
        max_input_tokens=asked.max_input_tokens,
        # An unseen number or free text may be longer than any that was seen.
        max_label_tokens=2 * max(map(len, labels)),
        max_rationale_tokens=asked.max_rationale_tokens,
        name=asked.name,
        revision=asked.revision,
        seed=asked.seed,
        temperature=asked.encoder.temperature,
    )
    student = _built(plan, model, tokenizer)
    student.options = LossOptions.of(settings.train)
    student.grow(rows, asked)
    return student


def save_student(student: Architecture, folder: Path) -> None:
    """Writes a Hugging Face folder with the plan beside it, last, so that a folder with a plan is complete."""
    student.save(folder)
    write_json(folder / PLAN, student.plan)


def load_student(folder: Path) -> Architecture:
    """The student that `save_student` wrote, on the CPU, ready to predict. Raises DataError without a plan."""
    plan = _plan(folder)
    model = _apart(_auto(plan.kind, plan.task_kind).from_pretrained(folder, dtype=torch.float32, local_files_only=True))
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    student = _built(plan, model, tokenizer)
    student.restore(folder)
    return student.eval()


def untrained_student(folder: Path) -> Architecture:
    """The student in `folder` as it was before its first step, on the CPU, ready to predict labels.

    Weights that were drawn are drawn again, from the same seed, and pretrained ones loaded again; adapters change
    nothing before they are trained, so none are made. Raises DataError without a plan, SettingsError where the
    pretrained weights cannot be loaded.
    """
    plan = _plan(folder)
    torch.manual_seed(plan.seed)
    if plan.name == "scratch":
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        model = _auto(plan.kind, plan.task_kind).from_config(config, dtype=torch.float32)
    else:
        model, _ = _pretrained(plan.name, plan.revision, plan.task_kind, plan.classes)
    return _built(plan, model, AutoTokenizer.from_pretrained(folder, local_files_only=True)).eval()


def device(runtime: RuntimeSettings) -> torch.device:
    """Where to compute; sets torch's threads as well. Raises SettingsError where CUDA is asked for and absent."""
    torch.set_num_threads(runtime.threads)
    there = torch.cuda.is_available()
    if runtime.device == "cuda" and not there:
        raise SettingsError("runtime.device: is cuda, but torch sees no CUDA device; set it to auto or cpu")
    return torch.device("cuda" if there and runtime.device != "cpu" else "cpu")


def _plan(folder: Path) -> Plan:
    plan = read_json(folder / PLAN, Plan)
    if plan.kind not in (*KINDS, Encoder.kind):
        raise DataError(f"{folder / PLAN}: kind is {plan.kind!r}; known: {', '.join((*KINDS, Encoder.kind))}")
    return plan


def _built(plan: Plan, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Architecture:
    if plan.kind == Encoder.kind:
        return ENCODERS[plan.task_kind][1](model, tokenizer, plan)
    _, two, single = KINDS[plan.kind]
    return (single if plan.mode == "single_task" else two)(model, tokenizer, plan)


def _kind(config: PreTrainedConfig) -> str:
    if config.is_encoder_decoder:
        return EncoderDecoder.kind
    # BERT and its kin are listed as causal too, for those who would retrain them.
    if type(config) in MODEL_FOR_CAUSAL_LM_MAPPING and type(config) not in MODEL_FOR_MASKED_LM_MAPPING:
        return DecoderOnly.kind
    if type(config) in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
        return Encoder.kind
    raise ValueError(
        f"a {config.model_type} is no language model; use an encoder-decoder, a decoder-only model or an encoder of"
        " text"
    )


def _auto(kind: str, task_kind: str) -> Any:
    # A number or free text is refused once the tokenizer is there, by name.
    return ENCODERS.get(task_kind, (AutoModel,))[0] if kind == Encoder.kind else KINDS[kind][0]


def _check_encoder(
    config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase, card: TaskCard, settings: Settings
) -> None:
    """Raises SettingsError where an encoder cannot do what is asked of it."""
    asked, mode = settings.student, settings.train.mode
    name = (
        "student.scratch.architecture: encoder"
        if asked.name == "scratch"
        else f"student.name: {asked.name!r}, an encoder,"
    )
    if card.kind not in ENCODERS:
        raise SettingsError(
            f"{name} chooses among given labels and writes none, and the task's labels are of the kind {card.kind}; "
            "take an encoder-decoder (T5) or a decoder-only student (Llama)"
        )
    if mode == "single_task":
        raise SettingsError(
            f"train.mode: single_task: {name} does not write its labels, so no rationale can stand before them; set"
            " step_by_step"
        )
    if settings.train.task_token == "prefix":
        raise SettingsError(f"train.task_token: prefix: {name} reads each input once for both tasks; set decoder")
    if settings.train.mutual_information:
        raise SettingsError(
            f"train.mutual_information: is {settings.train.mutual_information}; {name} chooses its label and writes its"
            " rationale, so the two predict nothing that could be compared; set it to 0"
        )
    if None in (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id):
        raise SettingsError(
            f"{name} has a tokenizer without a token that begins, ends or pads a text; take another encoder"
        )
    width = asked.encoder.decoder_width or config.hidden_size
    if width % asked.encoder.decoder_heads:
        raise SettingsError(
            f"student.encoder.decoder_heads: is {asked.encoder.decoder_heads}; it must divide the decoder's width,"
            f" {width}"
        )
    most = min(
        tokenizer.model_max_length, getattr(config, "max_position_embeddings", None) or tokenizer.model_max_length
    )
    if asked.max_input_tokens > most:
        raise SettingsError(f"student.max_input_tokens: is {asked.max_input_tokens}; {name} reads at most {most}")


def _pretrained(
    asked: str, revision: str | None, task_kind: str, classes: Sequence[str]
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    name = str(Path(asked).expanduser())
    if not Path(name).is_dir():
        name = asked
    try:
        config = AutoConfig.from_pretrained(name, revision=revision)
        kind = _kind(config)
        more: dict[str, Any] = {}
        if kind == Encoder.kind and task_kind == ClassEncoder.task_kind:
            name_classes(config, classes)
            # A classifier of other classes lends its encoder; its head is drawn anew.
            more = {"ignore_mismatched_sizes": True}
        model = _auto(kind, task_kind).from_pretrained(
            name, revision=revision, config=config, dtype=torch.float32, **more
        )
        return _apart(model), AutoTokenizer.from_pretrained(name, revision=revision)
    except (OSError, ValueError) as error:
        raise SettingsError(f"student.name: {asked!r} (revision {revision}) cannot be loaded: {error}") from error


def _apart(model: PreTrainedModel) -> PreTrainedModel:
    """The model, its configuration saying so where the output layer has weights of its own.

    T5's says in this transformers that they are tied, whatever the weights: new tokens would then overwrite v1.1's.
    """
    out = model.get_output_embeddings()
    if out is not None and out.weight is not model.get_input_embeddings().weight:
        model.config.tie_word_embeddings = False
    return model


def scratch_model(
    rows: Sequence[TrainingRow], card: TaskCard, settings: StudentSettings
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A T5, a Llama of the decoder's layers or a BERT of the encoder's, drawn from torch's random numbers as they
    stand.
    """
    sizes = settings.scratch
    texts = [text for row in rows for text in (row.input, row.label, row.rationale, *row.choices) if text]
    tokenizer = train_tokenizer(texts, sizes.vocabulary)
    if sizes.architecture == "encoder":
        begin_with(tokenizer, TASK_TOKENS["label"])
        return _bert(tokenizer, card, settings), tokenizer
    build = _t5 if sizes.architecture == "encoder_decoder" else _llama
    return build(tokenizer, sizes), tokenizer


def _t5(tokenizer: PreTrainedTokenizerBase, sizes: ScratchSettings) -> PreTrainedModel:
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=sizes.d_model,
        d_kv=sizes.d_model // sizes.heads,
        d_ff=sizes.d_ff,
        num_heads=sizes.heads,
        num_layers=sizes.encoder_layers,
        num_decoder_layers=sizes.decoder_layers,
        dropout_rate=sizes.dropout,
        feed_forward_proj="relu",
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.pad_token_id,
    )
    return T5ForConditionalGeneration(config)


def _llama(tokenizer: PreTrainedTokenizerBase, sizes: ScratchSettings) -> PreTrainedModel:
    # A prompt that ended with the end token would be answered by nothing.
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(single="$A", special_tokens=[])
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=sizes.d_model,
        intermediate_size=sizes.d_ff,
        num_attention_heads=sizes.heads,
        num_hidden_layers=sizes.decoder_layers,
        attention_dropout=sizes.dropout,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    return LlamaForCausalLM(config)


def _bert(tokenizer: PreTrainedTokenizerBase, card: TaskCard, settings: StudentSettings) -> PreTrainedModel:
    sizes = settings.scratch
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=sizes.d_model,
        intermediate_size=sizes.d_ff,
        num_attention_heads=sizes.heads,
        num_hidden_layers=sizes.encoder_layers,
        max_position_embeddings=settings.max_input_tokens,
        type_vocab_size=1,
        hidden_dropout_prob=sizes.dropout,
        attention_probs_dropout_prob=sizes.dropout,
        pad_token_id=tokenizer.pad_token_id,
    )
    if card.kind != ClassEncoder.task_kind:
        return BertModel(config)
    name_classes(config, card.classes)
    return BertForSequenceClassification(config)


def adapted(model: PreTrainedModel, settings: LoraSettings) -> PreTrainedModel:
    """The model with trainable adapters of rank `settings.rank` on its linear layers, all else frozen.

    Raises SettingsError where peft is not installed, or no layer has one of the names in `targets`.
    """
    try:
        from peft import LoraConfig, TaskType, get_peft_model
    except ImportError as error:
        raise SettingsError(
            "student.lora.rank: is above 0, and LoRA needs peft; pip install peft, or set rank to 0"
        ) from error
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
