"""The lines of Python that load the folder and ask the model: the card shows them, and the tests run them."""

from __future__ import annotations

from dataclasses import dataclass

from distill.answers.choices import apart
from distill.rows.records import Example
from distill.student.plan import (
    DECODER_ONLY,
    ENCODER_DECODER,
    TASK_MARKS,
    TASK_PREFIXES,
    TASK_TOKENS,
    StudentPlan,
)


@dataclass(frozen=True)
class UsageExample:
    """Code that leaves the answer in a variable `label` or `rationale`: three lines each.

    An encoder that chooses among a row's own answers needs six. There is no rationale where none was learnt, or where
    it takes this project's code.
    """

    label: str
    rationale: str | None


def usage_example(plan: StudentPlan, folder: str, example: Example, chat: bool) -> UsageExample:
    """For the folder of that name, asked about `example`; `chat` says whether its tokenizer has a chat template."""
    if plan.kind == ENCODER_DECODER:
        return _encoder_decoder(plan, folder, example)
    if plan.kind == DECODER_ONLY:
        return _decoder_only(plan, folder, example, chat)
    return UsageExample(_encoder(plan, folder, example), None)


def _encoder_decoder(plan: StudentPlan, folder: str, example: Example) -> UsageExample:
    load = [
        f"from transformers import {plan.form.model_class}, AutoTokenizer",
        f"model, tokenizer = {plan.form.model_class}.from_pretrained({folder!r}),"
        f" AutoTokenizer.from_pretrained({folder!r})",
    ]

    def written(task: str, options: str = "") -> str:
        text = (TASK_PREFIXES[task] if plan.by_prefix else "") + example.input
        return f'model.generate(**tokenizer({text!r}, truncation=True, return_tensors="pt"){options})[0]'

    if plan.single_answer:
        answer, begin = f"tokenizer.decode({written('label')})", TASK_TOKENS["label"]
        label = f"label = {answer}.split({begin!r})[-1].split(tokenizer.eos_token)[0].strip()"
        rationale = f"rationale = {answer}.split({begin!r})[0].removeprefix({TASK_TOKENS['rationale']!r}).strip()"
    else:
        label = f"label = tokenizer.decode({written('label')}, skip_special_tokens=True).strip()"
        options = f", max_new_tokens={plan.max_rationale_tokens}"
        if not plan.by_prefix:
            options += f", decoder_start_token_id=tokenizer.convert_tokens_to_ids({TASK_TOKENS['rationale']!r})"
        rationale = f"rationale = tokenizer.decode({written('rationale', options)}, skip_special_tokens=True).strip()"
    return _usage_example(plan, load, label, rationale)


def _decoder_only(plan: StudentPlan, folder: str, example: Example, chat: bool) -> UsageExample:
    special = ", add_special_tokens=False" if chat else ""
    load = [
        "from transformers import pipeline",
        f'write = pipeline("{plan.form.pipeline_tag}", {folder!r}, return_full_text=False{special})',
    ]

    def prompt(task: str) -> str:
        text = (TASK_PREFIXES[task] if plan.by_prefix else "") + example.input
        if not chat:
            return repr(text + TASK_MARKS[task])
        message = f'[{{"role": "user", "content": {text!r}}}]'
        chat_text = f"write.tokenizer.apply_chat_template({message}, add_generation_prompt=True, tokenize=False)"
        return f"{chat_text} + {TASK_MARKS[task]!r}"

    if plan.single_answer:
        parts = f'write({prompt("rationale")})[0]["generated_text"].split({TASK_MARKS["label"]!r})'
        label, rationale = f"label = {parts}[-1].strip()", f"rationale = {parts}[0].strip()"
    else:
        label = f'label = write({prompt("label")})[0]["generated_text"].strip()'
        prompted = f"{prompt('rationale')}, max_new_tokens={plan.max_rationale_tokens}"
        rationale = f'rationale = write({prompted})[0]["generated_text"].strip()'
    return _usage_example(plan, load, label, rationale)


def _usage_example(plan: StudentPlan, load: list[str], label: str, rationale: str) -> UsageExample:
    return UsageExample("\n".join([*load, label]), "\n".join([*load, rationale]) if plan.explains else None)


def _encoder(plan: StudentPlan, folder: str, example: Example) -> str:
    """Its label alone: transformers does not know the decoder, this project's own, that writes its rationales."""
    if plan.task_kind == "classes":
        lines = [
            "from transformers import pipeline",
            f'classify = pipeline("{plan.form.pipeline_tag}", {folder!r})',
            f'label = classify({example.input!r}, truncation=True)[0]["label"]',
        ]
    else:
        lines = [
            "import torch",
            f"from transformers import {plan.form.model_class}, AutoTokenizer",
            f"model, tokenizer = {plan.form.model_class}.from_pretrained({folder!r}),"
            f" AutoTokenizer.from_pretrained({folder!r})",
            f"question, choices = {apart(example.input)[0]!r}, {list(example.choices)!r}",
            'means = [model(**tokenizer(text, truncation=True, return_tensors="pt")).last_hidden_state.mean(1)'
            " for text in [question, *choices]]",
            "label = choices[torch.cosine_similarity(means[0], torch.cat(means[1:])).argmax()]",
        ]
    return "\n".join(lines)
