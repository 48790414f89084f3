"""The explanation that is left of a response once its answer is taken away: whole sentences and clauses, in order."""

from __future__ import annotations

import re

from distill.answers.parsing.folding import fold, sentences, squeeze
from distill.answers.parsing.record import Finding
from distill.answers.parsing.verdicts import Naming, is_about_answer, is_lead_in, verdict_spans

_HEADING = (
    r"(?:rationale|explanation|reasoning|reasons?|justification|analysis|answer|final answer|label|solution|"
    r"step[- ]by[- ]step(?: explanation| reasoning| solution)?|chain of thought|thought|a|here is (?:the|my)"
    r" (?:rationale|reasoning|explanation)|reasonings|rationales|explanations|conclusion|step \d{1,2})"
)
_OPENING = re.compile(
    rf"(?:[\s*_#>`\-–—]*(?:{_HEADING}[\s*_]*:[\s*_]*"
    r"|let(?:'s|’s| us) (?:think|work|solve|reason|break)[^.:\n]{0,60}(?:[.:]|\n|\Z)"
    r"|here(?:'s|’s| is| are) (?:why|how|my|the)\b[^.:\n]{0,40}:"
    r"|(?:sure|certainly|of course|okay)(?:[.!,]|\b[^.!\n]{0,60}[!:])))+",
    re.I,
)
# "## Reasoning", "**Why it is so**", "Explanation:" alone on a line.
_HEADING_LINE = re.compile(
    rf"[ \t]*(?:#{{1,6}}[ \t]*[^.!?\n]{{1,60}}|\*\*[^.!?*\n]{{1,60}}\*\*:?|[*_]*{_HEADING}[*_ \t]*:?[*_ \t]*)[ \t]*",
    re.I,
)
_HEADED = re.compile(rf"[ \t*_#>\[]*{_HEADING}[ \t*_\]]*:[ \t*_]*", re.I)
_ANSWER_HEAD = re.compile(r"\b(?:answer|label|conclusion)[\s*_\]]*:", re.I)
_LIST_MARK = re.compile(r"[ \t]*(?:[-*•–]|\(?\d{1,2}[.)]|\(?[a-zA-Z]\))[ \t]+(?=\S)")
_RULE = re.compile(r"[\W_]*|[\W_]*\d{1,2}[.):]")
_LEADING_MARKS = re.compile(r"[\s.,;:!?)\]}–—|]*(?:-\s+)?")
_BECAUSE = re.compile(
    r"(?:(?:this|that|it) is because|because(?! of\b)|since|due to the fact that|given that|"
    r"as(?! an? (?![^.;]*\b(?:is|are|was|were|has|have|can|could|will|would|may)\b))"
    r"|for the reason that|weil|denn|da|car|parce que|porque|perché|poiché|omdat|want|ponieważ|gdyż|bo)\b[\s,:]*"
    r"|因为|因為|なぜなら|왜냐하면",
    re.I,
)
# What asks, or says on what the verdict rests, stands no more alone than a phrase does.
_SUBORDINATE = re.compile(
    r"[\s\"'*_`(]*(?:(?:so|therefore|however|but|and|then)[\s,]+)*(?:if|when|whether|for|to|in order to|unless|"
    r"based (?:up)?on|considering|according to|judging|given (?!that\b))\b",
    re.I,
)
_CONTRAST = re.compile(r"(?:while|although|though|even though|whereas)\s+", re.I)
_THIS_IS_BECAUSE = re.compile(r"\s*(?:this|that|it) is because (?!of\b)", re.I)
_AND = re.compile(r"(?:and|but|so|while|whereas|although|though)\b[\s,]*", re.I)
# What hangs on the words before it.
_HANGS = re.compile(
    r"(?:because of|due to|thanks to|for|to|with|without|in|on|at|of|from|which|where|who|as|given)\b", re.I
)
_FINITE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|does|do|did|can|could|will|would|may|might|must|should|it|they|he|she|we|you)\b"
    r"|\w(?:es|ed|s)\b",
    re.I,
)
_CAUSE = re.compile(
    r"\b(?:because|since|due to|so that|, as|as it|as they|which|where they|in order to|providing|allowing)\b", re.I
)
_ANY_WORD = re.compile(r"[^\W\d_]{2,}|[^\W\d_a-zA-Z]")
_LETTER = re.compile(r"[^\W\d_]")
_WORKING = re.compile(r"\d\s*[-+*/=x×÷]\s*\d")
# "(I used no `<think>` tag.)"
_SPEAKS_OF_MARKS = re.compile(r"`[<\[◁&][^`\n]{0,20}(?:think|thought)[^`\n]{0,20}`", re.I)

