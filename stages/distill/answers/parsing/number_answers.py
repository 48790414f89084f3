"""Which number a text settles on."""

from __future__ import annotations

import re
from fractions import Fraction

from distill.answers.parsing.expression import evaluate_expression
from distill.answers.parsing.folding import looks_cut, sentences
from distill.answers.parsing.numbers import (
    NUMBER,
    NUMBER_WORD,
    canonical_number,
    number_of,
    plain_mathematics,
    word_value,
)
from distill.answers.parsing.record import NOTHING, Finding
from distill.answers.parsing.statements import Statement, find_statements

_GAP = re.compile(
    r"(?:\$(?=\s*\\)|\\(?:boxed|text|textbf|mathbf)\s*\{|\\[(\[]|[\s*_`\"':=>~≈{]|\b(?:an?|the|about|"
    r"approximately|exactly|only|just|that|"
    r"be|is|equal(?:s)?"
    r" to|equals|equal|therefore|thus|simply|total(?:s)?|of|number|rs\.?|usd|to|x|y|n|there|are|it)\b){0,16}+"
)
_CHUNK = re.compile(r"[-+(\[.$€£¥]*\s?(?:[(\[$€£¥]\s*)*[-+]?\d(?:[\s\d,.$%()\[\]+\-*/×÷·^=]|x(?=\s*[\d(]))*")
_CLOSERS = re.compile(r"(?:[ \t]*[\"'*_`)\]}$.,!%]|[ \t]*\\[)\]]){0,12}")
_UNIT = re.compile(
    r"[ \t]*(?:%|[a-z]{1,3}\b\.?|[a-z]+(?:[ \t]+[a-z]+){0,3})(?=[ \t]*[.!,;)}\]*$\"']*[ \t]*(?:\n|\Z|[.!;](?:\s|\Z)))"
)
_CONCLUDES = re.compile(
    r"[\s\"'*_`(]*(?:so|therefore|thus|hence|in conclusion|in total|altogether|as a result|finally|this means)\b"
)
_NEGATED = re.compile(r"[\s*_\"']*not\b[^.\n]{0,40}?\bbut\b")
_NEGATION = re.compile(r"[\s*_\"']*(?:not|n't|never)\b")
_TOTAL = re.compile(r"(?:\btotal of|\bin total,?|approximately|equals?|=)\s*\$?\s*\Z")
_PAIR = re.compile(r"\band\s+\$?\d")
# "The answer is (some - 8)": an equation that nobody solved.
_UNSOLVED = re.compile(
    r"[\s*:$]*\(+[\s(]*(?:[a-z]{2,}\s+){0,2}[a-z]{2,}\s*[-+*/]|[\s*:$]*\([\d\s.()+*/-]{0,60}[-+*/]\s*[a-z]{2,}"
)
_DENIED = re.compile(r"(?:\bnot|n't)\s+\$?\Z")
_LABELLED = re.compile(
    r"(?:\bcan \w+|is|are|was|were|has|have|had|be|left"
    r" with|got|ate|spent?)\s*(?:about|only|still|now|exactly|\$)?\s*\Z"
)


def number_answer(text: str, folded: str, *, cut: bool = False) -> Finding:
    """The number that `text` states as its answer, or else the one it concludes with.

    `cut` says that the text was broken off, so that digits at its very end may be
    the beginning of a longer number.
    """
    spans = sentences(text)
    stated, unsolved = None, False
    for statement in find_statements(folded, spans):
        if any(_UNSOLVED.match(folded, place) for place in statement.places[:1]):
            stated, unsolved = None, True
            continue
        finding = _attached(text, folded, statement, cut)
        if finding:
            # "The answer is \boxed{6}" is one statement with two cues: it begins at the first.
            if not (stated and stated.statement[1] == finding.statement[1]):
                stated = finding
            unsolved = False
    if unsolved:
        return NOTHING
    return stated or _bare(text, cut) or _implied(text, folded, spans, cut) or NOTHING


def _attached(text: str, folded: str, statement: Statement, cut: bool) -> Finding | None:
    for place in statement.places:
        turn = _NEGATED.match(folded, place)
        if turn:
            place = turn.end()
        elif _NEGATION.match(folded, place):
            continue
        gap = _GAP.match(folded, place)
        begin = gap.end() if gap else place
        while begin > place and folded[begin - 1] in "([":
            begin -= 1
        if begin >= max(statement.end, place + 1):
            continue
        read = _read(folded, begin)
        if read is None:
            continue
        value, end = read
        if cut and end >= len(text.rstrip()):
            continue
        end = _CLOSERS.match(folded, end).end()
        unit = _UNIT.match(folded, end)
        end = _CLOSERS.match(folded, unit.end()).end() if unit else end
        return Finding(canonical_number(value), "stated", (statement.start, end), clear=True)
    return None


