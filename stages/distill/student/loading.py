"""Makes a student, and loads it again: the one place that decides its kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import transformers
from tokenizers import processors
from transformers import (
    AutoConfig,
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
from transformers.utils import logging

from distill.rows.records import TaskCard, TrainingRow
from distill.settings import Settings, SettingsError
from distill.settings.runtime import RuntimeSettings
from distill.settings.student import LoraSettings, ScratchSettings, StudentSettings
from distill.student.architecture import Architecture
from distill.student.decoder_only import DecoderOnly
from distill.student.encoder_choices import ChoiceEncoder
from distill.student.encoder_classes import ClassEncoder, name_classes
from distill.student.encoder_decoder import EncoderDecoder
from distill.student.losses import LossOptions
from distill.student.plan import (
    DECODER_ONLY,
    ENCODER,
    ENCODER_DECODER,
    FORMS,
    NO_CODE,
    TASK_TOKENS,
    StudentPlan,
    form_name,
)
from distill.student.pretrained import check_labels, model_kind, output_apart, pretrained
from distill.student.single_task import SingleTaskDecoderOnly, SingleTaskEncoderDecoder
from distill.student.tokenizing import NO_LIMIT, begin_with, encode, train_tokenizer

# The class of a student by the name of its form, and the class that writes rationale and label as one answer.
ARCHITECTURES: dict[str, tuple[type[Architecture], type[Architecture] | None]] = {
    ENCODER_DECODER: (EncoderDecoder, SingleTaskEncoderDecoder),
    DECODER_ONLY: (DecoderOnly, SingleTaskDecoderOnly),
    "encoder classes": (ClassEncoder, None),
    "encoder choices": (ChoiceEncoder, None),
}

logging.set_verbosity_error()
logging.disable_progress_bar()


def new_student(rows: Sequence[TrainingRow], card: TaskCard, settings: Settings) -> Architecture:
    """An untrained or pretrained student for the task, its fresh weights drawn with `student.seed`.

    Raises SettingsError where `student.name` cannot be loaded or is of no supported kind.
    """
    torch.manual_seed(settings.student.seed)
    student_settings = settings.student
    if student_settings.name == "scratch":
        model, tokenizer = scratch_model(rows, card, student_settings)
    else:
        model, tokenizer = pretrained(student_settings.name, student_settings.revision, card.kind, card.classes)
    kind = model_kind(model.config)
    if kind == ENCODER:
        _check_encoder(model.config, tokenizer, card, settings)
    if student_settings.lora.rank:
        if kind != DECODER_ONLY:
            raise SettingsError(
                f"student.lora.rank: is {student_settings.lora.rank}; only a decoder-only student takes LoRA, set it to"
                f" 0 for {student_settings.name!r}"
            )
        model = adapted(model, student_settings.lora)
    if form_name(kind, card.kind) != "encoder classes":
        check_labels(tokenizer, rows, card, student_settings.name)
    labels, _ = encode(tokenizer, sorted({row.label for row in rows}), NO_LIMIT, target=True)
    plan = StudentPlan(
        kind=kind,
        mode=settings.train.mode,
        task_token=settings.train.task_token,
        task_kind=card.kind,
        classes=card.classes,
        max_input_tokens=student_settings.max_input_tokens,
        # An unseen number or free text may be longer than any that was seen.
        max_label_tokens=2 * max(map(len, labels)),
        max_rationale_tokens=student_settings.max_rationale_tokens,
        name=student_settings.name,
        revision=student_settings.revision,
        seed=student_settings.seed,
        temperature=student_settings.encoder.temperature,
    )
    student = _built(plan, model, tokenizer)
    student.options = LossOptions.of(settings.train)
    student.grow(rows, student_settings)
    return student


def save_student(student: Architecture, folder: Path) -> None:
    """Writes a Hugging Face folder with the plan beside it, last, so that a folder with a plan is complete."""
    student.save(folder)
    student.plan.write(folder)


def load_student(folder: Path) -> Architecture:
    """The student that `save_student` wrote, on the CPU, ready to predict. Raises DataError without a plan."""
    plan = StudentPlan.read(folder)
    loader = getattr(transformers, plan.form.model_class)
    model = output_apart(loader.from_pretrained(folder, dtype=torch.float32, local_files_only=True, **NO_CODE))
    student = _built(plan, model, AutoTokenizer.from_pretrained(folder, local_files_only=True, **NO_CODE))
    student.restore(folder)
    return student.eval()


def untrained_student(folder: Path) -> Architecture:
    """The student in `folder` as it was before its first step, on the CPU, ready to predict labels.

    Weights that were drawn are drawn again from the same seed, and pretrained ones are loaded again. Adapters change
    nothing before they are trained, so none are made. Raises DataError without a plan, SettingsError where the
    pretrained weights cannot be loaded.
    """
    plan = StudentPlan.read(folder)
    torch.manual_seed(plan.seed)
    if plan.name == "scratch":
        config = AutoConfig.from_pretrained(folder, local_files_only=True, **NO_CODE)
        model = getattr(transformers, plan.form.model_class).from_config(config, dtype=torch.float32)
    else:
        model, _ = pretrained(plan.name, plan.revision, plan.task_kind, plan.classes)
    return _built(plan, model, AutoTokenizer.from_pretrained(folder, local_files_only=True, **NO_CODE)).eval()


def compute_device(runtime: RuntimeSettings) -> torch.device:
    """Where to compute; sets torch's threads as well. Raises SettingsError where CUDA is asked for and absent."""
    torch.set_num_threads(runtime.threads)
    there = torch.cuda.is_available()
    if runtime.device == "cuda" and not there:
        raise SettingsError("runtime.device: is cuda, but torch sees no CUDA device; set it to auto or cpu")
    return torch.device("cuda" if there and runtime.device != "cpu" else "cpu")


