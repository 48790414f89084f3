"""From a model's response to a record: label, rationale, status.

The text of a response is untrusted: it is only ever searched, in time linear in
its length, and a response that names no label never gets one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from distill.answers.parsing.choice_answers import choice_answer
from distill.answers.parsing.cleaning import clean
from distill.answers.parsing.folding import fold, squeeze
from distill.answers.parsing.lexicon import Lexicon, lexicon
from distill.answers.parsing.number_answers import number_answer
from distill.answers.parsing.numbers import plain_mathematics, same_number
from distill.answers.parsing.rationales import find_rationale
from distill.answers.parsing.record import KINDS, NOTHING, Finding, Parsed
from distill.answers.parsing.run_on import cut_run_on
from distill.answers.parsing.structured import read_structured
from distill.answers.parsing.text_answers import text_answer
from distill.answers.parsing.thoughts import split_thoughts
from distill.answers.parsing.verdicts import Naming

_CUT = ("length", "max_tokens")
_WITHHELD = "content_filter"
_LONGEST_ANSWER = 200
# Only the beginning is read: deep inside an explanation the same words are about something else.
_OPENING = 240
_REFUSAL = re.compile(
    r"\b(?:sorry|apologi[sz]e|apologies)\b[^\n]{0,60}?\b(?:can(?:not|'t)|unable|not able|won't|don't|do not|but i)\b"
    r"|\bi\s*(?:'m| am)\s+(?:not able|unable|not allowed|not comfortable)\s+to\b"
    r"|\bi\s+(?:can(?:not|'t| not)|won't|will not|must decline|refuse to|decline to)\s+"
    r"(?:help|assist|answer|provide|comply|fulfil|respond|engage|endorse|recommend|support|generate|continue|do"
    r" that|discuss|complete|to\b)"
)
# An answer is named so often at most; what lies further ahead is no verdict.
_MOST_NAMES = 200
_DIGITS = re.compile(r"-?\d[\d,.]*")
_DISCLAIMER = re.compile(r"\bas an? (?:ai|artificial|language|large language)\b")


def parse_response(
    text: str,
    *,
    kind: str,
    choices: Sequence[str] = (),
    finish_reason: str | None = None,
    expect_rationale: bool = True,
    aliases: Mapping[str, Sequence[str]] = MappingProxyType({}),
    heads: Sequence[str] = (),
    rationale_from: Literal["answer", "thought"] = "answer",
    thought: str | None = None,
    decimal: str = "auto",
) -> Parsed:
    """Read one response.

    `kind` is `classes` (`choices` are the names of the labels), `choices` (multiple
    choice: `choices` are the options in the order shown; the label is the option's
    text), `number` (the label is a canonical number) or `text`. `finish_reason` is
    the API's own word. `expect_rationale=False` is for prompts that ask for a bare
    label. `aliases` are other names of choices. `heads` are the words that head a row's
    fields in the prompt (Template.heads): an invented next row begins with them. `decimal`
    is the mark of decimals in numbers (numbers.number_of).
    What a model thinks is neither label nor rationale, unless `rationale_from` asks for
    the thought as the rationale: the one in the text, or else `thought`, which came
    beside it. Raises ValueError for an unknown kind, or where choices are missing.
    """
    return read_response(
        text,
        kind=kind,
        choices=choices,
        finish_reason=finish_reason,
        expect_rationale=expect_rationale,
        aliases=aliases,
        heads=heads,
        rationale_from=rationale_from,
        thought=thought,
        decimal=decimal,
    )[0]


def read_response(
    text: str,
    *,
    kind: str,
    choices: Sequence[str] = (),
    finish_reason: str | None = None,
    expect_rationale: bool = True,
    aliases: Mapping[str, Sequence[str]] = MappingProxyType({}),
    heads: Sequence[str] = (),
    rationale_from: Literal["answer", "thought"] = "answer",
    thought: str | None = None,
    decimal: str = "auto",
) -> tuple[Parsed, Finding]:
    """As `parse_response`, with the finding that led to the record."""
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}, must be one of {', '.join(KINDS)}")
    if kind in ("classes", "choices") and not any(choice.strip() for choice in choices):
        raise ValueError(f"kind {kind!r} needs choices, got {list(choices)!r}")
    parts = split_thoughts(unicodedata.normalize("NFC", text))
    answer, thought = parts.answer(), parts.thought() or thought
    # A text that is nothing but a thought breaks off too.
    cut = finish_reason in _CUT or parts.inside or (bool(thought) and not answer.strip())

    def find(part: str) -> Finding:
        if kind == "number":
            return number_answer(part, fold(part), cut=cut, decimal=decimal)
        return _find(part, kind, choices, aliases, cut, expect_rationale)

    def answered(part: str) -> Finding:
        structured = read_structured(part, is_answer(find, kind))
        return _find_structured(structured.answer, find, kind) if structured else find(part)

    text, ran_on = cut_run_on(clean(answer), heads, answered)

    def explain(part: str, finding: Finding) -> str | None:
        return find_rationale(part, finding, _naming(part, finding, kind, choices, aliases), cut=cut)

    parsed, finding = _read(text, find, explain, kind, cut, finish_reason == _WITHHELD, expect_rationale)
    if rationale_from == "thought" and parsed.status not in ("refusal", "truncated"):
        parsed = _record(finding, explain(clean(thought or ""), _elsewhere(finding)), expect_rationale)
    notes = (*(("run_on",) if ran_on else ()), *finding.notes)
    return (replace(parsed, notes=notes) if notes else parsed), finding


def _read(
    text: str,
    find: Callable[[str], Finding],
    explain: Callable[[str, Finding], str | None],
    kind: str,
    cut: bool,
    withheld: bool,
    expect_rationale: bool,
) -> tuple[Parsed, Finding]:
    structured = read_structured(text, is_answer(find, kind))
    if structured:
        finding = _find_structured(structured.answer, find, kind)
        if finding.label is not None or finding.several:
            rationale = explain(structured.rationale or structured.around, _elsewhere(finding))
            return _record(finding, rationale, expect_rationale), finding
        # The answer names no choice, and what the rationale merely mentions is none either.
        text = structured.around
    if kind == "number":
        text = plain_mathematics(text)
    finding = find(text)
    declined = withheld or is_refusal(fold(text), answered=finding.label is not None)
    if not finding.clear:
        if declined:
            return Parsed(None, None, "refusal"), NOTHING
        if cut:
            return Parsed(None, None, "truncated"), NOTHING
    rationale = explain(structured.rationale, _elsewhere(finding)) if structured and structured.rationale else None
    return _record(finding, rationale or explain(text, finding), expect_rationale), finding


def is_answer(find: Callable[[str], Finding], kind: str) -> Callable[[str], bool]:
    """Whether a short text is an answer and nothing else: a choice or a number. Any text can be one of free text."""

    def alone(text: str) -> bool:
        return kind != "text" and len(text) <= _LONGEST_ANSWER and "\n" not in text and find(text).rule == "bare"

    return alone


def _elsewhere(finding: Finding) -> Finding:
    """The finding for a text apart from the one that states its answer: there the whole of it explains."""
    return replace(finding, statement=(0, 0), words=None)


def _naming(
    text: str, finding: Finding, kind: str, choices: Sequence[str], aliases: Mapping[str, Sequence[str]]
) -> Naming:
    """Where `text` names its answer, or any answer where it has none."""
    if kind == "text" or (kind == "number" and finding.label is None):
        return Naming(statement=finding.statement)
    if kind == "number":
        digits = list(_DIGITS.finditer(text))[-_MOST_NAMES:]
        places = [match.span() for match in digits if same_number(match[0].rstrip(".,"), finding.label)]
        return Naming(places, finding.statement, number=True)
    words, folded = _lexicon(kind, choices, aliases), fold(text)
    named = [(place, words.label_of(folded[slice(*place)])) for place in words.find(folded)[-_MOST_NAMES:]]
    own = [place for place, label in named if finding.label in (None, label)]
    others = [place for place, label in named if finding.label not in (None, label)]
    return Naming(own + ([finding.words] if finding.words else []), finding.statement, others)


def _lexicon(kind: str, choices: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> Lexicon:
    return lexicon(tuple(choices), kind == "choices", tuple((name, tuple(aliases[name])) for name in aliases))


def _find_structured(answer: str, find: Callable[[str], Finding], kind: str) -> Finding:
    if kind == "text":
        return Finding(squeeze(answer), "structured", clear=True)
    return find(f"Answer: {answer.strip()}\n")


def _find(
    text: str,
    kind: str,
    choices: Sequence[str],
    aliases: Mapping[str, Sequence[str]],
    cut: bool,
    expect_rationale: bool,
) -> Finding:
    if kind == "text":
        return text_answer(text, expect_rationale=expect_rationale)
    return choice_answer(text, fold(text), _lexicon(kind, choices, aliases), cut=cut)


def _record(finding: Finding, rationale: str | None, expect_rationale: bool) -> Parsed:
    if finding.label is None:
        return Parsed(None, rationale, "ambiguous" if finding.several else "no_label")
    return Parsed(finding.label, rationale, "ok" if rationale or not expect_rationale else "no_rationale")


def is_refusal(folded: str, *, answered: bool) -> bool:
    """Whether a folded response begins by declining.

    A mere disclaimer ("As an AI, …") declines only if no answer came after it.
    """
    opening = folded[:_OPENING]
    return bool(_REFUSAL.search(opening)) or (not answered and bool(_DISCLAIMER.search(opening)))
