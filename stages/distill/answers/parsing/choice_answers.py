"""Which choice a text settles on, by rules from the plainest statement down."""

from __future__ import annotations

import re
from bisect import bisect_left

from distill.answers.parsing.folding import sentences
from distill.answers.parsing.lexicon import Lexicon
from distill.answers.parsing.mentions import Mention, find_mentions
from distill.answers.parsing.record import NOTHING, Finding
from distill.answers.parsing.statements import Statement, find_statements

# What may stand between "the answer is" and the answer.
_GAP = re.compile(
    r"(?:\\[a-z]+\s*\{?|[\s*_`\"'$(\[{<~:=>,•\-–—]"
    r"|\b(?:an?|the|to|in|at|on|by|of|as|be|that|it|it's|is|its|most|likely|probably|definitely|clearly|indeed|"
    r"simply|just|option|choice|letter|number|answer|label|class|category|either|both|from|for|with|his|her|their|"
    r"your|one's|our|called|going|having|being|following|therefore|thus|would|should|usually|typically|"
    r"use|get)\b){0,24}"
)
_QUOTED = re.compile(r"[\s*_:]*(?:(?:to|an?|the)\s+)?[\"'](?P<words>[^\"'\n]{6,60})[\"']")
_REST = re.compile(r"[\s*_:]*(?:(?:to|an?|the)\s+)?(?:\(?[a-z1-9][).]\s*)?(?P<words>[a-z][a-z' -]{5,60})(?=[.,\n]|\Z)")
_TURN = re.compile(r"[^.?!\n]{0,40}?\b(?:but|rather|instead)\b(?:\s+rather)?")
_QUESTION_MARK = re.compile(r"[\"'*_`)\]}.]*\?")
_CLOSERS = re.compile(r"(?:[ \t]*[\"'”’*_`)\]}$.,!?]|[ \t]*\\\)|[ \t]*\\\]){0,12}")
_REVERSED = re.compile(
    r"[\"'*_`)\]},]{0,4}\s*(?:is|are|was|would be|will be|seems to be|appears to be|would most likely be|being|as)\s+"
    r"(?:(?:likely|probably|clearly|therefore|thus|indeed|also|generally|typically)\s+)?(?:the|my|our)\s+"
    r"(?:(?!not\b)[a-z]+\s+){0,4}?(?:answer|choice|option|label|selection|classification|conclusion)\b"
)
_BEFORE_HEAD = re.compile(
    r"[\s\"'*_`(\[{<#>$•\-–—:]*(?:(?:a:|sure|certainly|of course|okay|ok|so|therefore|thus|hence|option|choice|it"
    r" is|it's|the|an?|in|at|on|to|"
    r"i think|probably|most likely|rationale|explanation)[\s\"'*_`(\[{!.,:]+){0,3}"
)
_AFTER_HEAD = re.compile(
    r"[\"'*_`)\]}$]*[ \t]*(?:\n|\Z|[.,:;!–—|\-]|\((?!s\))|(?:because|since|as|due to|for|given)\b)"
)
_ALONE = re.compile(r"[\s\"'*_`)\]}$.,!:]*(?:\n|\Z)")
_LINE_END = re.compile(r"[\s\"'*_`)\]}$.!,]*")
_OBLIGED = re.compile(r"\s+(?:must|has to|have to|should|needs? to|ought to)\s+(?:be|have)\b")
_CONCLUDES = re.compile(
    r"[\s\"'*_`(]*(?:so|therefore|thus|hence|in conclusion|overall|in summary|as a result|consequently|ultimately|"
    r"finally|given (?:the|this|these)|based on|considering|however, (?:based|if|out)|out of|of the (?:above|given)|"
    r"among|from the|this means)\b"
)
# A cue that asserts one answer, unlike "some options are".
_SETTLES = re.compile(
    r"(?:answer|\b(?:correct|right|best|better|optimal|ideal|most|suitable|appropriate|fitting|logical|"
    r"likely|only)\b.*)(?<!s)\Z"
)
_REASON = re.compile(r"\b(?:because|since|due to|which|where)\b|,\s+as\b|\bas (?:it|they|this|he|she)\b")
# As choices these say nothing where they are merely part of a sentence.
_FUNCTION_WORDS = frozenset(
    (
        "could",
        "can",
        "may",
        "might",
        "will",
        "would",
        "should",
        "do",
        "have",
        "be",
        "is",
        "it",
        "they",
        "all",
        "some",
        "none",
        "other",
        "more",
    )
)
# Up to here a text is about one thing; in a longer one a choice can be named in passing.
_SHORT = 300
_PREDICATE = re.compile(
    r"(?:\b(?:is|are|be|as|was|seems|appears|remains)|[:=])[\s\"'*_`(]+(?:[a-z]+\s+){0,2}\Z|"
    r"\bbut\s+(?:rather\s+|instead\s+)?\Z"
)


