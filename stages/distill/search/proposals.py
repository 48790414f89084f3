"""Proposed prompts: how a model is asked for one, and the check of its answer before a call is spent on it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from distill.answers.parsing.thoughts import split_thoughts
from distill.rows.records import Example, TaskCard
from distill.settings import Settings
from distill.teacher.exchange import Request
from distill.templates import Template, TemplateError

OPEN, CLOSE = "<PROMPT>", "</PROMPT>"
_TAGGED = re.compile(rf"{re.escape(OPEN)}((?:(?!{re.escape(OPEN)}).)*?){re.escape(CLOSE)}", re.DOTALL)

# Why a proposal is not worth a call, as metrics name it and as people read it.
REJECTIONS = {
    "no_answer": "without an answer",
    "cut": "cut at prompt.proposal_tokens",
    "no_tags": f"without a prompt between {OPEN} and {CLOSE}",
    "placeholders": "without a placeholder that is needed, or with an unknown one",
    "too_long": "longer than prompt.max_words",
    "repeated": "seen before",
}

# Of these, what tells that the model's answers hold no prompt at all.
UNREADABLE = ("no_answer", "cut", "no_tags")

# A proposal is a prompt between its tags. English takes four tokens for three words; two a word leave room for rare
# words and placeholders, and the rest is for what a model says around the prompt.
TOKENS_A_WORD, TOKENS_AROUND = 2, 200
# A word of TOKENS_A_WORD tokens, as they are estimated.
_LONG_WORD = " lettered"


def proposal_tokens(settings: Settings) -> int:
    """The most tokens of one proposal: prompt.proposal_tokens, or what a prompt of prompt.max_words takes, and no less
    than an answer may take, which has room for thoughts where the model thinks."""
    prompt = settings.prompt
    if prompt.proposal_tokens == "auto":
        return max(TOKENS_A_WORD * prompt.max_words + TOKENS_AROUND, settings.teacher.max_tokens)
    return prompt.proposal_tokens


def proposal_request(question: str, row_id: str, *, number: int, sample: int, settings: Settings) -> Request:
    """One question for a new prompt. `number` tells all proposals of a search apart, `sample` those of one round.

    Where teacher.top_p or teacher.seed is null, proposals go without it too, and teacher.reasoning_effort is sent to
    teacher.model alone.
    """
    prompt, teacher = settings.prompt, settings.teacher
    model, seeded = prompt.model or teacher.model, teacher.seed is not None
    return Request(
        row_id=row_id,
        messages=({"role": "user", "content": question},),
        model=model,
        temperature=prompt.temperature,
        top_p=None if teacher.top_p is None else 1.0,
        max_tokens=proposal_tokens(settings),
        seed=prompt.seed * 1_000_000 + number if seeded else None,
        reasoning_effort=teacher.reasoning_effort if model == teacher.model else None,
        extra=teacher.extra,
        # Without a seed the same question in a later round would be answered by the store.
        sample=sample if seeded else number,
        purpose="propose",
    )


def proposal_block(text: str, total: float) -> str:
    """A prompt with its score, as the model that proposes reads it. `total` is at most 1 and shown of 100."""
    return f"{OPEN}\n{text}\n{CLOSE}\nScore: {round(100 * total)}"


def needed_placeholders(template: Template) -> str:
    """The placeholders that a new prompt must show, as "{context}, {question}"."""
    return ", ".join(f"{{{name}}}" for name in sorted(template.placeholders()))


def row_as_shown(row: Example, card: TaskCard) -> str:
    """All that a prompt may show of a row, a field a line."""
    return "\n".join(row.fields[name] for name in card.fields)


def longest_candidate(start: Template, max_words: int) -> Template:
    """A prompt that is at least as long as any that a search from `start` can take."""
    return Template(start.system, start.user + _LONG_WORD * max_words)


class Rejected(ValueError):
    """A proposal that is not worth a call; `reason` is one of REJECTIONS."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def proposed_template(
    text: str | None,
    *,
    system: str,
    needed: Iterable[str],
    fields: Collection[str],
    max_words: int,
    seen: Collection[str],
) -> Template:
    """The prompt in a proposal: what stands between the last pair of tags that is no part of a thought.

    `needed` are the placeholders it must show and `seen` the fingerprints of earlier prompts. Raises
    Rejected with the reason.
    """
    if not text:
        raise Rejected("no_answer")
    answers = split_thoughts(text).answers
    tagged = [pair for pair in _TAGGED.finditer(text) if any(begin <= pair.start() < end for begin, end in answers)]
    if not tagged or not tagged[-1][1].strip():
        raise Rejected("no_tags")
    template = Template(system, tagged[-1][1].strip())
    if len(template.user.split()) > max_words:
        raise Rejected("too_long")
    try:
        template.check(fields)
    except TemplateError as error:
        raise Rejected("placeholders") from error
    if not set(needed) <= template.placeholders():
        raise Rejected("placeholders")
    if fingerprint(template) in seen:
        raise Rejected("repeated")
    return template


def fingerprint(template: Template) -> str:
    """Equal for prompts that differ in case, spaces or punctuation alone."""
    return re.sub(r"[^a-z0-9{}]+", " ", template.user.lower()).strip()
