"""Untrained students of the sizes in `student.scratch`, with a tokenizer of the training rows."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    T5Config,
    T5ForConditionalGeneration,
)

from distill.rows.records import TaskCard, TrainingRow
from distill.settings.student import ScratchSettings, StudentSettings
from distill.student.encoder_classes import ClassEncoder, name_classes
from distill.student.tokenizing import TASK_TOKENS, begin_with, train_tokenizer


def scratch_model(rows: Sequence[TrainingRow], card: TaskCard, settings: StudentSettings) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A T5, a Llama of the decoder's layers or a BERT of the encoder's, drawn from torch's random numbers as they stand."""
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