def choice_answer(text: str, folded: str, lexicon: Lexicon, *, cut: bool = False) -> Finding:
    """The choice that `text` states outright, or else the one that it implies.

    `cut` says that the text was broken off, so that a choice at its very end may
    be the beginning of a longer one.
    """
    mentions = find_mentions(text, folded, lexicon)
    if cut:
        last = len(text.rstrip())
        mentions = [m for m in mentions if m.end < last or not lexicon.has_longer(text[m.start : m.end])]
    spans = sentences(text)
    statements = list(find_statements(folded, spans))
    stated = _stated(folded, mentions, statements, lexicon)
    if stated:
        return stated
    return _bare(folded, mentions, spans) or _implied(folded, mentions, statements, spans, lexicon) or NOTHING


def _stated(folded: str, mentions: list[Mention], statements: list[Statement], lexicon: Lexicon) -> Finding | None:
    """The last statement that names a choice, in either order of cue and choice."""
    stated, starts = [], [mention.start for mention in mentions]
    for statement in statements:
        mention = _attached(folded, mentions, starts, statement)
        if mention:
            stated.append((mention.start, mention, (statement.start, _closed(folded, mention.end))))
    for mention in mentions:
        match = None if mention.bare or mention.denied or mention.listed else _REVERSED.match(folded, mention.end)
        if match and not _is_question(folded, match.end()):
            stated.append((mention.start, mention, (mention.start, _closed(folded, match.end()))))
    if not stated:
        # Only the last few: a comparison by letters is slow, and an answer comes late.
        for statement in statements[-5:]:
            mention = _misspelt(folded, lexicon, statement)
            if mention:
                stated.append((mention.start, mention, (statement.start, _closed(folded, mention.end))))
    if not stated:
        return None
    _, mention, span = max(stated, key=lambda item: item[0])
    return _finding(mention, "stated", span, clear=True)


def _attached(folded: str, mentions: list[Mention], starts: list[int], statement: Statement) -> Mention | None:
    """The choice that stands right where the statement's answer is due."""
    for place in statement.places:
        at, begin = bisect_left(starts, place), place
        while at < len(mentions) and mentions[at].start < statement.end:
            mention = mentions[at]
            gap = folded[begin : mention.start]
            if mention.denied and not mention.listed and len(gap) < 60:
                turn = _TURN.match(folded, mention.end, mention.end + 60)
                if not turn:
                    break
                begin, at = turn.end(), bisect_left(starts, turn.end())
                continue
            if len(gap) > 80 or not _GAP.fullmatch(gap):
                break
            if mention.listed or _is_question(folded, mention.end):
                break
            if "\n" in gap and not _lone_item(folded, mentions[at:]):
                break
            return mention
    return None


def _lone_item(folded: str, mentions: list[Mention]) -> bool:
    """Whether the first mention is an answer on a line of its own, not an item of a list.

    A letter or number with other words than a choice's behind it is an item as well.
    """
    first = mentions[0]
    named = re.search(r"[^\W_]{2}", folded[first.start : first.end].removeprefix("option"))
    follows = _AFTER_HEAD if named else _ALONE
    if not follows.match(folded, first.end):
        return False
    return not any(m.label != first.label and not m.bare and _opens_line(folded, m) for m in mentions[1:40])