def _read(folded: str, begin: int) -> tuple[Fraction, int] | None:
    """The value of the number or expression at `begin`, and where it ends."""
    chunk = _CHUNK.match(folded, begin, begin + 300)
    if chunk:
        line = chunk[0].split("\n")[0]
        side = line.rsplit("=", 1)[-1] if line.rsplit("=", 1)[-1].strip(" .,$()") else line.split("=")[0]
        for words in dict.fromkeys((line, side)):
            whole = _balanced(words.strip().rstrip(".,=*/+-$ \t"))
            value = _evaluate(whole)
            if value is not None:
                return value, begin + line.index(whole) + len(whole)
        first = NUMBER.search(folded, chunk.start(), chunk.end())
        if first and (value := _value(first)) is not None:
            return value, first.end()
        return None
    word = NUMBER_WORD.match(folded, begin)
    return (word_value(word[0]), word.end()) if word else None


def _balanced(words: str) -> str:
    """`words` up to a bracket that was opened before them, or without ones never closed."""
    depth = 0
    for at, char in enumerate(words):
        depth += (char in "([") - (char in ")]")
        if depth < 0:
            return words[:at].rstrip()
    return words


def _evaluate(words: str) -> Fraction | None:
    if re.search(r"\d{40}", words):
        return None
    percent = re.fullmatch(r"\s*([-+$\s]*[\d,.]+)\s*%?\s*", words)
    try:
        return evaluate_expression(percent[1] if percent else words)
    except ValueError:
        return None


def _value(match: re.Match[str]) -> Fraction | None:
    if len(match[0]) > 40:
        return None
    try:
        return number_of(match)
    except ValueError:
        return None


def _bare(text: str, cut: bool) -> Finding | None:
    """A number, or an equation, that has the last line or the first to itself."""
    stripped = text.rstrip()
    last = stripped.rfind("\n") + 1
    begin = len(stripped) - len(stripped.lstrip())
    first = stripped.find("\n", begin) + 1
    if cut:
        last = len(text)
    for start, end in ((last, len(text)), (begin, first)):
        words = plain_mathematics(stripped[start:end]).strip(" \t\n*_`\"'$.") if end - start <= 300 else ""
        # A first line that calculates is a step, a first line that is a number the answer.
        value = None if start < last and "=" in words else _whole(words)
        if value is not None:
            working = "=" in words and len(stripped) > len(words) + 10
            return Finding(canonical_number(value), "bare", None if working else (start, end), clear=True)
    return None


def _whole(words: str) -> Fraction | None:
    """The value of a line that is nothing but a number, an expression or an equation."""
    left, _, right = words.rpartition("=")
    value = _evaluate(right) if re.search(r"\d", right) and len(left) <= 60 else None
    if value is None and re.fullmatch(rf"(?:{NUMBER.pattern})\s*%?(?:\s*[^\W\d]+){{0,2}}", words):
        value = _value(NUMBER.match(words))
    if value is None and NUMBER_WORD.fullmatch(words.lower()):
        value = word_value(words.lower())
    return value


def _last_result(folded: str, end: int) -> Fraction | None:
    """What the last equation before `end` comes to."""
    equals = folded.rfind("=", 0, end)
    if equals == -1:
        return None
    read = _read(folded, equals + 1 + len(folded[equals + 1 : end]) - len(folded[equals + 1 : end].lstrip()))
    return read[0] if read else None


def _implied(text: str, folded: str, spans: list[tuple[int, int]], cut: bool) -> Finding | None:
    """The result of the last sentence that has a number, if it leaves one to choose."""
    if cut or looks_cut(text):
        return None
    for begin, end in reversed(spans):
        numbers = [(m, value) for m in NUMBER.finditer(folded, begin, end) if (value := _value(m)) is not None]
        if any(_DENIED.search(folded[max(begin, m.start() - 12) : m.start()]) for m, _ in numbers):
            return None
        if not numbers:
            words = NUMBER_WORD.findall(folded[begin:end])
            if len(words) == 1 and words[0] != "one":
                return Finding(canonical_number(word_value(words[0])), "conclusion")
            continue
        equals = folded.rfind("=", begin, end)
        if equals != -1:
            after = _read(folded, equals + 1 + len(folded[equals + 1 : end]) - len(folded[equals + 1 : end].lstrip()))
            if after:
                return Finding(canonical_number(after[0]), "conclusion")
        values = list(dict.fromkeys(value for _, value in numbers))
        if len(values) == 1:
            return Finding(canonical_number(values[0]), "conclusion")
        result = _last_result(folded, begin)
        if result in values:
            return Finding(canonical_number(result), "result")
        for before in () if _PAIR.search(folded, begin, end) else (_TOTAL, _LABELLED):
            labelled = {v for m, v in numbers if before.search(folded[max(begin, m.start() - 30) : m.start()])}
            if len(labelled) == 1:
                return Finding(canonical_number(labelled.pop()), "labelled")
        return Finding(label=None, rule="conclusion", several=True)
    return None