# Words that a sentence neither begins nor ends with.
_BROKEN_START = re.compile(r"[\s\"'*_`(]*(?:and|or|nor|than|of|who|whom|such as)\b")
_BROKEN_END = re.compile(
    r"(?:\A|[\s,;(])(?:an?|the|and|or|nor|of|to|on|in|at|by|with|from|for|is|are|was|be|been|can|would|could|should|"
    r"will|that|than|as|because|since|so|therefore|thus|hence|based on|due to|out of|such as)[\s,;:\"'*_`]*\Z",
    re.I,
)
_LEAD_IN_ALONE = re.compile(
    r"(?:based on|given|considering|according to|among|out of|of|from)\b[^,.;]*[,.;:]?\s*", re.I
)
_OPEN_QUOTES = re.compile(r"[“”„]")


def find_rationale(text: str, finding: Finding, naming: Naming, *, cut: bool = False) -> str | None:
    """The explanation in `text`, on one line; None where there is none.

    `naming` says where the text names its answer. `cut` says that the text was broken off; then an unfinished last
    sentence goes.
    """
    if cut:
        text = drop_unfinished(text, finding)
    folded = fold(text)
    parts: list[str] = []
    clauses: list[int] = []
    reached = 0
    opening = _OPENING.match(text)
    begins = opening.end() if opening else 0
    whole = True
    for begin, end in sentences(text):
        start = max(begin, begins)
        begin = _after_marks(text, start, end)
        headed = _ANSWER_HEAD.search(text, start, begin) and any(begin <= at < end for at, _ in naming.places)
        if begin >= end or headed or _is_scaffold(text, begin, end):
            continue
        verdicts = verdict_spans(folded, begin, end, naming)
        if not verdicts:
            if _begins_sentence(text, begin):
                if is_about_answer(folded, begin, end):
                    continue
                because = _THIS_IS_BECAUSE.match(text, begin, end)
                begin = because.end() if because else begin
            # A line without a stop does not run on into what comes after something that was dropped.
            if parts and _LETTER.search(text, reached, begin):
                clauses.append(len(parts) - 1)
            parts.append(text[begin:end])
            reached = end
            continue
        whole = whole and finding.statement is not None
        for clause in _left(text, folded, begin, end, verdicts):
            clauses.append(len(parts))
            parts.append(clause)
        reached = begin
    parts = [_closed(part) if at in clauses and at < len(parts) - 1 else part for at, part in enumerate(parts)]
    rationale = tidy(" ".join(parts)) if parts else None
    if rationale is None or is_fragment(rationale):
        return None
    if whole and finding.statement is None and finding.label is not None and not _explains(rationale):
        return None
    return rationale


def tidy(text: str) -> str | None:
    """`text` with whitespace folded and without marks that stand alone at its ends; None if no word is left."""
    words = squeeze(text).split(" ")
    while words and not words[-1].strip("*_#`>–—-"):
        words.pop()
    text = " ".join(words)
    if text.startswith("**") and text.count("**") == 1:
        text = text[2:].lstrip()
    elif text.endswith("**") and text.count("**") == 1:
        text = text[:-2].rstrip()
    return text if _ANY_WORD.search(text) or _WORKING.search(text) else None


