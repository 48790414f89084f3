"""Statements of an answer: "the answer is …", "Answer: …", "… is the best option"."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from distill.answers.parsing.languages import union

_NOUN = (
    r"(?:answer|option|choice|selection|label|verdict|conclusion|classification|category|"
    r"prediction|result|relation(?:ship)?)"
)
_LEAD = (
    r"(?:so|therefore|thus|hence|and|then|finally|in conclusion|overall|in summary|consequently|as a result|"
    r"i(?: would)? (?:think|believe|say)|that|the|my|our|an?|final|correct|right|best|better|optimal|ideal|most|"
    r"logical|likely|suitable|appropriate|reasonable|probable|accurate|plausible|fitting|sensible|only|possible|"
    r"proper|obvious|overall|main|primary|predicted|given|resulting|which means|best-fitting|multiple)"
)
CUE = re.compile(
    rf"(?:\b{_LEAD}\b[\s,:*_\"'#]{{1,6}}){{0,10}}\b{_NOUN}s?\b(?!-)"
    r"|\\boxed\s*(?=\{)|(?m:^)[ \t]*\#{4,}(?=[ \t]*[^#\s])"
    r"|\b(?:i|i'd|we)\s+(?:would\s+|will\s+|'ll\s+)?(?:choose|pick|select|go with|opt for|answer|vote for)\b"
    r"|\b(?:classified|labell?ed|categori[sz]ed|marked|scored|graded|classify this|label this)\s+as\b"
    r"|\b(?:chang|revis|correct|switch|updat)(?:e|ed|ing)?\s+(?:my\s+|the\s+)?(?:\w+\s+){0,2}to\b"
    r"|\b(?:i|i'd|we|you)\s+(?:would\s+|will\s+|can\s+|'ll\s+)?(?:rate|give|score|grade|call|consider|judge|label|"
    r"classify|categori[sz]e)\s+(?:it|this|that|them|the)\b"
    r"|\b(?:i|i'd|we|we'd)\s+(?:would\s+)?(?:say|guess|go for|settle on|lean towards?)\b(?!\s+that\b)"
    r"|\b(?:rating|score|grade)\s+of\b"
    r"|\bi meant?(?: to (?:say|write))?\b|\bmake (?:that|it)\b(?=\s+\S+[.!]?\s*\Z)"
)
# Every cue holds one of these, and between a cue's first word and it no sentence ends.
_ANCHOR = re.compile(
    r"answer|option|choice|select|label|verdict|conclusion|classif|categor|prediction|result|relation|choose|pick|go"
    r" with|"
    r"opt for|vote for|marked|scored?|graded?|boxed|####|\brate|\bgive|\bcall|consider|judge|i mean|make|\bsay|guess|"
    r"go for|settle on|lean|rating|"
    r"chang|revis|correct|switch|updat"
)
_FURTHEST = 300
COPULA = re.compile(
    r"\b(?:is|was|are|were|(?:would|should|will|must|can|could|might|may)(?:\s+(?:\w{1,12}ly|most likely|also|then|"
    r"instead|rather|now|thus|in fact|indeed|therefore))?\s+be|"
    r"has to be|seems to be|appears to be|=)(?![\w-])"
    r"|(?:'s|→|=>)"
)
# Right after the noun, perhaps with a bracket or a few words between: "Answer (letter): …".
_COLON = re.compile(
    r"(?:[\"'*_`\s]|\([^()\n]{0,40}\)|\b(?:choice|option|to the question|here|is|as follows|would"
    r" be)\b){0,6}(?:[:=–—]+|-+(?=\s))"
)
_SELF = re.compile(
    r"\\boxed|\#{4}|choose|pick|select|go with|opt for|i (?:would )?answer|vote for|\b(?:as|to|of)\Z|\bi mean|"
    r"\b(?:say|guess|go for|settle on|lean towards?)\Z|\bmake|"
    r"\b(?:rate|give|score|grade|call|consider|judge|label|classify|categori[sz]e)\s"
)
# "I would rate this", and what: one word or two.
_JUDGED = (re.compile(r"\s+[a-z]+\b"), re.compile(r"\s+[a-z]+\s+[a-z]+\b"))
# A line that is the cue alone, as a heading is: the answer stands below it.
_HEADING = re.compile(r"[ \t]*[*_#\]>]*[ \t]*\n\s*")
_OPENS_LINE = re.compile(r"(?:\A|\n)[ \t#*_>\[<]*\Z")
# The same in other languages.
_OTHER_CUE = re.compile(
    rf"(?:(?:{union('lead')})[\s,*_\"']{{0,3}}){{0,4}}(?:(?P<noun>{union('answer')})|{union('choose')})"
)
_OTHER_AROUND = rf"(?:[\s*_\"',]{{0,3}}(?:{union('lead')})){{0,4}}[\s*_\"',]{{0,3}}"
_OTHER_COPULA = re.compile(rf"{_OTHER_AROUND}(?:(?:{union('copula')})[\s,]{{0,2}}:?|[:=]){_OTHER_AROUND}")
_OTHER_BEFORE = re.compile(rf"(?:{union('copula')})\s+(?:(?:{union('lead')})\s+){{0,4}}\Z")
# "The other options are …" states what is not the answer.
_NOT_THIS = re.compile(
    r"\b(?:others?|remaining|alternative|incorrect|wrong|none of|neither|unlike|every|all)\s+(?:(?:of\s+)?the\s+)?\Z"
)
_BELOW = re.compile(r"[ \t*_\"'`:]*\n\s*")
WINDOW = 420


@dataclass(frozen=True, slots=True)
class Statement:
    """A cue at text[start:head], its sentence's end, and where an answer may begin.

    `places` are the positions right after the cue's colon or a copula, in order.
    """

    start: int
    head: int
    end: int
    places: tuple[int, ...]


def find_statements(folded: str, spans: list[tuple[int, int]]) -> Iterator[Statement]:
    """The statements of a folded text whose sentences are `spans`, in order."""
    ends = [end for _, end in spans]
    for match in _cues(folded):
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        if _NOT_THIS.search(folded, max(0, start - 24), start):
            continue
        at = bisect_left(ends, match.end())
        end = min(ends[at] if at < len(ends) else len(folded), match.end() + WINDOW)
        places = []
        if _SELF.search(match[0]):
            places.append(match.end())
            if match[0].endswith((" the", " this")):
                places += [judged.end() for judged in (w.match(folded, match.end()) for w in _JUDGED) if judged]
        heading = _HEADING.match(folded, match.end())
        if heading and _OPENS_LINE.search(folded, max(0, start - 12), start):
            places.append(heading.end())
            end = max(end, _next_line(folded, match.end(), ends, match.end()))
        colon = _COLON.match(folded, match.end())
        # A plural with a colon announces the options, not the answer.
        if colon and not re.search(r"(?:option|choice|label|categorie|answer choice)s\Z", match[0]):
            places.append(colon.end())
            end = max(end, _next_line(folded, colon.end(), ends, match.end()))
        for copula in COPULA.finditer(folded, match.end(), end):
            places.append(copula.end())
            end = max(end, _next_line(folded, copula.end(), ends, match.end()))
        if places:
            yield Statement(start, match.end(), end, tuple(places))


def find_other_statements(folded: str, spans: list[tuple[int, int]]) -> Iterator[Statement]:
    """As `find_statements`, by the cues of distill.answers.parsing.languages."""
    ends = [end for _, end in spans]
    for match in _OTHER_CUE.finditer(folded):
        head = match.end()
        at = bisect_left(ends, head)
        end = min(ends[at] if at < len(ends) else len(folded), head + WINDOW)
        copula = _OTHER_COPULA.match(folded, head)
        before = match["noun"] and _OTHER_BEFORE.search(folded, max(0, match.start() - 40), match.start("noun"))
        places = [copula.end()] if copula else []
        if before or not match["noun"]:
            places.append(head)
        if copula:
            end = max(end, _next_line(folded, copula.end(), ends, head))
        if places:
            yield Statement(match.start(), head, end, tuple(places))


def _cues(folded: str) -> Iterator[re.Match[str]]:
    """The matches of CUE, which is slow, sought only around its anchors."""
    reached = 0
    for anchor in _ANCHOR.finditer(folded):
        place = anchor.start()
        if place >= reached:
            begin = max(reached, place - _FURTHEST, *(folded.rfind(stop, reached, place) for stop in ".!?"))
            match = CUE.search(folded, begin)
            if not match:
                return
            yield match
            reached = match.end()


def _next_line(folded: str, place: int, ends: list[int], head: int) -> int:
    """The end of the line below a place that ends its own line, as a heading's does; else 0."""
    below = _BELOW.match(folded, place)
    if not below:
        return 0
    at = bisect_left(ends, below.end() + 1)
    return min(ends[at] if at < len(ends) else len(folded), head + WINDOW)
