"""Numbers as texts write them: read in any notation, compared by value, written one way.

A number that cannot be read whole is none: `12-15`, `5:30`, `3 ± 1`, `1.2.3` and `2√3` have no one value here.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

from distill.answers.parsing.expression import LONGEST_EXPRESSION, evaluate_expression
from distill.answers.parsing.folding import narrow
from distill.answers.parsing.number_words import ANOTHER, SCALES, read_number_words

DECIMALS = ("auto", "point", "comma")
_CURRENCY = r"(?:(?:us|ca|au)?[$€£¥₹]|\b(?:rs\.?|usd|eur|chf|gbp)\b)"
# A space or an apostrophe groups three digits; what points and commas do, `_marked` says.
_SPACED = r"\d{1,3}(?:[ ']\d{3})+(?!\d|-[a-z])(?:[.,]\d+)?"
_MARKED = r"\d+(?:[.,_]\d+)*|[.,]\d+"
_DIGITS = rf"(?:{_SPACED}|{_MARKED})"
_POWER = r"(?:[e][-+]?\d{1,3}\b|\s?[x×*·]\s?10\s?(?:\^|\*\*)\s?[{(]?[-+−]?\d{1,3}[)}]?)"
# k and M belong to a number where no space is between, or where it is money. A small m is metres.
_SCALE = rf"(?:(?-i:[kKMB]|bn|mn|mio\.?|Mio\.?|Mrd\.?)(?![\w^&'])|[ -]?(?:{'|'.join(SCALES)}|mio\b|mrd\b|bn\b)s?\b)"
NUMBER = re.compile(
    rf"(?<![\w.])(?<!\d[,'])(?P<sign>(?<![\w)\]])(?:[-−–+]\s?|\b(?:minus|negative)\s+))?(?:{_CURRENCY}\s?)?"
    rf"(?P<minus>[-−–])?(?P<digits>{_DIGITS})(?P<power>{_POWER})?"
    r"(?:[ ]*/[ ]*(?P<below>\d+)(?![\d.,]*[/\d])|[ ](?P<top>\d+)/(?P<bottom>\d+))?"
    rf"(?P<scale>(?:[ ]?{_SCALE})*)(?!(?:st|nd|rd|th)\b)(?!\d)",
    re.IGNORECASE,
)
_LARGEST_EXPONENT = 100
_LETTERS = {"k": 10**3, "m": 10**6, "mn": 10**6, "mio": 10**6, "b": 10**9, "bn": 10**9, "mrd": 10**9}
_GROUPS = {",": r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}", ".": r"\d{1,3}(?:\.\d{3})+"}
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
# Two numbers that are no one value: a range, a tolerance, a time of day, two alternatives, a pair of amounts.
_NEXT = rf"{_CURRENCY}?\s?[-+]?{_DIGITS}"
_TWO_UNITS = [
    rf"{larger},?\s(?:and\s)?{_NEXT}\s?{smaller}"
    for larger, smaller in (
        ("(?:hours?|hrs?|h)", "(?:minutes?|mins?|m)"),
        ("(?:minutes?|mins?)", "(?:seconds?|secs?|s)"),
        ("(?:feet|foot|ft)", "(?:inch(?:es)?|in)"),
        ("(?:pounds?|lbs?)", "(?:ounces?|oz|pence|p)"),
        ("(?:dollars?|euros?)", "cents?"),
        ("years?", "months?"),
        ("weeks?", "days?"),
        ("days?", "hours?"),
        ("(?:kilometers?|kilometres?|km)", "(?:meters?|metres?|m)"),
        ("(?:meters?|metres?)", "(?:centimeters?|centimetres?|cm)"),
        ("(?:kilograms?|kg)", "(?:grams?|g)"),
    )
]
_TWO = re.compile(
    rf"\s?(?:[–—~±]|\+/-|\\pm|\.\.+)\s?{_NEXT}"
    r"|:\d|h[0-5]\d\b|(?<=\d{4})[-/]\d{1,2}[-/]\d{1,2}(?!\d)|[-/]\d{1,2}[-/]\d{4}(?!\d)"
    rf"|(?:,\s{_NEXT})*,?\s(?:and|or)\s{_NEXT}"
    rf"|\s?[%°]?\s(?:to|or|and|until|through|versus|vs\.?|plus or minus)\s{_NEXT}"
    rf"|\s[a-z]{{1,12}}\s(?:and|or|to)\s{_NEXT}"
    rf"|\s?(?:{'|'.join(_TWO_UNITS)})\b",
    re.IGNORECASE,
)
_POINT = re.compile(r"\([-+]?\d+,\d+\)")
_JOINT = re.compile(r"[ ,]{1,2}(?:and )?")
_RANGE = re.compile(rf"-{_CURRENCY}?(?P<digits>{_DIGITS})", re.IGNORECASE)
# The text goes on with something that changes the value.
_GOES_ON = re.compile(r"\s?(?:√|π|sqrt|\\?pi\b|∞|\^)|(?:[xyzn](?![a-z])|[ij]\b)", re.IGNORECASE)
_FRAC = re.compile(r"\\[dt]?frac\s*\{([^{}]{1,40})\}\s*\{([^{}]{1,40})\}")
_MIXED_FRAC = re.compile(r"(?<=\d)\s*\\[dt]?frac\s*\{(\d{1,9})\}\s*\{(\d{1,9})\}")
_SQRT = re.compile(r"\\sqrt\s*\{([^{}]{1,40})\}")
_LATEX = re.compile(
    r"\\(?:left|right|,|;|!|quad|displaystyle)(?![a-z])|\\(?:text|mathrm|mathbf|textbf)\s*(?=\{)|\\(?=[$%#])"
)
_GROUP_MARK = re.compile(r"(?<=\d)(?:\{,\}|\\,|\\ |~)(?=\d{3}(?!\d))")
_TIMES = re.compile(r"\\(?:times|cdot)(?![a-z])")
_DIVIDED = re.compile(r"\\div(?![a-z])")
_VULGAR = re.compile(r"(?P<whole>\d[ ]?)?(?P<part>[¼-¾⅐-⅞])")
_RAISED = re.compile(r"(?<=[\d)])[⁺⁻]?[⁰¹²³⁴-⁹]+")
_UNIT = r"(?:%|°|[^\W\d]\S*)?(?:\s+[^\W\d]\S*){0,4}"
_REST = re.compile(rf"\s*{_CURRENCY}?\s*{_UNIT}\s*\.?\s*", re.IGNORECASE)
# An account's way to write an amount below zero.
ACCOUNTING = re.compile(rf"\(\s*{_CURRENCY}\s*({_DIGITS})\s*\)|{_CURRENCY}\s*\(\s*({_DIGITS})\s*\)", re.IGNORECASE)


def plain_mathematics(text: str) -> str:
    """`text` with LaTeX, vulgar fractions and raised digits in plain signs."""
    text = _GROUP_MARK.sub(lambda match: "," if match[0] == "{,}" else " ", text)
    text = _MIXED_FRAC.sub(r" \1/\2", text)
    text = _SQRT.sub(r"sqrt(\1)", _FRAC.sub(r"((\1)/(\2))", text))
    text = _DIVIDED.sub("/", _TIMES.sub("*", text))
    text = _LATEX.sub("", text).replace("−", "-")
    if text.isascii():
        return text
    text = _VULGAR.sub(_in_digits, text.replace("⁄", "/"))
    return _RAISED.sub(lambda match: "^" + unicodedata.normalize("NFKC", match[0]).replace("−", "-"), text)


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


def number_of(match: re.Match[str], decimal: str = "auto", scaled: bool = True) -> Fraction:
    """The value of a match of `NUMBER`; raises ValueError where its marks make no number, or for a zero denominator.

    `decimal` is one of DECIMALS: what `1,234` and `1.234` are, of which each is a number in thousands in one country
    and a decimal in another. "auto" is as "point"; all else is read by its form. `scaled`: with
    the words behind it ("million").
    """
    value = _marked(match["digits"], decimal)
    if match["power"]:
        exponent = int(re.sub(r".*?10\s?(?:\^|\*\*)|[e{}()\s]", "", match["power"].lower()).replace("−", "-"))
        if abs(exponent) > _LARGEST_EXPONENT:
            raise ValueError(f"{match[0]!r} has an exponent beyond {_LARGEST_EXPONENT}")
        value *= Fraction(10) ** exponent
    if match["below"]:
        value = evaluate_expression(f"{value}/{match['below']}")
    elif match["top"]:
        value += evaluate_expression(f"{match['top']}/{match['bottom']}")
    for scale in re.findall(r"[a-z]+", match["scale"].lower()) if scaled else ():
        value *= _LETTERS.get(scale) or SCALES[scale.removesuffix("s")]
    negative = (match["sign"] or "").strip().lower() in ("-", "−", "–", "minus", "negative") or bool(match["minus"])
    return -value if negative else value


def with_rest(value: Fraction, text: str, number: re.Match[str], decimal: str) -> tuple[Fraction, int]:
    """A scaled number with what it goes on with ("12 thousand five hundred", "2 million 300 thousand"), and its end."""
    end, least = number.end(), abs(value)
    while number["scale"] and (joint := _JOINT.match(text, end)):
        more = _number_or_words(text, joint.end(), decimal)
        if more is None or not 0 < more[0] < least:
            break
        rest, end = more
        value, least = value + (rest if value > 0 else -rest), rest
    return value, end


def _number_or_words(text: str, at: int, decimal: str) -> tuple[Fraction, int] | None:
    number = NUMBER.match(text, at)
    try:
        return (number_of(number, decimal), number.end()) if number else read_number_words(text.lower(), at)
    except ValueError:
        return None


def is_ambiguous(digits: str) -> bool:
    """Whether digits as `1,234` or `1.234` have another value elsewhere (`task.decimal`)."""
    return "," in digits and _AMBIGUOUS.fullmatch(digits) is not None


def goes_on(text: str, match: re.Match[str]) -> bool:
    """Whether a match of `NUMBER` is but a part: of two numbers, or of an expression with letters."""
    return begins_two(text, match) or _GOES_ON.match(text, match.end()) is not None


def begins_two(text: str, match: re.Match[str]) -> bool:
    """Whether a match of `NUMBER` is the first of two that are no one value: a range, a time, two amounts."""
    if _TWO.match(text, match.end()) or _POINT.fullmatch(text[max(0, match.start() - 1) : match.end() + 1]):
        return True
    upper = _RANGE.match(text, match.end())
    # What falls is a subtraction.
    return upper is not None and not match["sign"] and _plain(match["digits"]) < _plain(upper["digits"])


def read_number(text: str, decimal: str = "auto") -> Fraction:
    """The one value that `text` is: a number with or without unit, in digits or words, or an expression.

    A percentage is read as the number before its sign. Of an equation the last side counts. Raises ValueError that
    says what is wrong. `decimal`: see `number_of`.
    """
    plain = narrow(plain_mathematics(text[: LONGEST_EXPRESSION + 1])).strip()
    plain = plain.rsplit("=", 1)[-1].strip().rstrip(".") or plain
    if plain.startswith("\\boxed{"):
        plain = plain[len("\\boxed{") :].rstrip("}")
    number = NUMBER.match(plain)
    if number and "(" not in plain[number.end() :] and begins_two(plain, number):
        raise ValueError(f"{text!r} is no single number")
    if number and not goes_on(plain, number):
        value, end = with_rest(number_of(number, decimal), plain, number, decimal)
        if _REST.fullmatch(plain, end):
            return value
    account = ACCOUNTING.fullmatch(plain)
    if account:
        return -_marked(account[1] or account[2], decimal)
    words = plain.lower()
    spelled = read_number_words(words, 0)
    if spelled and ANOTHER.match(words, spelled[1]):
        raise ValueError(f"{text!r} is no single number")
    if spelled and re.fullmatch(_UNIT, words[spelled[1] :].strip()):
        return spelled[0]
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


def _marked(digits: str, decimal: str) -> Fraction:
    """The value of digits with marks between them."""
    unreadable = ValueError(f"{digits!r} is no number")
    plain = re.sub(r"[ '](?=\d{3})", "", digits)
    plain = re.sub(r"(?<=\d)_(?=\d{3})", "", plain)
    marks = re.sub(r"\d", "", plain)
    if "_" in marks:
        raise unreadable
    if len(set(marks)) == 2:
        other, last = marks[0], marks[-1]
        whole, _, rest = plain.rpartition(last)
        if marks.count(last) != 1 or not re.fullmatch(_GROUPS[other], whole):
            raise unreadable
        return Fraction(f"{whole.replace(other, '')}.{rest}")
    mark = marks[:1]
    if mark and plain == digits and re.fullmatch(_GROUPS[mark], plain) and not plain.startswith("0"):
        decimal_mark = "," if decimal == "comma" else "."
        if len(marks) > 1 or mark != decimal_mark:
            return Fraction(plain.replace(mark, ""))
    if len(marks) > 1:
        raise unreadable
    return Fraction(plain.replace(",", "."))


def _plain(digits: str) -> float:
    return float(re.sub(r"[ ',_]", "", digits).replace(".", "", max(0, digits.count(".") - 1)))


def _in_digits(match: re.Match[str]) -> str:
    """A vulgar fraction as `1/2`, behind a whole number as ` 1/2`."""
    part = Fraction(unicodedata.numeric(match["part"])).limit_denominator(10)
    return f"{(match['whole'] or '').rstrip()}{' ' if match['whole'] else ''}{part.numerator}/{part.denominator}"


def _rounds(short: Fraction, endless: Fraction) -> bool:
    written, exact = canonical_number(short), canonical_number(endless)
    if "/" in written or "/" not in exact or "." not in written:
        return False
    places = len(written.partition(".")[2])
    return places >= 2 and round(endless, places) == short