def _built(plan: StudentPlan, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Architecture:
    two_answers, single_answer = ARCHITECTURES[plan.form_name]
    architecture = single_answer if plan.single_answer and single_answer is not None else two_answers
    return architecture(model, tokenizer, plan)


def _check_encoder(
    config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase, card: TaskCard, settings: Settings
) -> None:
    """Raises SettingsError where an encoder cannot do what the settings ask for."""
    student_settings, train_settings = settings.student, settings.train
    name = f"student.name: {student_settings.name!r}, an encoder,"
    if student_settings.name == "scratch":
        name = "student.scratch.architecture: encoder"
    if form_name(ENCODER, card.kind) not in FORMS:
        raise SettingsError(
            f"{name} chooses among labels that are there and writes none, and the task's labels are of the kind"
            f" {card.kind}; take an encoder-decoder (T5) or a decoder-only student (Llama)"
        )
    if train_settings.mode == "single_task":
        raise SettingsError(
            f"train.mode: single_task: {name} does not write its labels, so no rationale can stand before them; set"
            " step_by_step"
        )
    if train_settings.task_token == "prefix":
        raise SettingsError(f"train.task_token: prefix: {name} reads each input once for both tasks; set decoder")
    if train_settings.mutual_information:
        raise SettingsError(
            f"train.mutual_information: is {train_settings.mutual_information}; {name} chooses its label and writes its"
            " rationale, so the two predict nothing that could be compared; set it to 0"
        )
    if None in (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id):
        raise SettingsError(
            f"{name} has a tokenizer without a token that begins, ends or pads a text; take another encoder"
        )
    heads, width = student_settings.encoder.decoder_heads, student_settings.encoder.decoder_width or config.hidden_size
    if width % heads:
        raise SettingsError(f"student.encoder.decoder_heads: is {heads}; it must divide the decoder's width, {width}")
    most = min(
        tokenizer.model_max_length, getattr(config, "max_position_embeddings", None) or tokenizer.model_max_length
    )
    if student_settings.max_input_tokens > most:
        raise SettingsError(
            f"student.max_input_tokens: is {student_settings.max_input_tokens}; {name} reads at most {most}"
        )


def scratch_model(
    rows: Sequence[TrainingRow], card: TaskCard, settings: StudentSettings
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A T5, a Llama of the decoder's layers or a BERT of the encoder's, drawn from torch's random numbers."""
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
    if card.kind != "classes":
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
