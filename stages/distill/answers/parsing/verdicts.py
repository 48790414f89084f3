"""Verdicts: clauses that do no more than state the answer, told by their words from those that give a reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from distill.answers.parsing.folding import quoted, word_set

Span = tuple[int, int]

# A clause of these words, the answer and what it quotes says nothing of the row.
_VERDICT_WORDS = word_set(
    "a an the this that these those it its it's there here one ones i i'd i'm we you my our your me us they them"
    " both is are was were be been being am would should could can cannot can't may might must will has have had"
    " to do does of in on for from among amongst between out with by as at into and or nor so therefore thus hence"
    " then also but however still overall finally ultimately consequently accordingly conclusion summary sum short"
    " result end all things everything considered given based upon according considering per above below following"
    " provided available listed information context answer answers option options choice choices selection label"
    " labels class category classification verdict prediction judgement judgment final correct right best better"
    " optimal ideal most more least less likely suitable appropriate fitting logical reasonable sensible probable"
    " plausible accurate proper obvious only possible main primary think believe conclude concluded determine"
    " determined choose chosen pick picked select selected go going opt classify classified labelled labeled"
    " categorize categorized categorised consider deemed regarded rated rate judged seen viewed described said"
    " called inferred taken clearly definitely probably certainly simply just indeed fact actually rather instead"
    " premise hypothesis claim statement assertion sentence review text tweet comment message question problem"
    " task sentiment tone relation relationship opinion towards toward true whether if not neither either which"
    " what means mean meaning making makes make sense fit fits suits seem seems appear appears letter number"
    " reasoning reason reasons analysis explanation evidence supported refuted let's sure okay ok well now wait no"
    " yes since because very quite highly strongly expressed stated boxed none other others any give gives score"
    " grade state states i'll we'd response output own personal"
)
_ANSWER_WORDS = word_set(
    "answer option options choice choices label verdict conclusion correct right best suitable appropriate"
    " optimal ideal fitting logical category classification prediction"
)
_WORD = re.compile(r"[^\W\d_](?:[\w'-]*[^\W_])?|\d+")
# Where a clause can begin: behind a comma, semicolon or dash, or at a word that joins clauses.
_JOINT = re.compile(
    r"(?<=[,;:–—])\s+|\s+(?=-\s)|\s+(?=[–—(])"
    r"|\s+(?=(?:because|since|due to|thanks to|so that|as (?:it|they|this|these|that|he|she|we|there|the)\b|therefore|"
    r"thus|hence|which|where|while|whereas|although|though|so\b|but\b|given that|and (?:so|therefore|thus|hence|it|"
    r"this)\b|weil|denn|parce que|car\b|porque|perché|omdat|ponieważ)\b)"
)
# "Based on the note", "of the options above": a phrase that leads in, not a clause.
_LEAD_IN = re.compile(
    r"[\s\"'*_`(]*(?:(?:so|therefore|thus|hence|however|but|and|overall|then|finally|in this case|also)[\s,]+)*"
    r"(?:based (?:up)?on|given|considering|according to|judging by|from|among|amongst|out of|of|between|as per|per|in|"
    r"on|with|by|after)\s+(?!that\b)(?!\w+ing\s+(?:a|an|the)\b)[^,;:.]*[\s,;:\"'*_`)]*"
)
_FINITE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|does|do|did|can|could|will|would|may|might|must|should|says?|states?)\b"
)
_ASSERTS = re.compile(rf"{_FINITE.pattern}|\b(?:making|makes|rendering|leaving)\b")
_LONGEST_LEAD_IN = 14
_CLAIMED = re.compile(
    r"[\s\"'*_`(]*(?:(?:so|therefore|thus|hence|overall|and|but)[\s,]+)?(?:it\s+is\s+|we\s+can\s+\w+\s+that\s+)?"
    r"(?:the|this|that)\s+(?:\w+\s+)?(?:claim|statement|hypothesis|assertion|proposition|conclusion)\s+(?:that\b|["
    r"\"',:]).*"
)
# "The typical answer would be", "the best option for a walk is", "the closest feeling is": the answer follows.
_CUED = re.compile(
    r"(?:[\s\"'*_`(]*[a-z'-]+[\s,:*_\"]+){0,5}?(?:(?:answer|option|choice|selection)s?\b(?:[^.;:\n]{0,160}?\s)??|"
    r"(?:closest|nearest|only|likeliest|best|most [a-z]+)\s+(?:[a-z]+\s+){0,2})"
    r"(?:is|are|was|were|be|:)[\s\"'*_`(]+(?:(?!not\b)[a-z]+[\s\"'*_`(]+){0,4}"
)
_BEFORE_CUE = re.compile(r"\b(?:the|an?|my|our)\s+(?:[a-z-]+\s+){0,3}\Z")
_JOINS = re.compile(r"[\s\"'*_`(,]*(?:because|since|as|and|but|so|although|though|while)[\s,:]*")
_CONCLUDES = re.compile(r"[\s\"'*_`(]*(?:so|therefore|thus|hence|in total|in conclusion|consequently|overall)\b")


@dataclass(frozen=True, slots=True)
class Naming:
    """Where a text names its answer: at `places`, and in the words that state it, where they are known.

    `others` are the places of other answers, which a verdict may name as well ("whether it is true or false"), and
    which were given first where a text corrects itself.
    """

    places: Sequence[Span] = ()
    statement: Span | None = None
    others: Sequence[Span] = ()
    number: bool = False


def verdict_spans(folded: str, begin: int, end: int, naming: Naming) -> list[Span]:
    """The parts of the sentence folded[begin:end] that only state the answer, in order; none of two is next to another.

    Lead-ins ("However, of the options above,") belong to the verdict that they lead to.
    """
    clauses = _clauses(folded, begin, end)
    if naming.number and _restates(folded, begin, end, naming):
        return [(begin, end)]
    kinds = [_kind(folded, clause, naming) for clause in clauses]
    spans: list[Span] = []
    at = 0
    while at < len(clauses):
        last = at
        while last < len(clauses) and kinds[last] != "content":
            last += 1
        if "verdict" in kinds[at:last] and _states(folded, clauses[at][0], clauses[last - 1][1], (begin, end), naming):
            # A mere "because" belongs to what it joins.
            ends = last - 1 if last < len(clauses) and _JOINS.fullmatch(folded, *clauses[last - 1]) else last
            spans.append((clauses[at][0], clauses[ends - 1][1]))
        at = max(last, at + 1)
    return spans


def is_lead_in(folded: str, begin: int, end: int) -> bool:
    """Whether folded[begin:end] is a phrase that leads in, without a verb of its own, or nothing but verdict words."""
    words = _words(folded, begin, end, ())
    if not _strange(words):
        return len(words) > 1
    short = len(words) <= _LONGEST_LEAD_IN and _LEAD_IN.fullmatch(folded, begin, end)
    return bool(short) and not _FINITE.search(folded, begin, end)


def is_about_answer(folded: str, begin: int, end: int) -> bool:
    """Whether folded[begin:end] says nothing but that there is an answer ("This is the best option.")."""
    words = _words(folded, begin, end, ())
    return not _strange(words) and any(word in _ANSWER_WORDS for word in words)


def _clauses(folded: str, begin: int, end: int) -> list[Span]:
    """The sentence cut where a clause can begin, but never within a quotation."""
    quotes = [(begin + a, begin + b) for a, b in quoted(folded[begin:end])]
    cuts = [begin]
    for joint in _JOINT.finditer(folded, begin, end):
        if not any(a <= joint.start() < b for a, b in quotes):
            cuts.append(joint.end())
    return [(a, b) for a, b in zip(cuts, [*cuts[1:], end], strict=True) if a < b]


def _kind(folded: str, clause: Span, naming: Naming) -> str:
    """ "verdict" of a clause that states the answer, "lead" of one that says nothing, else "content"."""
    begin, end = clause
    names = [place for place in naming.places if begin <= place[0] < end]
    stated = naming.statement and naming.statement[0] < end and begin < naming.statement[1]
    blanks = [*names, *naming.others]
    if stated and naming.statement:
        lead = _BEFORE_CUE.search(folded, begin, max(begin, naming.statement[0]))
        blanks.append((lead.start() if lead else naming.statement[0], naming.statement[1]))
        # What goes on behind the words that state the answer, in their clause, is still the answer.
        if naming.statement[1] < end:
            blanks.append((naming.statement[1], end))
    words = _words(folded, begin, end, [*blanks, *((begin + a, begin + b) for a, b in quoted(folded[begin:end]))])
    plain = not _strange(words) or is_lead_in(folded, begin, end)
    if not (names or stated):
        other = any(begin <= place[0] < end for place in naming.others) and not _ANSWER_WORDS.isdisjoint(words)
        if plain and other:
            return "verdict"
        return "lead" if plain else "content"
    if names and not plain:
        tail = _words(folded, names[-1][1], end, blanks)
        plain = bool(_CUED.fullmatch(folded, begin, names[0][0])) and not _strange(tail)
    if plain or (names and _CLAIMED.match(folded, begin, end) and not folded[names[-1][1] : end].strip(" .!\"'*_`)")):
        return "verdict"
    return "content"


def _states(folded: str, start: int, stop: int, sentence: Span, naming: Naming) -> bool:
    """Whether clauses that name the answer state it: "by a drawer" does not."""
    stated = naming.statement and naming.statement[0] < stop and start < naming.statement[1]
    return bool(stated) or (start, stop) == sentence or bool(_ASSERTS.search(folded, start, stop))


def _restates(folded: str, begin: int, end: int, naming: Naming) -> bool:
    """Whether a sentence concludes with the number that is the answer, and holds no other number or sum."""
    numbers = len(re.findall(r"\d[\d,.]*", folded[begin:end]))
    names = sum(begin <= place[0] < end for place in naming.places)
    return bool(_CONCLUDES.match(folded, begin, end)) and numbers == names == 1 and "=" not in folded[begin:end]


def _words(folded: str, begin: int, end: int, blanks: Sequence[Span]) -> list[str]:
    piece = folded[begin:end]
    for a, b in blanks:
        if a < end and begin < b:
            start, stop = max(0, a - begin), min(b, end) - begin
            piece = piece[:start] + " " * (stop - start) + piece[stop:]
    return _WORD.findall(piece)


def _strange(words: Sequence[str]) -> bool:
    return any(word not in _VERDICT_WORDS for word in words)
