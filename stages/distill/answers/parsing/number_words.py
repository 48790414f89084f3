"""English number words: "twelve hundred", "two and a half million", "minus three quarters"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from distill.answers.parsing.folding import word_set

_BELOW_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_UNITS = {word: value for value, word in enumerate(str.split(_BELOW_TWENTY))}
_TENS = {
    word: 10 * value
    for value, word in enumerate(str.split("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
}
# What a number before it, in digits or words, is multiplied by.
SCALES = {
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "lakh": 10**5,
    "crore": 10**7,
    "dozen": 12,
}
_PARTS = {
    "half": Fraction(1, 2),
    "halves": Fraction(1, 2),
    "third": Fraction(1, 3),
    "thirds": Fraction(1, 3),
    "quarter": Fraction(1, 4),
    "quarters": Fraction(1, 4),
    "fifths": Fraction(1, 5),
    "tenths": Fraction(1, 10),
}
_SIGNS = word_set("minus negative")
_FIRST = "|".join(
    (*_UNITS, *_TENS, *_SIGNS, "half", r"an?\s+(?:" + "|".join((*SCALES, "half", "third", "quarter")) + ")")
)
_BEGINS = re.compile(rf"\b(?:{_FIRST})\b")
# A second number that makes the two no single one: "five to six".
ANOTHER = re.compile(rf"\s(?:to|or|and|versus|-)\s(?:an?\b|\d|(?:{'|'.join((*_UNITS, *_TENS))})\b)")
_WORD = re.compile(r"[ \t-]*\b([a-z]+)\b")
_MOST_WORDS = 24


def find_number_words(folded: str, begin: int, end: int) -> Iterator[tuple[Fraction, int, int]]:
    """(value, start, end) of each number in words in folded[begin:end]."""
    at = begin
    while match := _BEGINS.search(folded, at, end):
        read = read_number_words(folded, match.start(), end)
        if read:
            yield read[0], match.start(), read[1]
        at = read[1] if read else match.end()


def read_number_words(folded: str, at: int, end: int | None = None) -> tuple[Fraction, int] | None:
    """The value of the longest number in words at `at`, and where it ends."""
    words, place = [], at
    while len(words) < _MOST_WORDS and (match := _WORD.match(folded, place, len(folded) if end is None else end)):
        if not words and match.start(1) != at:
            break
        words.append((match[1], match.end()))
        place = match.end()
    reader = _Words([word for word, _ in words])
    value = reader.read()
    return None if value is None else (value, words[reader.at - 1][1])


class _Words:
    """Reads words from the left; `at` is behind the last that belongs to the number."""

    def __init__(self, words: list[str]):
        self.words, self.at = words, 0

    def peek(self, ahead: int = 0) -> str:
        return self.words[self.at + ahead] if self.at + ahead < len(self.words) else ""

    def take(self) -> str:
        self.at += 1
        return self.words[self.at - 1]

    def read(self) -> Fraction | None:
        negative = self.peek() in _SIGNS
        if negative:
            self.take()
        value = self._part_of() or self._sum()
        if value is None:
            return None
        return -value if negative else value

    def _part_of(self) -> Fraction | None:
        """half, a quarter, three quarters, half a million, half a dozen."""
        count, ahead = 1, 0
        if self.peek() in ("a", "an", "one"):
            ahead = 1
        elif self.peek() in _UNITS:
            count, ahead = _UNITS[self.peek()], 1
        part = self.peek(ahead)
        if part not in _PARTS or (ahead == 0 and part != "half") or part.endswith(("s", "ves")) != (count != 1):
            return None
        self.at += ahead + 1
        value = count * _PARTS[part]
        if self.peek() in ("a", "an") and self.peek(1) in SCALES:
            self.take()
            value *= SCALES[self.take()]
        return Fraction(value)

    def _sum(self) -> Fraction | None:
        """Groups below a thousand, each with its scale, in falling order."""
        total, last = Fraction(0), 10**15
        began = False
        while True:
            at = self.at
            if began and self.peek() == "and":
                self.take()
                if self.peek() in ("a", "an", "one") and self.peek(1) in ("half", "quarter", "third"):
                    self.take()
                    total += _PARTS[self.take()]
                    return total * self._scale(last)
            group = self._group()
            if group is None:
                self.at = at
                return total if began else None
            scale = self._scale(last)
            if began and group * scale >= last:
                self.at = at
                return total
            began, total, last = True, total + group * scale, scale
            if scale == 1:
                return self._rest(total)

    def _rest(self, total: Fraction) -> Fraction:
        """What may follow units: "and a half", "point five"."""
        if self.peek() == "and" and self.peek(1) in ("a", "an", "one") and self.peek(2) in ("half", "quarter", "third"):
            self.at += 2
            total += _PARTS[self.take()]
            return total * self._scale(10**15)
        if self.peek() == "point" and _UNITS.get(self.peek(1), 10) < 10:
            self.take()
            place = Fraction(1, 10)
            while _UNITS.get(self.peek(), 10) < 10:
                total, place = total + _UNITS[self.take()] * place, place / 10
            return total * self._scale(10**15)
        return total

    def _scale(self, below: int) -> int:
        scale = 1
        while self.peek() in SCALES and self.peek() != "hundred" and scale * SCALES[self.peek()] < below:
            scale *= SCALES[self.take()]
        return scale

    def _group(self) -> int | None:
        """A number below a hundred, or so many hundreds and one more."""
        if self.peek() in ("a", "an") and self.peek(1) in SCALES:
            self.take()
            value: int | None = 1
        else:
            value = self._below_hundred()
        if value is None or self.peek() != "hundred":
            return value
        self.take()
        value *= 100
        at = self.at
        if self.peek() == "and":
            self.take()
        more = self._below_hundred()
        if more is None:
            self.at = at
        return value + (more or 0)

    def _below_hundred(self) -> int | None:
        if self.peek() in _TENS:
            value = _TENS[self.take()]
            return value + (_UNITS[self.take()] if 0 < _UNITS.get(self.peek(), 0) < 10 else 0)
        return _UNITS[self.take()] if self.peek() in _UNITS else None
