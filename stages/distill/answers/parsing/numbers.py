"""Numbers as texts write them: read, compared by value, written one way."""

from __future__ import annotations

import re
from fractions import Fraction

from distill.answers.parsing.expression import LONGEST_EXPRESSION, evaluate_expression

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+"
NUMBER = re.compile(
    rf"(?<![\w.])(?<!\d,)(?P<sign>(?<![\w)\]])[-−+]\s?)?(?:[$€£¥]\s?)?(?P<minus>[-−])?(?P<digits>{_DIGITS})"
    rf"(?:[ ]*/[ ]*(?P<below>\d+)(?![\d.,]*[/\d])|[ ](?P<top>\d+)/(?P<bottom>\d+))?(?!(?:st|nd|rd|th)\b)(?!\d)"
)
_FRAC = re.compile(r"\\[dt]?frac\s*\{([^{}]{1,40})\}\s*\{([^{}]{1,40})\}")
_LATEX = re.compile(
    r"\\(?:left|right|,|;|!|quad|displaystyle)(?![a-z])|\\(?:text|mathrm|mathbf|textbf)\s*(?=\{)|\\(?=[$%#])"
)
_TIMES = re.compile(r"\\(?:times|cdot)(?![a-z])")
_DIVIDED = re.compile(r"\\div(?![a-z])")
_UNITS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_IN_WORDS = {word: value for value, word in enumerate(_UNITS)} | {
    word: 10 * (value + 2) for value, word in enumerate(_TENS)
}
NUMBER_WORD = re.compile(rf"\b(?:(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_UNITS[1:10])}))?|{'|'.join(_UNITS)})\b")
_LONE = re.compile(
    rf"[\s$€£¥]*(?P<number>[-−+]?[\s$€£¥]*(?:{_DIGITS}))\s*(?:%|[^\W\d]\S*)?(?:\s+[^\W\d]\S*){{0,4}}\s*[.]?\s*"
)


def plain_mathematics(text: str) -> str:
    """`text` with LaTeX fractions and operators in plain signs."""
    text = _FRAC.sub(r"((\1)/(\2))", text)
    text = _DIVIDED.sub("/", _TIMES.sub("*", text))
    return _LATEX.sub("", text).replace("−", "-")


def canonical_number(value: Fraction) -> str:
    """One way of writing each value: `42`, `0.5`, and `1/3` where no decimal ends."""
    if value.denominator == 1:
        return str(value.numerator)
    rest, places = value.denominator, 0
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest //= prime
            count += 1
        places = max(places, count)
    if rest != 1 or places > 30:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def number_of(match: re.Match[str]) -> Fraction:
    """The value of a match of `NUMBER`; raises ValueError for a zero denominator."""
    value = Fraction(match["digits"].replace(",", ""))
    if match["below"]:
        value = evaluate_expression(f"{value}/{match['below']}")
    elif match["top"]:
        value += evaluate_expression(f"{match['top']}/{match['bottom']}")
    negative = (match["sign"] or "").strip() in ("-", "−") or bool(match["minus"])
    return -value if negative else value


def word_value(words: str) -> Fraction:
    """The value of a match of `NUMBER_WORD`, such as `twenty-one`."""
    return Fraction(sum(_IN_WORDS[word] for word in re.split(r"[ -]", words)))


def read_number(text: str) -> Fraction:
    """The one value that `text` is: a number with or without unit, or an expression.

    A percentage is read as the number before its sign. Of an equation the last
    side counts. Raises ValueError that says what is wrong.
    """
    plain = plain_mathematics(text[: LONGEST_EXPRESSION + 1]).strip()
    plain = plain.rsplit("=", 1)[-1].strip().rstrip(".") or plain
    if plain.startswith("\\boxed{"):
        plain = plain[len("\\boxed{") :].rstrip("}")
    lone = _LONE.fullmatch(plain)
    if lone:
        return Fraction(re.sub(r"[\s$€£¥,]", "", lone["number"]).replace("−", "-"))
    words = plain.lower()
    if NUMBER_WORD.fullmatch(words):
        return word_value(words)
    mixed = NUMBER.fullmatch(plain)
    if mixed:
        return number_of(mixed)
    return evaluate_expression(plain)


def same_number(a: object, b: object) -> bool:
    """Whether two numbers or equations, as texts or values, have the same value.

    A decimal with two places or more equals a fraction without end that it rounds.
    What is no number equals nothing.
    """
    try:
        first, second = read_number(str(a)), read_number(str(b))
    except ValueError:
        return False
    return first == second or _rounds(first, second) or _rounds(second, first)


def _rounds(short: Fraction, endless: Fraction) -> bool:
    written, exact = canonical_number(short), canonical_number(endless)
    if "/" in written or "/" not in exact or "." not in written:
        return False
    places = len(written.partition(".")[2])
    return places >= 2 and round(endless, places) == short
