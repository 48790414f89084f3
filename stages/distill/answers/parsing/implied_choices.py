"""The choice that a text implies: the only one that its conclusion, or all of it, speaks for."""

from __future__ import annotations

import re

from distill.answers.parsing.folding import word_set
from distill.answers.parsing.judgements import HEDGED, ON_SCALE, mention_is_number
from distill.answers.parsing.lexicon import Lexicon
from distill.answers.parsing.mentions import Mention
from distill.answers.parsing.record import Finding
from distill.answers.parsing.statements import Statement
from distill.answers.parsing.surroundings import is_question

_NO_ANSWER = re.compile(
    r"\b(?:none (?:of|can|is|seems?|fits?)|no (?:single|one|clear|definit\w+|correct|best) (?:answer|option|choice)|"
    r"(?:can ?not|can't|could not) be (?:picked|determined|chosen|decided|answered|known|said)|"
    r"(?:hard|impossible|difficult|not possible) to (?:say|tell|determine|decide|choose|pick|know)|it depends|"
    r"(?:would |will |may |can )?depends? on|not enough (?:information|context|detail)|any of (?:them|these|the)|"
    r"all of (?:them|these|the above|the options))\b"
)
_OBLIGED = re.compile(r"\s+(?:must|has to|have to|should|needs? to|ought to)\s+(?:be|have)\b")
_CONCLUDES = re.compile(
    r"[\s\"'*_`(]*(?:so|therefore|thus|hence|in conclusion|overall|in summary|as a result|consequently|ultimately|"
    r"finally(?!,?\s+(?:option|choice|answer|\(|\d|\w\)))|given (?:the|this|these)|based on|considering|"
    r"however, (?:based|if|out)|out of|of the (?:above|given)|among|from the|this means)\b"
)
# A cue that asserts one answer, unlike "some options are".
_SETTLES = re.compile(
    r"(?:answer|\b(?:correct|right|best|better|optimal|ideal|most|suitable|appropriate|fitting|logical|"
    r"likely|only)\b.*)(?<!s)\Z"
)
_REASON = re.compile(r"\b(?:because|since|due to|which|where)\b|,\s+as\b|\bas (?:it|they|this|he|she)\b")
# As choices these say nothing where they are merely part of a sentence.
_FUNCTION_WORDS = word_set(
    "could can may might will would should do have be is it they all some none other more yes no not neither maybe"
)
# Up to here a text is about one thing; in a longer one a choice can be named in passing.
_SHORT = 300
_PREDICATE = re.compile(
    r"(?:\b(?:is|are|be|as|was|seems|appears|remains)|[:=])[\s\"'*_`(]+(?:[a-z]+\s+){0,2}\Z|"
    r"\bbut\s+(?:rather\s+|instead\s+)?\Z"
)


def implied_choice(
    folded: str,
    mentions: list[Mention],
    statements: list[Statement],
    spans: list[tuple[int, int]],
    lexicon: Lexicon,
) -> Finding | None:
    """The one choice of a sentence that concludes, or of the whole text."""
    claims = _claims(folded, mentions, lexicon)
    if not claims:
        return None
    for statement in reversed(statements):
        cue = folded[statement.start : statement.head]
        if _SETTLES.search(cue) and not _OBLIGED.match(folded, statement.head):
            line = folded.find("\n", statement.head, statement.end)
            named = _within(claims, statement.head, statement.end if line == -1 else line)
            if named:
                return _only(named, "sentence")
    for begin, end in reversed(spans):
        named = _within(claims, begin, end)
        if not named and begin > claims[-1].end and _NO_ANSWER.search(folded, begin, end):
            return Finding(label=None, rule="none", several=len(_labels(claims)) > 1)
        if named and _CONCLUDES.match(folded, begin):
            return _only(named, "conclusion")
    opening, closing = (_within(claims, span[0], _reason(folded, *span)) for span in (spans[0], spans[-1]))
    if not lexicon.markers and any(
        m.label != claims[-1].label and not (m.denied or m.unclaimed)
        for begin, end in spans
        if begin <= claims[-1].start < end
        for m in _within(mentions, begin, end)
    ):
        return Finding(label=None, rule="only one", several=True)
    if len(_labels(claims)) == 1 and (opening or closing or len(folded) < _SHORT):
        return _only(claims, "only one")
    if lexicon.markers and len(_labels(opening)) == 1 and _labels(closing) <= _labels(opening):
        return _only(opening, "opening")
    return Finding(label=None, rule="only one", several=len(_labels(claims)) > 1)


def _claims(folded: str, mentions: list[Mention], lexicon: Lexicon) -> list[Mention]:
    """The mentions that may claim something; other tenses of choices only where there is nothing else."""
    claims = [
        m
        for m in mentions
        if not (m.denied or m.unclaimed or folded[m.start : m.end] in _FUNCTION_WORDS)
        and not is_question(folded, m.end)
    ]
    plain = [m for m in claims if not m.bare]
    if lexicon.markers:
        return plain or [m for m in claims if m.end - m.start > 3 and lexicon.is_loose(folded[m.start : m.end])]
    return [m for m in plain if _is_said(folded, m)]


def _is_said(folded: str, mention: Mention) -> bool:
    """Whether a class is said of something, and is no mere word; a number must be one on a scale."""
    if mention_is_number(folded, mention):
        return bool(ON_SCALE.match(folded, mention.end))
    before = folded[max(0, mention.start - 40) : mention.start]
    return bool(_PREDICATE.search(before)) and not HEDGED.search(before)


def _reason(folded: str, begin: int, end: int) -> int:
    """Where in a sentence its reason begins; what is named there supports the answer."""
    match = _REASON.search(folded, begin, end)
    return match.start() if match else end


def _within(claims: list[Mention], begin: int, end: int) -> list[Mention]:
    return [mention for mention in claims if begin <= mention.start < end]


def _labels(mentions: list[Mention]) -> set[str]:
    return {mention.label for mention in mentions}


def _only(mentions: list[Mention], rule: str) -> Finding:
    """The last of mentions that all name one choice."""
    last = mentions[-1]
    if len(_labels(mentions)) > 1 or last.rivals:
        return Finding(None, rule, several=True)
    return Finding(last.label, rule, words=(last.start, last.end))
