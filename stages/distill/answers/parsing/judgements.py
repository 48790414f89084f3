"""Verdicts: sentences that say a class of what was to be judged, as "the claim is false", "making it inconclusive"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from distill.answers.parsing.folding import word_set
from distill.answers.parsing.languages import is_other_language, union
from distill.answers.parsing.mentions import Mention

_JUDGED = (
    r"hypothesis|claim|statement|assertion|proposition|conclusion|sentence|review|text|tweet|comment|message|e-?mail|"
    r"post|"
    r"feedback|sentiment|tone|emotion|mood|attitude|stance|polarity|relation(?:ship)?|label|category|classification|"
    r"class|"
    r"headline|article|document|passage|argument|response|intent|ticket|request|rating|score|verdict|inference|answer|"
    r"topic|opinion|judge?ment|assessment|evaluation|question|snippet|excerpt|reply|news|story|paragraph|pair|"
    r"utterance|"
    r"customer|author|reviewer|writer|speaker|user|critic"
)
_DETERMINER = (
    r"(?:(?:the|this|that|a|an|its|their|his|her|given|above|overall|final|general|second|whole|entire)\s+){0,3}"
)
_SUBJECT = re.compile(rf"\b{_DETERMINER}(?:{_JUDGED})s?\b(?!['’-])")
_OTHER_SUBJECT = re.compile(rf"(?:\b(?:die|der|das|la|le|les|el|il|lo|o|a|het|de|ten|ta|to)\s+)?(?:{union('claim')})")
_PRONOUN = re.compile(r"(?:\A|(?<=[\s,;:(]))(?:it|this|that|which|there|they|these|overall)\s*\Z")
_COPULA = (
    r"(?:is|was|are|were|be|being|becomes?|remains?|stays?|seems?|appears?|counts?|qualif(?:ies|y)|stands?|reads?|"
    r"feels?|holds?|"
    r"sounds?|comes? across|leans?|falls?|belongs?|expresses|express|conveys?|shows?|has|have|carries|reflects?|"
    r"contains?|constitutes?|represents?|indicates?|suggests?|points? to|tends?|proves?|turns? out)"
)
_ADVERB = (
    r"(?:\w+ly|therefore|thus|hence|also|so|indeed|in fact|in itself|then|still|rather|quite|very|an?|the|to|as|into|"
    r"be|under|both|considered|deemed|regarded|called|seen|viewed|classified|labell?ed|categori[sz]ed|judged|rated|"
    r"found|"
    r"taken|said|"
    r"marked|described|determined|understood|interpreted|assumed|concluded|supported|refuted|backed|most|more|best|"
    r"likely|overall|towards?|in|category|label|class|one|of|being|not only|and|can|could|should|would|must|will|now|"
    r"just|a sense of|sense|feeling|example|instance|just|simply|all in all|strong|slightly|mostly|just|case)"
)
_PREDICATE = re.compile(
    rf"(?P<subject>[^\n]*?)(?P<modal>\b(?:can|could|should|would|must|will|may|might)\b[\s\w]{{0,16}})?"
    rf"(?:(?<!\w){_COPULA}|'s)(?![\w-])(?:[\s,*_\"'`(]+{_ADVERB}\b){{0,7}}[\s*_\"'`(\[:]*\Z"
)
_OTHER_PREDICATE = re.compile(
    rf"(?P<subject>[^\n]*?)(?:{union('copula')})(?:[\s,*_\"']{{0,3}}(?:{union('lead')})){{0,4}}[\s*_\"'`(]*\Z"
)
HEDGED = re.compile(
    r"\b(?:may|might|could)\b(?!\s+(?:\w+ly\s+)?be\s+(?:considered|seen|regarded|viewed|deemed|called|classified|"
    r"labell?ed|judged|interpreted|described|said))[^,;]{0,20}\Z"
)
_MAKING = re.compile(
    r"\b(?:mak(?:es?|ing)|render(?:s|ing)?|leav(?:es?|ing)|deem(?:s|ing)?|mark(?:s|ing)?)\s+"
    r"(?:it|this|that|them|(?:the|this|that)\s+[^.,;\n]{1,90}?)[\s,]+(?:to be\s+|as\s+|an?\s+|\w+ly\s+){0,3}"
    r"[\s*_\"'`(]*\Z"
)
_HENCE = re.compile(r"(?:\A|[\s,;:])(?:therefore|thus|hence|consequently|accordingly|so)[\s,:]*[\s*_\"'`(]*\Z")
_ENDS = re.compile(
    r"[\"'*_`)\]}]*\s*(?:\Z|\n|/\s?\d|[.,;:!–—(\[|-]|(?:because|since|as|due|given|for|and|but|so|while|based|"
    r"according|"
    r"towards?|with|in|to|of|relative|regarding|about|by|when|under|from|here|overall|rather|instead|nor|or|whether|if|"
    r"statement|claim|hypothesis|label|sentiment|categor|class|relation|review|tone|one|opinion|attitude|emotion|"
    r"feeling|feedback|experience|impression|out of|stars?|points?|on|at|without|however|although|though|despite|"
    r"weil|da|denn|car|parce|porque|perché|omdat|want|ponieważ|bo|gdyż)\b|['’]s\b)"
    rf"|[\"'*_`)\]}}]*(?:{union('tail')})"
)
_DESCRIBED = re.compile(
    r"[\"'*_`]*\s+(?:sentiment|tone|opinion|attitude|emotion|stance|view|label|class|category|relation|statement|claim|"
    r"hypothesis|review|impression|feeling|experience|feedback)"
)
_CONTENT = re.compile(r"[\"'*_`]*\s+that\b")
# "… is inconclusive whether it is true", "… is inconclusive and cannot be said to be true".
_OPEN_QUESTION = re.compile(
    r"[\"'*_`]*,?\s+(?:(?:as\s+to\s+)?(?:whether|if)|and\s+(?:can ?not|can't|could not|is neither|is not|neither))\b"
    r"[^.\n]*"
)
_CONCLUDES = re.compile(
    r"[\s\"'*_`(]*(?:so|therefore|thus|hence|in conclusion|overall|in summary|in sum|as a result|consequently|"
    r"ultimately|finally|however|but|yet|still|actually|wait|no|in the end|given|based on|all in all|this means|"
    r"accordingly)\b"
)
_LEAD = re.compile(
    r"[\s\"'*_`(]*(?:(?:so|therefore|thus|hence|overall|consequently|in conclusion|in summary|as a result|ultimately|"
    r"finally|then|and|accordingly|clearly|here)[\s,:]*)+\Z"
)


_SO = re.compile(r"\b(?:so|therefore|thus|hence|but|however|wait|no)[\s,:]*\Z")
# Words that are answers only where they end a clause: "there is no claim …".
_ANSWERS = word_set("yes no not maybe")
_CLOSES = re.compile(r"[\"'*_`)\]}]*\s*(?:\Z|[.,;:!\n])")
_BUT = re.compile(r"[\"'*_`]*,?\s+(?:but|yet|though)\s+(?:\w+ly\s+|also\s+|not\s+|an?\s+)?[\"'*_`]*")
# A class that is a number is one on a scale.
ON_SCALE = re.compile(r"[\"'*_`]*[\s-]*(?:out of\b|/\s?\d|stars?\b|points?\b|of \d+ (?:stars|points)\b)")
_SCORE = re.compile(r"\b(?:rat(?:e|ed|ing)|scor(?:e|ed|ing)|grade|label|class|category|answer|level)\b[^.\n]*\Z")


@dataclass(frozen=True, slots=True)
class Judgement:
    """A class said of what was to be judged, in text[start:end]; `plain` where it is named, not a mere "it"."""

    mention: Mention
    start: int
    end: int
    sentence: int
    plain: bool
    concludes: bool


def find_judgements(folded: str, spans: list[tuple[int, int]], mentions: Sequence[Mention]) -> list[Judgement]:
    """Every verdict of a folded text whose sentences are `spans`, in order."""
    verdicts, at = [], 0
    other = is_other_language(folded)
    following = [*mentions[1:], None]
    for mention, after in zip(mentions, following, strict=False):
        while spans[at][1] <= mention.start:
            at += 1
        if not (mention.bare or mention.denied or mention.unclaimed or mention.rivals):
            verdict = _verdict(
                folded, spans[at], at, mention, after if after and after.label != mention.label else None, other
            )
            if verdict:
                verdicts.append(verdict)
    return verdicts


def mention_is_number(folded: str, mention: Mention) -> bool:
    """Whether a class is named by digits, which stand in a text for other things as well."""
    return folded[mention.start : mention.end].isdigit()


def settled(verdicts: Sequence[Judgement], last_sentence: int) -> Judgement | None:
    """The verdict that a text settles on: the last; None where others say otherwise and nothing says that it concludes.

    Where what was to be judged is named, a mere "it is" does not count.
    """
    plain = [verdict for verdict in verdicts if verdict.plain] or list(verdicts)
    if not plain:
        return None
    last = plain[-1]
    at_odds = any(v.sentence == last.sentence and v.mention.label != last.mention.label for v in verdicts)
    agreed = not at_odds and all(verdict.mention.label == last.mention.label for verdict in plain)
    closes = last.plain and last.sentence == last_sentence and not at_odds
    return last if agreed or last.concludes or closes else None


def _verdict(
    folded: str, span: tuple[int, int], sentence: int, mention: Mention, at_odds: Mention | None, other: bool
) -> Judgement | None:
    begin = max(span[0], mention.start - 400)
    before = folded[begin : mention.start]
    if folded[mention.start : mention.end] in _ANSWERS and not _CLOSES.match(folded, mention.end):
        return None
    if _CONTENT.match(folded, mention.end) or not (
        _ENDS.match(folded, mention.end) or _DESCRIBED.match(folded, mention.end)
    ):
        return None
    start, plain = _subject(before, other)
    if start is None:
        return None
    if at_odds and _BUT.fullmatch(folded, mention.end, at_odds.start):
        mention = replace(mention, rivals=(at_odds.label,))
    question = _OPEN_QUESTION.match(folded, mention.end)
    if mention_is_number(folded, mention) and not (ON_SCALE.match(folded, mention.end) or _SCORE.search(before)):
        return None
    lead = _LEAD.match(before[:start])
    concludes = bool(_CONCLUDES.match(folded, span[0]) or _SO.search(before[:start]) or _CONCLUDES.match(before, start))
    return Judgement(
        mention,
        span[0] if lead else begin + start,
        question.end() if question else mention.end,
        sentence,
        plain,
        concludes,
    )


def _subject(before: str, other: bool) -> tuple[int | None, bool]:
    """(where the words begin that lead up to a class, whether they name what was to be judged); None: nowhere."""
    making = _MAKING.search(before)
    if making:
        return making.start(), True
    predicate = _PREDICATE.fullmatch(before)
    if predicate and not HEDGED.search(before[-40:]):
        end = predicate.end("subject")
        # "It is mixed: the food is …" says nothing more of what stands before the colon.
        begin = max(before.rfind(mark, 0, end) for mark in (": ", "; ")) + 1
        subjects = list(_SUBJECT.finditer(before, begin, end))
        if subjects:
            return subjects[_first_of(subjects)].start(), True
        pronoun = _PRONOUN.search(before[:end])
        if pronoun:
            return pronoun.start(), False
    hence = _HENCE.search(before)
    if hence:
        return hence.start() + len(hence[0]) - len(hence[0].lstrip(" ,;:")), True
    predicate = _OTHER_PREDICATE.fullmatch(before) if other else None
    if predicate:
        subject = _OTHER_SUBJECT.search(before, 0, predicate.end("subject"))
        if subject:
            return subject.start(), True
    return None, False


def _first_of(subjects: list[re.Match[str]]) -> int:
    """The subject of "the claim that the text says so is false" is the first after the last clause's end."""
    text = subjects[0].string
    first = len(subjects) - 1
    while first and not re.search(
        r"[.;]|\b(?:so|therefore|thus|hence|but|because|since)\b",
        text[subjects[first - 1].end() : subjects[first].start()],
    ):
        first -= 1
    return first
