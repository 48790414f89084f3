"""Choices that a text states outright: "the answer is A", "A is the best option", and what corrects that."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import replace

from distill.answers.parsing.judgements import Judgement
from distill.answers.parsing.languages import union
from distill.answers.parsing.lexicon import Lexicon
from distill.answers.parsing.mentions import Mention
from distill.answers.parsing.record import Finding
from distill.answers.parsing.statements import Statement
from distill.answers.parsing.surroundings import AFTER_HEAD, closed, finding_of, is_question, opens_line

# What may stand between "the answer is" and the answer.
_GAP = re.compile(
    r"(?:\\[a-z]+\s*\{?|[\s*_`\"'$(\[{<~:=>,•\-–—]"
    r"|\b(?:(?!un|im|hardly|rarely|scarcely|incorrectly|wrongly)\w{2,14}ly|actually|rather|instead|now|in fact|still|"
    r"then|so|an?|the|to|in|at|on|by|of|as|be|that|it|it's|is|its|most|likely|indeed|just|option|choice|letter|number|"
    r"answer|"
    r"label|class|category|either|both|from|for|with|his|her|their|your|one's|our|called|going|having|being|following|"
    r"therefore|thus|hence|would|should|use|get)\b){0,24}"
)
_QUOTED = re.compile(r"[\s*_:]*(?:(?:to|an?|the)\s+)?[\"'](?P<words>[^\"'\n]{6,60})[\"']")
_REST = re.compile(r"[\s*_:]*(?:(?:to|an?|the)\s+)?(?:\(?[a-z1-9][).]\s*)?(?P<words>[a-z][a-z' -]{5,60})(?=[.,\n]|\Z)")
_TURN = re.compile(rf"[^.?!\n]{{0,40}}?(?:\b(?:but|rather|instead)\b(?:\s+rather)?|{union('instead')})")
_REVERSED = re.compile(
    r"[\"'*_`)\]},]{0,4}\s*(?:is|are|was|were|(?:would|will|should|must)"
    r"(?:\s+(?:\w{2,12}ly|also|most likely|indeed|thus|still))?\s+be|seems to be|appears to be|being|as)\s+"
    r"(?:(?:\w{2,12}ly|therefore|thus|indeed|also)\s+)?(?:the|my|our)\s+"
    r"(?:(?!not\b)[a-z]+\s+){0,4}?(?:answer|choice|option|label|selection|classification|conclusion)\b"
)
_CONDITION = re.compile(r"\b(?:if|when|in case|depending on|unless)\b")
_CONDITION_AFTER = re.compile(r"[\"'*_`)\]}]*\s*(?:if|when|in case|unless|for (?:those|people|someone|anyone|any))\b")
_OF_SOMETHING = re.compile(
    r"[\"'*_`)]*\s+(?:in|on|at|of|near|inside|within|from|under|by|with)\s+(?:(?:an?|the|his|her|their|your|our|"
    r"its)\s+)?"
    r"[\"'*_`(]*"
)
# "A, or rather, B", and "A for one thing, B for another".
_OR_RATHER = re.compile(
    r"[\s\"'*_`)]*[,.;:…—–-]*\s*(?:or\s+)?(?:rather|i mean|actually|make that|correction|no)\b[\s,:.—–-]*"
    r"(?:(?:it(?:'s| is)|an?|the)\s+)?[\"'*_`(]*"
)
_EACH_FOR = re.compile(r"[\"'*_`)\]}]*\s+(?:for|if|when)\b")
_BESIDE = re.compile(r",?\s*(?=(?:next to|in|on|at|near|inside|behind|under|by|with)\b)")
_ONLY_COMMA = re.compile(r"[*_`)]*,\s*[*_`(]*")
_SENTENCE_ENDS = re.compile(r"[\s\"'*_`)\]}$]*[.!]?[\s\"'*_`)\]}$]*(?:\n|\Z|(?<=[.!\"'\s])\S)")
CORRECTS = re.compile(
    r"\b(?:wait|hold on|scratch that|on second thought|correction|let me (?:re|correct|fix|revise)|my mistake|"
    r"i (?:was|am) (?:wrong|mistaken)|i made (?:a|an) (?:mistake|error)|i take that back|sorry|actually|"
    r"on reflection|upon reflection|looking again|looking closer|no,)"
)
_ALONE = re.compile(r"[\s\"'*_`)\]}$.,!:]*(?:\n|\Z)")


def stated_choice(
    folded: str, mentions: list[Mention], statements: list[Statement], spans: list[tuple[int, int]], lexicon: Lexicon
) -> Finding | None:
    """The last statement that names a choice, in either order of cue and choice.

    "If …, the best option is A" and "A is the best option for those who …" count where nothing else is stated and no
    other choice is so stated.
    """
    stated, conditional, starts = [], [], [mention.start for mention in mentions]
    begins, taken = [begin for begin, _ in spans], set()
    for place, mention in enumerate(mentions):
        match = None if mention.bare or mention.denied or mention.unclaimed else _REVERSED.match(folded, mention.end)
        if match and not is_question(folded, match.end()):
            taken.add(match.end())
            head = _head_of(folded, mentions, place)
            item = (head.start, head, (head.start, closed(folded, match.end())))
            sentence = begins[max(bisect_right(begins, head.start) - 1, 0)]
            (conditional if _is_conditional(folded, sentence, head.start, match.end()) else stated).append(item)
    for statement in statements:
        # In "A is the best option, as it is B" the answer stands left of the cue.
        mention = None if statement.head in taken else _attached(folded, mentions, starts, statement)
        if mention:
            item = (mention.start, mention, (statement.start, closed(folded, mention.end)))
            sentence = begins[max(bisect_right(begins, statement.start) - 1, 0)]
            (conditional if _is_conditional(folded, sentence, statement.start, mention.end) else stated).append(item)
    if not stated and len({mention.label for _, mention, _ in conditional}) > 1:
        return Finding(label=None, rule="stated", several=True)
    stated = stated or conditional
    if not stated:
        # Only the last few: a comparison by letters is slow, and an answer comes late.
        for statement in statements[-5:]:
            mention = _misspelt(folded, lexicon, statement)
            if mention:
                stated.append((mention.start, mention, (statement.start, closed(folded, mention.end))))
    if not stated:
        return None
    _, mention, span = max(stated, key=lambda item: item[0])
    return finding_of(mention, "stated", span, clear=True)


def _is_conditional(folded: str, sentence: int, start: int, end: int) -> bool:
    return bool(_CONDITION.search(folded, sentence, start)) or bool(_CONDITION_AFTER.match(folded, end))


def _head_of(folded: str, mentions: list[Mention], place: int) -> Mention:
    """The choice that a subject is about: "a drawer in the kitchen" is about the drawer."""
    while place:
        before, start = mentions[place - 1].end, mentions[place].start
        beside = _BESIDE.match(folded, before)
        if not (_OF_SOMETHING.fullmatch(folded, before, start) or (beside and beside.end() == start)):
            break
        if mentions[place - 1].bare or mentions[place - 1].denied or mentions[place - 1].unclaimed:
            break
        place -= 1
    return mentions[place]


def corrected_choice(
    folded: str, stated: Finding, mentions: list[Mention], verdicts: list[Judgement]
) -> Finding | None:
    """What is said instead of a stated answer, behind a word that takes it back."""
    after = stated.statement[1] if stated.statement else 0
    corrections = list(CORRECTS.finditer(folded, after))
    if not corrections:
        return None
    begin = corrections[-1].end()
    later = [verdict for verdict in verdicts if verdict.mention.start >= begin]
    if later:
        last = later[-1]
        return finding_of(last.mention, "corrected", (last.start, closed(folded, last.end)), clear=True)
    for mention in mentions:
        alone = mention.start >= begin and re.fullmatch(r"[\s,:;\"'*_`(.!—-]*", folded[begin : mention.start])
        if alone and not mention.denied and AFTER_HEAD.match(folded, mention.end):
            return finding_of(mention, "corrected", (corrections[-1].start(), closed(folded, mention.end)), clear=True)
    return None


def _attached(folded: str, mentions: list[Mention], starts: list[int], statement: Statement) -> Mention | None:
    """The choice that stands right where the statement's answer is due."""
    for place in statement.places:
        at, begin = bisect_left(starts, place), place
        while at < len(mentions) and mentions[at].start < statement.end:
            mention = mentions[at]
            gap = folded[begin : mention.start]
            if mention.denied and not mention.unclaimed and len(gap) < 60:
                turn = _TURN.match(folded, mention.end, mention.end + 60)
                if not turn:
                    break
                begin, at = turn.end(), bisect_left(starts, turn.end())
                continue
            if len(gap) > 80 or not _GAP.fullmatch(gap):
                break
            if mention.unclaimed or is_question(folded, mention.end):
                break
            if "\n" in gap and not _lone_item(folded, mentions[at:]):
                break
            return _with_neighbour(folded, mentions, at)
    return None


