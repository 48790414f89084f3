"""A number in any notation is read whole, or it is none."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.answers.matching import same_label
from distill.answers.parsing import parse_response
from distill.answers.parsing.number_words import read_number_words
from distill.answers.parsing.numbers import canonical_number, is_ambiguous, read_number

WHOLE = {
    # thousands
    "48,250": "48250",
    "1,048,576": "1048576",
    "1.048.576": "1048576",
    "48 250": "48250",
    "48\u202f250": "48250",
    "48\u00a0250": "48250",
    "48'250": "48250",
    "48’250": "48250",
    "4,82,500": "482500",
    "48{,}250": "48250",
    "48\\,250": "48250",
    "48~250": "48250",
    "48_250": "48250",
    # decimals
    "7,25": "7.25",
    "0,125": "0.125",
    "2048,5": "2048.5",
    "48.250,75": "48250.75",
    "48,250.75": "48250.75",
    "48 250,75": "48250.75",
    "48'250.75": "48250.75",
    ".75": "0.75",
    # powers of ten
    "2.5e4": "25000",
    "4E-3": "0.004",
    "2.5 × 10^4": "25000",
    "2.5 x 10^4": "25000",
    "2.5\\times10^{4}": "25000",
    "2.5 · 10⁴": "25000",
    "8 × 10⁻³": "0.008",
    # words
    "eleven hundred": "1100",
    "ninety-nine": "99",
    "three hundred and seven": "307",
    "two million four hundred thousand and six": "2400006",
    "half a million": "500000",
    "a dozen": "12",
    "two and a half": "2.5",
    "three quarters": "0.75",
    "four point two five": "4.25",
    # digits with words
    "2.4 million": "2400000",
    "€3 billion": "3000000000",
    "7 hundred": "700",
    "12 thousand five hundred": "12500",
    "3 dozen": "36",
    "9k": "9000",
    "$1.5M": "1500000",
    "2.5 Mio.": "2500000",
    # fractions
    "¾": "0.75",
    "3¼": "3.25",
    "3 ¼": "3.25",
    "3 1/4": "3.25",
    "13⁄4": "3.25",
    "\\frac{13}{4}": "3.25",
    "3\\frac{1}{4}": "3.25",
    "2\\sqrt{9}": "6",
    # signs
    "-8": "-8",
    "−8": "-8",
    "–8": "-8",
    "minus 8": "-8",
    "negative eight": "-8",
    "-$8.50": "-8.5",
    "$-8.50": "-8.5",
    "($8.50)": "-8.5",
    # digits of other scripts, units
    "４２": "42",
    "٤٢": "42",
    "42 km": "42",
    "42 m": "42",
    "42 m²": "42",
    "42%": "42",
    "EUR 42": "42",
    "42 €": "42",
}
NO_SINGLE_NUMBER = [
    "8-14",
    "8–14",
    "8 to 14",
    "8 or 9",
    "8, 9 and 10",
    "eight to nine",
    "8 ± 1",
    "8 +/- 1",
    "8:45",
    "8:45 pm",
    "3:1",
    "14/03/2025",
    "2025-03-14",
    "14.03.2025",
    "1.2.3",
    "1,2,3",
    "(3,5)",
    "2√5",
    "2\\sqrt{5}",
    "3π",
    "4x",
    "6 feet 2 inches",
    "2 hours and 15 minutes",
    "8 apples and 9 pears",
    "1e999",
]
DRESSINGS = ["So the answer is {}.", "The final answer: {}", "**Answer:** {}", "\\boxed{{{}}}", "We count.\n\n#### {}"]


@pytest.mark.parametrize("dressing", DRESSINGS)
@pytest.mark.parametrize("written", WHOLE)
def test_a_number_is_read_whole(written, dressing):
    assert parse_response(dressing.format(written), kind="number").label == WHOLE[written]


@pytest.mark.parametrize("written", WHOLE)
def test_a_gold_number_is_read_by_the_same_reader(written):
    assert canonical_number(read_number(written)) == WHOLE[written]
    assert same_label("number", written, WHOLE[written])


@pytest.mark.parametrize("dressing", DRESSINGS)
@pytest.mark.parametrize("written", NO_SINGLE_NUMBER)
def test_what_is_no_single_number_has_no_label(written, dressing):
    assert parse_response(dressing.format(written), kind="number").label is None


@pytest.mark.parametrize(
    ("written", "auto", "comma"),
    [
        ("1,234", "1234", "1.234"),
        ("1.234", "1.234", "1234"),
        ("12.500", "12.5", "12500"),
        ("3,5", "3.5", "3.5"),
        ("3.5", "3.5", "3.5"),
        ("1.234,5", "1234.5", "1234.5"),
        ("1,234.5", "1234.5", "1234.5"),
        ("0,125", "0.125", "0.125"),
    ],
)
def test_the_setting_decides_what_the_form_does_not(written, auto, comma):
    text = f"The answer is {written} kg."
    assert parse_response(text, kind="number").label == auto
    assert parse_response(text, kind="number", decimal="point").label == auto
    assert parse_response(text, kind="number", decimal="comma").label == comma


def test_what_another_country_would_read_otherwise_is_noted():
    assert parse_response("The answer is 1,234.", kind="number").notes == ("ambiguous_number",)
    for text, decimal in (("1,234", "point"), ("1,234", "comma"), ("12,34", "auto"), ("1,234,567", "auto")):
        assert parse_response(f"The answer is {text}.", kind="number", decimal=decimal).notes == ()
    assert is_ambiguous("12,500") and not is_ambiguous("12.500") and not is_ambiguous("1250")


def test_an_equation_keeps_the_unit_of_its_terms():
    assert parse_response("So they need 14 + 12 = 26 million.", kind="number").label == "26"
    assert parse_response("The answer is 26 million.", kind="number").label == "26000000"


GROUPED = st.sampled_from([",", " ", "\u202f", "\u00a0", "'", "’", "{,}", "\\,"])


@given(st.integers(1_000_000, 10**15), GROUPED, st.sampled_from(["", "-", "−", "minus "]), st.sampled_from(DRESSINGS))
def test_any_whole_number_in_any_grouping(value, mark, sign, dressing):
    written = sign + f"{value:,}".replace(",", mark)
    expected = -value if sign else value
    assert parse_response(dressing.format(written), kind="number").label == str(expected)


@given(st.integers(0, 999_999), st.integers(1, 99), st.sampled_from(DRESSINGS), st.booleans())
def test_any_decimal_with_a_comma(whole, cents, dressing, grouped):
    written = (f"{whole:,}".replace(",", ".") if grouped else str(whole)) + f",{cents:02d}"
    expected = canonical_number(Fraction(f"{whole}.{cents:02d}"))
    assert parse_response(dressing.format(written), kind="number").label == expected


UNITS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen"""
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety"


def in_words(value):
    """English words of 0 to 999,999,999."""
    units, tens = UNITS.split(), TENS.split()
    if value < 20:
        return units[value]
    if value < 100:
        return tens[value // 10] + (f"-{units[value % 10]}" if value % 10 else "")
    for size, name in ((10**6, "million"), (10**3, "thousand"), (100, "hundred")):
        if value >= size:
            rest = value % size
            joint = " and " if rest and rest < 100 else " "
            return f"{in_words(value // size)} {name}" + (f"{joint}{in_words(rest)}" if rest else "")
    raise AssertionError(value)


@given(st.integers(0, 999_999_999))
def test_any_number_in_words(value):
    words = in_words(value)
    assert read_number_words(words, 0) == (value, len(words))
    assert parse_response(f"So the answer is {words}.", kind="number").label == str(value)


@given(st.integers(1, 500), st.integers(1, 500), st.sampled_from(["{}-{}", "{}–{}", "{} to {}", "{} – {}", "{} or {}"]))
def test_any_range_has_no_label(low, more, form):
    assert parse_response(f"The answer is {form.format(low, low + more)}.", kind="number").label is None
