"""The lines of Python that load the folder and ask it, by kind of student: what the card shows and the tests run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from distill.answers.choices import apart
from distill.rows.records import Example
from distill.student.task_words import MARKS, PREFIXES, TASK_TOKENS


@dataclass(frozen=True)
class Usage:
    """label, rationale: three lines each (six for an encoder that chooses among a row's own answers) that leave the
    answer in `label` or `rationale`; no rationale where none was learnt, or where it takes code of this project.
    pipeline_tag, model_class: as the Hugging Face hub and transformers name them.
    """

    label: str
    rationale: str | None
    pipeline_tag: str
    model_class: str


def usage(plan: Mapping[str, Any], place: str, example: Example, chat: bool) -> Usage:
    """For the folder `place`, asked about `example`; `chat` says whether its tokenizer has a chat template."""
    return _KINDS[plan["kind"]](plan, place, example, chat)


def _encoder_decoder(plan: Mapping[str, Any], place: str, example: Example, chat: bool) -> Usage:
    single = plan["mode"] == "single_task"
    by_prefix = plan["task_token"] == "prefix" and not single
    front = {task: prefix if by_prefix else "" for task, prefix in PREFIXES.items()}
    load = [
        "from transformers import AutoModelForSeq2SeqLM, AutoTokenizer",
        (
            f"model, tokenizer = AutoModelForSeq2SeqLM.from_pretrained({place!r}),"
            f" AutoTokenizer.from_pretrained({place!r})"
        ),
    ]

    def ask(task: str, options: str = "") -> str:
        return (
            f"model.generate(**tokenizer({front[task] + example.input!r}, truncation=True,"
            f' return_tensors="pt"){options})[0]'
        )

    if single:
        told, end = TASK_TOKENS["label"], "tokenizer.eos_token"
        whole = f"tokenizer.decode({ask('label')})"
        label = f"label = {whole}.split({told!r})[-1].split({end})[0].strip()"
        rationale = f"rationale = {whole}.split({told!r})[0].removeprefix({TASK_TOKENS['rationale']!r}).strip()"
    else:
        label = f"label = tokenizer.decode({ask('label')}, skip_special_tokens=True).strip()"
        start = (
            ""
            if by_prefix
            else f", decoder_start_token_id=tokenizer.convert_tokens_to_ids({TASK_TOKENS['rationale']!r})"
        )
        options = f", max_new_tokens={plan['max_rationale_tokens']}{start}"
        rationale = f"rationale = tokenizer.decode({ask('rationale', options)}, skip_special_tokens=True).strip()"
    return _made(plan, load, label, rationale, "text2text-generation", "AutoModelForSeq2SeqLM")


def _decoder_only(plan: Mapping[str, Any], place: str, example: Example, chat: bool) -> Usage:
    single = plan["mode"] == "single_task"
    by_prefix = plan["task_token"] == "prefix" and not single
    special = ", add_special_tokens=False" if chat else ""
    load = [
        "from transformers import pipeline",
        f'write = pipeline("text-generation", {place!r}, return_full_text=False{special})',
    ]

    def prompt(task: str) -> str:
        text = (PREFIXES[task] if by_prefix else "") + example.input
        if chat:
            message = f'[{{"role": "user", "content": {text!r}}}]'
            return (
                f"write.tokenizer.apply_chat_template({message}, add_generation_prompt=True, tokenize=False) +"
                f" {MARKS[task]!r}"
            )
        return repr(text + MARKS[task])

    if single:
        whole = f'write({prompt("rationale")})[0]["generated_text"].split({MARKS["label"]!r})'
        label, rationale = f"label = {whole}[-1].strip()", f"rationale = {whole}[0].strip()"
    else:
        label = f'label = write({prompt("label")})[0]["generated_text"].strip()'
        rationale = (
            f"rationale = write({prompt('rationale')},"
            f' max_new_tokens={plan["max_rationale_tokens"]})[0]["generated_text"].strip()'
        )
    return _made(plan, load, label, rationale, "text-generation", "AutoModelForCausalLM")


def _made(plan: Mapping[str, Any], load: list[str], label: str, rationale: str, tag: str, model_class: str) -> Usage:
    explains = plan["mode"] != "standard"
    return Usage("\n".join([*load, label]), "\n".join([*load, rationale]) if explains else None, tag, model_class)


def _encoder(plan: Mapping[str, Any], place: str, example: Example, chat: bool) -> Usage:
    """Its rationales are written by a decoder of this project's own, which transformers does not know."""
    if plan["task_kind"] == "classes":
        load = ["from transformers import pipeline", f'classify = pipeline("text-classification", {place!r})']
        label = f'label = classify({example.input!r}, truncation=True)[0]["label"]'
        return Usage("\n".join([*load, label]), None, "text-classification", "AutoModelForSequenceClassification")
    lines = [
        "import torch",
        "from transformers import AutoModel, AutoTokenizer",
        f"model, tokenizer = AutoModel.from_pretrained({place!r}), AutoTokenizer.from_pretrained({place!r})",
        f"question, choices = {apart(example.input)[0]!r}, {list(example.choices)!r}",
        (
            'means = [model(**tokenizer(text, truncation=True, return_tensors="pt")).last_hidden_state.mean(1) for text'
            " in [question, *choices]]"
        ),
        "label = choices[torch.cosine_similarity(means[0], torch.cat(means[1:])).argmax()]",
    ]
    return Usage("\n".join(lines), None, "sentence-similarity", "AutoModel")


_KINDS = {"encoder_decoder": _encoder_decoder, "decoder_only": _decoder_only, "encoder": _encoder}
