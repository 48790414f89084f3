"""What stands around the naming of a choice: marks, quotes, the beginning and the end of its line."""

from __future__ import annotations

import re

from distill.answers.parsing.mentions import Mention
from distill.answers.parsing.record import Finding

_QUESTION_MARK = re.compile(r"[\"'*_`)\]}.]*\?")
_SCALE = re.compile(r"[\"'*_`]*\s*(?:(?:out of|/)\s*(?:a\s+possible\s+)?\d{1,3}|stars?\b|points?\b)")
_CLOSERS = re.compile(r"(?:[ \t]*[\"'”’*_`)\]}$.,!?]|[ \t]*\\\)|[ \t]*\\\]){0,12}")
_SIGNS = "\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"
BEFORE_HEAD = re.compile(
    rf"[\s\"'*_`(\[{{<#>$•\-–—:={_SIGNS}]*(?:\d{{1,2}}[.)]\s+)?"
    r"(?:(?:a:|sure|certainly|of course|okay|ok|so|therefore|thus|hence|actually|wait|no|rather|correction|hmm|sorry|"
    r"overall|clearly|definitely|very|strongly|slightly|mostly|option|choice|it is|it's|the|an?|in|at|on|to|i think|"
    r"probably|most likely|rationale|explanation)[\s\"'*_`(\[{!.,:]+){0,3}"
)
AFTER_HEAD = re.compile(
    rf"[\"'*_`)\]}}$]*[ \t]*(?:[{_SIGNS}]|\n|\Z|[.,:;!–—|\-]|\((?!s\))|(?:because|since|as|due to|for|given|out of|"
    rf"stars?)\b|/\s?\d|"
    r"(?:sentiment|tone|label|class|review|opinion|statement|relationship|emotion)[.!]?\s*(?:\n|\Z))"
)


def opens_line(folded: str, mention: Mention) -> bool:
    """Whether nothing but what may lead up to an answer stands before the mention in its line."""
    line = folded.rfind("\n", 0, mention.start) + 1
    return mention.start - line < 40 and bool(BEFORE_HEAD.fullmatch(folded, line, mention.start))


def finding_of(mention: Mention, rule: str, span: tuple[int, int], *, clear: bool) -> Finding:
    """The finding that a mention makes: its choice, or several where rivals are named in the same breath."""
    if mention.rivals:
        return Finding(label=None, rule=rule, several=True)
    return Finding(mention.label, rule, statement=span, clear=clear, words=(mention.start, mention.end))


def closed(folded: str, end: int) -> int:
    """The end of a naming that ends at `end`, with its marks, and with the scale of a rating."""
    scale = _SCALE.match(folded, end) if folded[end - 1 : end].isdigit() else None
    return _CLOSERS.match(folded, scale.end() if scale else end).end()


def is_question(folded: str, end: int) -> bool:
    """Whether a question mark follows."""
    return bool(_QUESTION_MARK.match(folded, end))
