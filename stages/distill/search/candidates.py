"""Proposed prompts: found in a model's text, and checked before a call is spent on them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from distill.templates import Template, TemplateError

OPEN, CLOSE = "<PROMPT>", "</PROMPT>"
_TAGGED = re.compile(re.escape(OPEN) + r"(.*?)" + re.escape(CLOSE), re.DOTALL)

REJECTIONS = ("no_answer", "no_tags", "placeholders", "too_long", "repeated")


class Rejected(ValueError):
    """A proposal that is not worth a call; `reason` is one of REJECTIONS."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def candidate(
    text: str | None,
    *,
    system: str,
    needed: Iterable[str],
    fields: Collection[str],
    max_words: int,
    seen: Collection[str],
) -> Template:
    """The prompt in a proposal: what stands between the last pair of tags.

    `needed` are the placeholders it must show and `seen` the fingerprints of earlier prompts. Raises
    Rejected with the reason.
    """
    if not text:
        raise Rejected("no_answer")
    tagged = _TAGGED.findall(text)
    if not tagged or not tagged[-1].strip():
        raise Rejected("no_tags")
    template = Template(system, tagged[-1].strip())
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