def _with_neighbour(folded: str, mentions: list[Mention], at: int) -> Mention:
    """The mention, to its end where a second choice is quoted with it: "London, England" is neither of the two."""
    mention = mentions[at]
    following = mentions[at + 1] if at + 1 < len(mentions) else None
    if following is None or following.label == mention.label or following.bare or mention.rivals:
        return mention
    instead = _OR_RATHER.fullmatch(folded, mention.end, following.start)
    if instead:
        return following
    if _EACH_FOR.match(folded, mention.end) and any(
        _EACH_FOR.match(folded, other.end) and "\n" not in folded[mention.end : other.start]
        for other in mentions[at + 1 :]
        if other.start < mention.end + 200 and not (other.denied or other.bare) and other.label != mention.label
    ):
        return replace(mention, rivals=(following.label,))
    beside = _ONLY_COMMA.fullmatch(folded, mention.end, following.start)
    if beside and _SENTENCE_ENDS.match(folded, following.end):
        quoted_together = folded[mention.start - 1 : mention.start] in ('"', "'", "`")
        return replace(mention, end=following.end, rivals=(following.label,) if quoted_together else ())
    return mention


def _lone_item(folded: str, mentions: list[Mention]) -> bool:
    """Whether the first mention is an answer on a line of its own, not an item of a list.

    A letter or number with other words than a choice's behind it is an item as well.
    """
    first = mentions[0]
    named = re.search(r"[^\W_]{2}", folded[first.start : first.end].removeprefix("option"))
    follows = AFTER_HEAD if named else _ALONE
    if not follows.match(folded, first.end):
        return False
    return not any(m.label != first.label and not m.bare and opens_line(folded, m) for m in mentions[1:40])


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
