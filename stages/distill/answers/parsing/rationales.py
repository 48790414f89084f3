"""The explanation that is left of a response once its answer is taken away."""

from __future__ import annotations

import re

from distill.answers.parsing.folding import sentences, squeeze
from distill.answers.parsing.record import Finding

_HEADING = (
    r"(?:rationale|explanation|reasoning|reasons?|justification|analysis|answer|final answer|label|solution|"
    r"step[- ]by[- ]step(?: explanation| reasoning| solution)?|chain of thought|thought|a|here is (?:the|my)"
    r" (?:rationale|reasoning|explanation))"
)
_SCAFFOLD = re.compile(
    rf"(?:[\s*_#>`\-–—]*(?:{_HEADING}[\s*_]*:[\s*_]*"
    r"|let(?:'s|’s| us) (?:think|work|solve|reason|break)[^.:\n]{0,60}(?:[.:]|\n|\Z)"
    r"|(?:sure|certainly|of course|okay)(?:[.!,]|\b[^.!\n]{0,60}[!:])))+",
    re.I,
)
_TRAILING = re.compile(rf"(?:\A|(?<=[\s.!?*_]))[*_#]*{_HEADING}[\s*_]*:[\s*_]*\Z", re.I)
_HEADING_LINE = re.compile(rf"(?im)^[ \t*_#>]*{_HEADING}[ \t*_]*:[ \t*_]*")
_TRAILING_LINK = re.compile(
    r"(?:[,;:]?\s*\b(?:so|therefore|thus|hence|and so|and|which means(?: that)?|meaning(?: that)?)\s*|[,;:–—\-(]\s*)\Z",
    re.I,
)
_LEADING_MARKS = re.compile(r"[\s.,;:!?)\]}–—|]*(?:-\s+)?")
_BECAUSE = re.compile(r"(?:this is because|that is because|it is because|because|since)\b(?: of\b)?[\s,:]*", re.I)
_GOES_ON = re.compile(
    r"[\s\"'*_`)\]}]*(?:[,;:(–—\-]|because|since|as\b|due"
    r" to|for\b|given|which|where|who|so\b|and\b|while|although|but\b|to\b|in order)",
    re.I,
)
_CLOSES = re.compile(r"[.!?][\"'”’)\]*_`}$\s]*\Z|\n[^\n]*\Z")
_CAUSE = re.compile(
    r"\b(?:because|since|due to|so that|, as|as it|as they|which|where they|in order to|providing|allowing)\b", re.I
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_WORKING = re.compile(r"\d\s*[-+*/=x×÷]\s*\d")


def find_rationale(text: str, finding: Finding, *, cut: bool = False) -> str | None:
    """The explanation in `text`, on one line; None where there is none.

    `cut` says that the text was broken off; then an unfinished last sentence goes.
    """
    if finding.statement is None:
        body = drop_unfinished(text) if cut else text
        body = tidy(body)
        return body if body and (finding.label is None or _explains(body)) else None
    begin, end = finding.statement
    before, after = text[:begin], _after(text, begin, end)
    if cut:
        after = drop_unfinished(after)
    parts = [tidy(before, leads=True), tidy(after)]
    return " ".join(part for part in parts if part) or None


def tidy(text: str, *, leads: bool = False) -> str | None:
    """`text` without headings and the usual openings, whitespace folded; None if no word is left.

    `leads` says that an answer followed it, so that a last "so" or comma goes too.
    """
    opening = _SCAFFOLD.match(text)
    text = squeeze(_HEADING_LINE.sub("", text[opening.end() :] if opening else text))
    words = text.split(" ")
    while words and not words[-1].strip("*_#`>–—-"):
        words.pop()
    text = " ".join(words)
    text = text[:-80] + _TRAILING.sub("", text[-80:]).rstrip()
    if leads:
        text = text[:-80] + _TRAILING_LINK.sub("", text[-80:])
    if text.startswith("**") and text.count("**") == 1:
        text = text[2:].lstrip()
    return text if _WORD.search(text) or _WORKING.search(text) else None


def _after(text: str, begin: int, end: int) -> str:
    """What follows the answer, without the rest of a sentence that adds no reason."""
    rest = text[end:]
    ended = bool(_CLOSES.search(text[begin:end])) or not rest.strip() or rest.lstrip(' \t*_`"').startswith("\n")
    if not ended and text[begin:end].rstrip()[-1:] not in ",;:" and not _GOES_ON.match(rest):
        spans = sentences(rest)
        rest = rest[spans[0][1] :] if spans else ""
        cause = _CAUSE.search(text[end : end + (spans[0][1] if spans else 0)])
        if cause and spans:
            rest = text[end + cause.start() : end + spans[0][1]] + rest
    mark = _LEADING_MARKS.match(rest)
    rest = rest[mark.end() :] if mark else rest
    match = _BECAUSE.match(rest)
    return rest[match.end() :] if match and rest[match.end() :].strip() else rest


def _explains(body: str) -> bool:
    """Whether a text whose answer is part of a sentence says more than the answer."""
    return len(sentences(body)) > 1 or bool(_CAUSE.search(body)) or "=" in body


def drop_unfinished(text: str) -> str:
    """`text` without a last sentence that was broken off, unless it is the only one."""
    spans = sentences(text)
    if len(spans) > 1 and not re.search(r"[.!?][\"'”’)\]*_]*\s*\Z", text):
        return text[: spans[-1][0]]
    return text