def is_fragment(rationale: str) -> bool:
    """Whether a rationale is a torn piece of a sentence: without a second word, begun or ended amid a sentence, with
    half a pair of quotation marks, or a lead-in ("Based on the options") alone.
    """
    text = rationale.strip()
    quotes = _OPEN_QUOTES.sub('"', text).count('"') % 2
    torn = _BROKEN_START.match(text) or _BROKEN_END.search(text) or _LEAD_IN_ALONE.fullmatch(text)
    return bool(quotes or torn) or (len(text.split()) < 2 and text.isascii())


def drop_unfinished(text: str, finding: Finding) -> str:
    """`text` without a last sentence that was broken off, unless it is the only one or states the answer."""
    spans = sentences(text)
    if len(spans) > 1 and not re.search(r"[.!?][\"'”’)\]*_]*\s*\Z", text):
        start = spans[-1][0]
        return text if finding.statement and finding.statement[1] > start else text[:start]
    return text


def _after_marks(text: str, begin: int, end: int) -> int:
    """Where a sentence begins behind list marks and a heading."""
    opens_line = not text[text.rfind("\n", 0, begin) + 1 : begin].strip()
    while begin < end:
        mark = (_LIST_MARK.match(text, begin, end) if opens_line else None) or _HEADED.match(text, begin, end)
        if not mark or mark.end() == begin:
            break
        begin = mark.end()
    return begin


def _is_scaffold(text: str, begin: int, end: int) -> bool:
    """Whether a sentence is a heading, a line of marks or an opening, and says nothing."""
    patterns = (_HEADING_LINE, _RULE, _OPENING)
    line = text[begin:end].strip()
    return any(pattern.fullmatch(line) for pattern in patterns) or bool(_SPEAKS_OF_MARKS.search(line))


def _closed(clause: str) -> str:
    """A clause that was part of a longer sentence, closed by a full stop where another sentence follows it."""
    return clause if re.search(r"[.!?:;。！？][\"'”’)\]*_`]*\s*\Z", clause) else clause.rstrip() + "."


def _begins_sentence(text: str, place: int) -> bool:
    """Whether a new sentence begins at a place, not a further line of one."""
    before = text[max(0, place - 80) : place].rstrip(" \t")
    return not before.strip() or before.endswith("\n\n") or bool(re.search(r"[.!?:][\"'”’)\]*_`]*\Z", before.strip()))


def _left(text: str, folded: str, begin: int, end: int, verdicts: list[tuple[int, int]]) -> list[str]:
    """What a sentence says besides its verdicts: its clauses before, between and behind them that stand alone."""
    parts, at = [], begin
    for start, stop in [*verdicts, (end, end)]:
        piece = text[at:start]
        if at == begin:
            clause = _clause_before(piece)
        else:
            clause = piece.strip() if text[begin:at].rstrip(" *_`").endswith(":") else _clause_behind(piece)
        if clause and not is_fragment(clause) and not is_lead_in(folded, at, start):
            parts.append(clause)
        at = stop
    return parts


def _clause_before(piece: str) -> str | None:
    """A clause that a verdict follows, without what joined the two."""
    clause = piece.strip().rstrip(" \t\n,;:–—-(")
    if _SUBORDINATE.match(clause):
        return None
    contrast = _CONTRAST.match(clause)
    clause = clause[contrast.end() :] if contrast else clause
    return clause if len(clause.split()) > 2 or _FINITE.search(clause) else None


def _clause_behind(piece: str) -> str | None:
    """A clause that follows a verdict, without what joined the two; None where it hangs on the verdict."""
    mark = _LEADING_MARKS.match(piece)
    piece = piece[mark.end() :] if mark else piece
    joint = _BECAUSE.match(piece)
    if joint:
        return piece[joint.end() :].strip() or None
    if _HANGS.match(piece):
        return None
    joint = _AND.match(piece)
    clause = piece[joint.end() :].strip() if joint else piece.strip()
    return clause if _FINITE.search(clause) or (not joint and len(clause.split()) > 2) else None


def _explains(body: str) -> bool:
    """Whether a text whose answer is part of a sentence says more than the answer."""
    return len(sentences(body)) > 1 or bool(_CAUSE.search(body)) or "=" in body