def _misspelt(folded: str, lexicon: Lexicon, statement: Statement) -> Mention | None:
    """A choice that stands in quotes, or last in the sentence, with a letter wrong."""
    if not lexicon.markers:
        return None
    for place in statement.places:
        match = _QUOTED.match(folded, place, statement.end) or _REST.match(folded, place, statement.end)
        label = lexicon.nearest(match["words"]) if match else None
        if label is not None:
            return Mention(match.start("words"), match.end("words"), label)
    return None


def _bare(folded: str, mentions: list[Mention], spans: list[tuple[int, int]]) -> Finding | None:
    """A choice that opens the text, or that has the last sentence to itself."""
    if not mentions:
        return None
    first = next((m for m in mentions if not m.listed), None)
    head = tail = None
    if first and not first.denied and first.start < 200 and _BEFORE_HEAD.fullmatch(folded, 0, first.start):
        head = first if _AFTER_HEAD.match(folded, first.end) and not _is_question(folded, first.end) else None
    last = mentions[-1]
    line = max(begin for begin, _ in spans if begin <= last.start)
    ends = not last.denied and not last.listed and _LINE_END.fullmatch(folded, last.end)
    if ends and last.start - line < 40 and _BEFORE_HEAD.fullmatch(folded, line, last.start):
        tail = last
    openings = {m.label for m in mentions if not m.bare and _opens_line(folded, m)}
    if head and len(openings) > 1:
        head = None
    if head and tail and head.label != tail.label:
        return Finding(label=None, rule="bare", several=True)
    mention = tail if tail and tail is not first else head or tail
    if mention is None:
        return None
    begin = line if mention is tail and mention is not head else 0
    return _finding(mention, "bare", (begin, _closed(folded, mention.end)), clear=True)


def _opens_line(folded: str, mention: Mention) -> bool:
    line = folded.rfind("\n", 0, mention.start) + 1
    return mention.start - line < 40 and bool(_BEFORE_HEAD.fullmatch(folded, line, mention.start))


def _implied(
    folded: str,
    mentions: list[Mention],
    statements: list[Statement],
    spans: list[tuple[int, int]],
    lexicon: Lexicon,
) -> Finding | None:
    """The one choice of a sentence that concludes, or of the whole text."""
    claims = [
        m
        for m in mentions
        if not (m.bare or m.denied or m.listed or folded[m.start : m.end] in _FUNCTION_WORDS)
        and not _is_question(folded, m.end)
    ]
    if not lexicon.markers:
        claims = [m for m in claims if _PREDICATE.search(folded[max(0, m.start - 40) : m.start])]
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
        if _CONCLUDES.match(folded, begin):
            named = _within(claims, begin, end)
            if named:
                return _only(named, "conclusion")
    opening, closing = (_within(claims, span[0], _reason(folded, *span)) for span in (spans[0], spans[-1]))
    if len(_labels(claims)) == 1 and (opening or closing or len(folded) < _SHORT):
        return _only(claims, "only one")
    if lexicon.markers and len(_labels(opening)) == 1 and _labels(closing) <= _labels(opening):
        return _only(opening, "opening")
    return Finding(label=None, rule="only one", several=len(_labels(claims)) > 1)


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
    if len(_labels(mentions)) > 1:
        return Finding(None, rule, several=True)
    return Finding(last.label, rule, words=(last.start, last.end))


def _finding(mention: Mention, rule: str, span: tuple[int, int], *, clear: bool) -> Finding:
    if mention.rivals:
        return Finding(label=None, rule=rule, several=True)
    return Finding(mention.label, rule, statement=span, clear=clear, words=(mention.start, mention.end))


def _closed(folded: str, end: int) -> int:
    match = _CLOSERS.match(folded, end)
    return match.end() if match else end


def _is_question(folded: str, end: int) -> bool:
    return bool(_QUESTION_MARK.match(folded, end))
