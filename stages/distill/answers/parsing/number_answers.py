"""Which number a text settles on."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from distill.answers.parsing.expression import evaluate_expression
from distill.answers.parsing.folding import looks_cut, narrow, sentences
from distill.answers.parsing.number_words import ANOTHER, find_number_words, read_number_words
from distill.answers.parsing.numbers import (
    ACCOUNTING,
    NUMBER,
    begins_two,
    canonical_number,
    goes_on,
    is_ambiguous,
    number_of,
    plain_mathematics,
    read_number,
    with_rest,
)
from distill.answers.parsing.record import NOTHING, Finding
from distill.answers.parsing.statements import Statement, find_statements

_GAP = re.compile(
    r"(?:\$(?=\s*\\)|\\(?:boxed|text|textbf|mathbf)\s*\{|\\[(\[]|[\s*_`\"':=>~≈{]|\b(?:an?|the|about|"
    r"approximately|exactly|only|just|that|"
    r"be|is|equal(?:s)?"
    r" to|equals|equal|therefore|thus|simply|total(?:s)?|of|number|rs\.?|usd|to|x|y|n|there|are|it)\b){0,16}+"
)
_CHUNK = re.compile(
    r"((?:[(\[\s]*)(?=[-−–+$€£¥₹.,\d√s]|(?:minus|negative|us\$|rs|usd|eur)\b))"
    r"(?:(?:minus|negative)\s+|us(?=\$)|(?:rs\.?|usd|eur)\s)?"
    r"[-−–+(\[.,$€£¥₹\s]*(?:sqrt\s?\(?|√\s?)?\d(?:[\s\d,.$%()\[\]+\-–*/×÷·^=:]|x(?=\s*[\d(])|sqrt|√)*"
)
# A number with one of these behind it begins an expression.
_OPERATOR = re.compile(
    r"[\s%)\]]*(?:[-+*/×÷·^=:]|x(?=\s*[\d(]))\s*[$€£¥(\[]*\s*(?:[-+]?\s?\.?\d|sqrt|√)|%?\(\s*[-+]?\d"
    r"|\s?(?:sqrt|√)\s?\(?\d"
)
_DIGIT = re.compile(r"[(\[\s$€£¥₹]*\d")
_GLUED_DASH = re.compile(r"\s[–-][$€£¥₹]?\d")
# What may stand behind a number that has a line to itself.
_ALONE = re.compile(r"\s*%?(?:\s*[^\W\d]+(?:\^?[23²³])?){0,2}")
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


def number_answer(text: str, folded: str, *, cut: bool = False, decimal: str = "auto") -> Finding:
    """The number that `text` states as its answer, or else the one it concludes with.

    `cut` says that the text was broken off, so that digits at its very end may be
    the beginning of a longer number. `decimal`: see `numbers.number_of`.
    """
    reader = _Reader(narrow(text), folded, decimal)
    spans = sentences(text)
    stated, unsolved = None, False
    for statement in find_statements(folded, spans):
        if any(_UNSOLVED.match(folded, place) for place in statement.places[:1]):
            stated, unsolved = None, True
            continue
        finding = reader.attached(statement, cut)
        if finding and finding.label is None:
            stated, unsolved = None, True
        elif finding:
            # "The answer is \\boxed{6}" is one statement with two cues: it begins at the first.
            if not (stated and stated.statement[1] == finding.statement[1]):
                stated = finding
            unsolved = False
    if unsolved:
        return NOTHING
    finding = stated or reader.bare(cut) or (None if cut or looks_cut(text) else reader.implied(spans)) or NOTHING
    return (
        replace(finding, notes=("ambiguous_number",))
        if reader.ambiguous and finding.label in reader.ambiguous
        else finding
    )


_UNREADABLE = Finding(label=None, rule="unreadable")


class _Reader:
    """Reads numbers at places of a text: `narrowed` has plain signs (folding.narrow), `folded` is in lower case too.

    `ambiguous` are the labels that another country would read otherwise.
    """

    def __init__(self, narrowed: str, folded: str, decimal: str):
        self.narrowed, self.folded, self.decimal = narrowed, folded, decimal
        self.ambiguous: set[str] = set()

    def attached(self, statement: Statement, cut: bool) -> Finding | None:
        """The number that stands right behind the words that state an answer; one without a label where it cannot be
        read whole."""
        folded, unreadable = self.folded, False
        for place in statement.places:
            turn = _NEGATED.match(folded, place)
            if turn:
                place = turn.end()
            elif _NEGATION.match(folded, place):
                continue
            # "is -5" with a long dash: it may have been taken for a colon.
            if _GLUED_DASH.match(self.narrowed, max(0, place - 2)):
                place -= 1
            gap = _GAP.match(folded, place)
            begin = gap.end() if gap else place
            while begin > place and (folded[begin - 1] in "([" or folded[begin - 1 : begin + 1] == "- "):
                begin -= 1
            if begin >= max(statement.end, place + 1):
                continue
            value, end = self.read(begin) or (None, begin)
            unreadable = unreadable or (value is None and _DIGIT.match(folded, begin) is not None)
            if value is None or (cut and end >= len(folded.rstrip())):
                continue
            end = _CLOSERS.match(folded, end).end()
            unit = _UNIT.match(folded, end)
            end = _CLOSERS.match(folded, unit.end()).end() if unit else end
            return Finding(canonical_number(value), "stated", (statement.start, end), clear=True)
        return _UNREADABLE if unreadable else None

    def read(self, begin: int, scaled: bool = True) -> tuple[Fraction, int] | None:
        """The value of the number or expression at `begin`, and where it ends; None where it cannot be read whole."""
        account = ACCOUNTING.match(self.narrowed, begin)
        if account:
            return read_number(account[0], self.decimal), account.end()
        chunk = _CHUNK.match(self.folded, begin, begin + 300)
        if not chunk:
            words = read_number_words(self.folded, begin)
            return None if words is None or ANOTHER.match(self.folded, words[1]) else words
        number = NUMBER.match(self.narrowed, begin + len(chunk[1]))
        if number and not _OPERATOR.match(self.folded, number.end()):
            value = None if goes_on(self.narrowed, number) else self.value(number, scaled)
            if value is None or not scaled:
                return None if value is None else (value, number.end())
            return with_rest(value, self.narrowed, number, self.decimal)
        line = chunk[0].split("\n")[0]
        if number and "=" not in line and not chunk[1].strip() and begins_two(self.narrowed, number):
            return None
        side = line.rsplit("=", 1)[-1] if line.rsplit("=", 1)[-1].strip(" .,$()") else line.split("=")[0]
        for words in dict.fromkeys((line, side)):
            whole = _balanced(words.strip().rstrip(".,=*/+-$ \t"))
            value = _evaluate(whole)
            if value is not None:
                return value, begin + line.index(whole) + len(whole)
        last = (
            NUMBER.match(self.narrowed, begin + len(line) - len(line.rsplit("=", 1)[-1].lstrip()))
            if "=" in line
            else None
        )
        value = self.value(last) if last and not goes_on(self.narrowed, last) else None
        return (value, last.end()) if last and value is not None else None

    def value(self, match: re.Match[str], scaled: bool = True) -> Fraction | None:
        """The value of a match of NUMBER, times the words behind it ("million") where `scaled`."""
        if len(match[0]) > 60:
            return None
        try:
            value = number_of(match, self.decimal, scaled)
        except ValueError:
            return None
        if self.decimal == "auto" and is_ambiguous(match["digits"]):
            self.ambiguous.add(canonical_number(value))
        return value

    def bare(self, cut: bool) -> Finding | None:
        """A number, or an equation, that has the last line or the first to itself."""
        text = self.narrowed
        stripped = text.rstrip()
        last = stripped.rfind("\n") + 1
        begin = len(stripped) - len(stripped.lstrip())
        first = stripped.find("\n", begin) + 1
        if cut:
            last = len(text)
        for start, end in ((last, len(text)), (begin, first)):
            words = plain_mathematics(stripped[start:end]).strip(" \t\n*_`\"'$.") if end - start <= 300 else ""
            # A first line that calculates is a step, a first line that is a number the answer.
            value = None if start < last and "=" in words else self.whole(words)
            if value is not None:
                working = "=" in words and len(stripped) > len(words) + 10
                return Finding(canonical_number(value), "bare", None if working else (start, end), clear=True)
        return None

    def whole(self, words: str) -> Fraction | None:
        """The value of a line that is nothing but a number, an expression or an equation."""
        left, equals, right = words.rpartition("=")
        number = NUMBER.match(words)
        account = ACCOUNTING.fullmatch(words)
        if account:
            return read_number(words, self.decimal)
        if number and not equals and begins_two(words, number):
            return None
        if number and _ALONE.fullmatch(words, number.end()) and not goes_on(words, number):
            return self.value(number)
        value = _evaluate(right) if re.search(r"\d", right) and len(left) <= 60 else None
        spelled = read_number_words(words.lower(), 0) if value is None else None
        return spelled[0] if spelled and spelled[1] == len(words) else value

    def result_before(self, end: int) -> Fraction | None:
        """What the last equation before `end` comes to."""
        equals = self.folded.rfind("=", 0, end)
        return None if equals == -1 else self.right_of(equals, end)

    def right_of(self, equals: int, end: int) -> Fraction | None:
        """The value right of an equals sign, in the unit of what stands left of it: "14 + 12 = 26 billion" is 26."""
        after = self.folded[equals + 1 : end]
        read = self.read(equals + 1 + len(after) - len(after.lstrip()), scaled=False)
        return read[0] if read else None

    def implied(self, spans: list[tuple[int, int]]) -> Finding | None:
        """The result of the last sentence that has a number, if it leaves one to choose."""
        folded, narrowed = self.folded, self.narrowed
        for begin, end in reversed(spans):
            matches = list(NUMBER.finditer(narrowed, begin, end))
            numbers = [(match, value) for match in matches if (value := self.value(match)) is not None]
            if any(_DENIED.search(folded[max(begin, m.start() - 12) : m.start()]) for m in matches):
                return None
            if not matches:
                words = [value for value, *_ in find_number_words(folded, begin, end)]
                if len(words) == 1 and words[0] > 1:
                    return Finding(canonical_number(words[0]), "conclusion")
                continue
            equals = folded.rfind("=", begin, end)
            after = self.right_of(equals, end) if equals != -1 else None
            if after is not None:
                return Finding(canonical_number(after), "conclusion")
            values = list(dict.fromkeys(value for _, value in numbers))
            whole = len(numbers) == len(matches) and (len(matches) > 1 or not goes_on(narrowed, matches[0]))
            if len(values) == 1 and whole:
                return Finding(canonical_number(values[0]), "conclusion")
            result = self.result_before(begin)
            if result in values:
                return Finding(canonical_number(result), "result")
            for before in () if _PAIR.search(folded, begin, end) else (_TOTAL, _LABELLED):
                labelled = {
                    value
                    for match, value in numbers
                    if before.search(folded[max(begin, match.start() - 30) : match.start()])
                    and not goes_on(narrowed, match)
                }
                if len(labelled) == 1:
                    return Finding(canonical_number(labelled.pop()), "labelled")
            return Finding(label=None, rule="conclusion", several=True)
        return None


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
