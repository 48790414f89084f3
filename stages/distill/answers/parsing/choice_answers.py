"""Which choice a text settles on, by rules from the plainest statement down."""

from __future__ import annotations

import re

from distill.answers.parsing.clauses import is_undecided
from distill.answers.parsing.folding import quoted, sentences, word_set
from distill.answers.parsing.implied_choices import implied_choice
from distill.answers.parsing.judgements import Judgement, find_judgements, settled
from distill.answers.parsing.languages import is_other_language
from distill.answers.parsing.lexicon import Lexicon
from distill.answers.parsing.mentions import Mention, find_mentions
from distill.answers.parsing.record import NOTHING, Finding
from distill.answers.parsing.stated_choices import CORRECTS, corrected_choice, stated_choice
from distill.answers.parsing.statements import find_other_statements, find_statements
from distill.answers.parsing.surroundings import AFTER_HEAD, BEFORE_HEAD, closed, finding_of, is_question, opens_line

_LINE_END = re.compile(r"[\s\"'*_`)\]}$.!,]*")
# "Sentiment: negative", "| class | negative |", "- **Label**: negative (sure)": a line of a key and a choice.
_KEY = re.compile(
    r"[ \t>*_#|\-]*(?P<key>[^\W\d][^\n:=|]{0,30}?)(?:[*_ \t]*[:=|]|[ \t]+[-–—](?=[ \t]))[\s*_\"'`(\[{<]*"
    r"|[ \t]*<(?P<tag>[a-z_]\w*)>\s*"
)
_LINE_ENDS = re.compile(
    r"(?:\s*</\w+>)?(?:\s*(?:out of|/|of)\s*\d{1,3})?(?:\s*(?:stars?|points?)\b)?[\"'*_`)\]}$.,!;|"
    r"]*[ \t]*(?:\([^()\n]{0,40}\))?[ \t|]*(?=\n|\Z)"
)
_NO_KEYS = word_set(
    "premise hypothesis review text sentence question input options choices example note reason rationale"
)


def choice_answer(text: str, folded: str, lexicon: Lexicon, *, cut: bool = False) -> Finding:
    """The choice that `text` states outright, or else the one that it implies.

    `cut` says that the text was broken off, so that a choice at its very end may
    be the beginning of a longer one.
    """
    if not lexicon.markers:
        folded = _without_quotations(folded, lexicon)
    spans = sentences(text)
    mentions = find_mentions(text, folded, spans, lexicon)
    if cut:
        last = len(text.rstrip())
        mentions = [m for m in mentions if m.end < last or not lexicon.has_longer(text[m.start : m.end])]
    statements = list(find_statements(folded, spans))
    if is_other_language(folded):
        statements = sorted([*statements, *find_other_statements(folded, spans)], key=lambda item: item.start)
    verdicts = [] if lexicon.markers else find_judgements(folded, spans, mentions)
    stated = stated_choice(folded, mentions, statements, spans, lexicon)
    if stated:
        return corrected_choice(folded, stated, mentions, verdicts) or stated
    return (
        _headed(folded, mentions)
        or _bare(folded, mentions, spans)
        or _verdict(folded, verdicts, spans)
        or implied_choice(folded, mentions, statements, spans, lexicon)
        or NOTHING
    )


def _without_quotations(folded: str, lexicon: Lexicon) -> str:
    """A folded text with the letters of each quoted claim made x, so that what it says is not what the answer says."""
    for begin, end in quoted(folded):
        words = folded[begin:end].strip(" .,!?*_`")
        named = lexicon.find(words)
        if len(words.split()) > 2 and not (named and named[0][0] == 0 and len(words) - named[0][1] < 4):
            folded = folded[:begin] + re.sub(r"\S", "x", folded[begin:end]) + folded[end:]
    return folded


def _headed(folded: str, mentions: list[Mention]) -> Finding | None:
    """A choice that has a line to itself behind some other head: "Sentiment: negative"."""
    headed = []
    for mention in mentions:
        line = folded.rfind("\n", 0, mention.start) + 1
        match = _KEY.fullmatch(folded, line, mention.start)
        alone = _LINE_ENDS.match(folded, mention.end)
        key = (match["key"] or match["tag"]).strip() if match else ""
        if key and alone and not (mention.denied or mention.unclaimed or key in _NO_KEYS):
            headed.append((mention, (line, alone.end())))
    if not headed:
        return None
    if len({mention.label for mention, _ in headed}) > 1:
        return Finding(label=None, rule="headed", several=True)
    mention, span = headed[-1]
    return finding_of(mention, "headed", span, clear=True)


def _verdict(folded: str, verdicts: list[Judgement], spans: list[tuple[int, int]]) -> Finding | None:
    if not verdicts:
        return None
    verdict = settled(verdicts, len(spans) - 1)
    if verdict is None:
        return Finding(label=None, rule="verdict", several=True)
    return finding_of(verdict.mention, "verdict", (verdict.start, closed(folded, verdict.end)), clear=verdict.plain)


def _bare(folded: str, mentions: list[Mention], spans: list[tuple[int, int]]) -> Finding | None:
    """A choice that opens the text, or that has the last sentence to itself."""
    if not mentions:
        return None
    first = next((m for m in mentions if not m.unclaimed), None)
    head = tail = None
    if first and not first.denied and first.start < 200 and BEFORE_HEAD.fullmatch(folded, 0, first.start):
        bracketed = folded[first.start - 1 : first.start] + folded[first.end : first.end + 1] in (
            "()",
            "[]",
            "{}",
            "<>",
        )
        ends = bracketed or AFTER_HEAD.match(folded, first.end)
        answers = not is_question(folded, first.end) and not is_undecided(folded, first.start, first.end)
        head = first if ends and answers else None
    last = mentions[-1]
    line = max(begin for begin, _ in spans if begin <= last.start)
    ends = not last.denied and not last.unclaimed and _LINE_END.fullmatch(folded, last.end)
    if ends and last.start - line < 40 and BEFORE_HEAD.fullmatch(folded, line, last.start):
        tail = last
    openings = {m.label for m in mentions if not m.bare and opens_line(folded, m)}
    if head and len(openings) > 1:
        head = None
    if head and tail and head.label != tail.label and CORRECTS.search(folded, head.end, tail.start):
        head = None
    if head and tail and head.label != tail.label:
        return Finding(label=None, rule="bare", several=True)
    mention = tail if tail and tail is not first else head or tail
    if mention is None:
        return None
    begin = line if mention is tail and mention is not head else 0
    return finding_of(mention, "bare", (begin, closed(folded, mention.end)), clear=True)
