"""Numbers and equations: found, compared by value, evaluated without `eval`."""

from fractions import Fraction

import pytest

from distill.answers.parsing import Parsed, evaluate_expression, parse_response, same_number


def number(text, **more):
    return parse_response(text, kind="number", **more)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("42", "42"),
        ("#### 18", "18"),
        ("#### 1,234", "1234"),
        ("The answer is $1,234.50.", "1234.5"),
        ("The answer is 12%.", "12"),
        ("The answer is 3/4.", "0.75"),
        ("The answer is 1/3.", "1/3"),
        ("Answer: -5", "-5"),
        ("**Answer:** 6 flower beds", "6"),
        ("Answer: \\boxed{6}.", "6"),
        ("\\boxed{\\frac{1}{2}}", "0.5"),
        ("$\\boxed{\\$45}$", "45"),
        ("The answer is ( 84.0 / 2.0 ).", "42"),
        ("The answer is (10 - (3 + 6)).", "1"),
        ("The answer is 5 + 3 = 8.", "8"),
        ("The answer is 10 (5 + 5).", "10"),
        ("There were 9. The answer is 5. Wait, 2 are left, so the answer is 7.", "7"),
        ("The answer is not 5 but 7.", "7"),
        ("She has 12 x 5 = 60 apples.", "60"),
        ("12 + 5 = 17\n17 - 3 = 14", "14"),
        (
            "To find it we divide.\n\n12 bottles ÷ 6 bottles per day = 2 days\n\n"
            "Therefore, the 12 bottles last 2 days.",
            "2",
        ),
        ("Paco has 1 cookie left.", "1"),
        ("Therefore, he has seven apples.", "7"),
        ("The answer is twenty-one.", "21"),
    ],
)
def test_the_stated_number(text, expected):
    assert number(text).label == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I cannot tell.",
        "The answer is not 5.",
        "There are 6 red peaches and 16 green peaches in the basket.",
        "He had some marbles and lost 8. So some - 8 = 6. The answer is (some - 8).",
        "The answer is between 5 and 10.",
    ],
)
def test_no_number_is_made_up(text):
    assert number(text).label is None


def test_calculator_notes_are_stripped():
    text = "They had 60/10 = <<60/10=6>>6 flower beds. Answer: \\boxed{6}."
    assert number(text) == Parsed("6", "They had 60/10 = 6 flower beds.", "ok")


def test_run_ons_of_equations_are_cut():
    text = "10 * 45 is 450. The answer is (10 * 45).\n\nQ: There are 15 trees.\nA: The answer is (21 - 15)."
    assert number(text) == Parsed("450", "10 * 45 is 450.", "ok")


def test_a_number_at_the_cut_may_go_on():
    assert number("The answer is 4", finish_reason="length") == Parsed(None, None, "truncated")
    assert number("The answer is 42. It", finish_reason="length").label == "42"
    assert number("He has 4 and buys 5, so", finish_reason="length").status == "truncated"


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("( 84.0 / 2.0 )", "42", True),
        ("42.0", 42, True),
        ("1,000", "1000", True),
        ("$5", "5 dollars", True),
        ("50%", "50", True),
        ("1 1/2", "1.5", True),
        ("( 7.0 * 30.0 )", "30 * 7", True),
        ("10/3", "3.33", True),
        ("10/3", "3.3", False),
        ("3.33", "3.334", False),
        ("42", "-42", False),
        ("42", "24", False),
        ("no", "no", False),
        ("", "", False),
        ("1/0", "1/0", False),
    ],
)
def test_same_number(a, b, same):
    assert same_number(a, b) is same
    assert same_number(b, a) is same


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("( ( 17.0 + 15.0 ) + 2.0 )", 34),
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("2 - 3 - 4", -5),
        ("8 / 4 / 2", 1),
        ("-2 ^ 2", -4),
        ("2 ^ 3 ^ 2", 512),
        ("2 ** -1", Fraction(1, 2)),
        ("2(3 + 4)", 14),
        ("[1 + {2}] x 3 ÷ 9", 1),
        ("1,234.5 - .5", 1234),
        ("$3 + $4", 7),
        ("50% * 20", 10),
        ("0.1 + 0.2", Fraction(3, 10)),
        ("- -3", 3),
    ],
)
def test_expressions(text, value):
    assert evaluate_expression(text) == value


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        ("1 +", "ends too early"),
        ("(1 + 2", "ends too early"),
        ("1 + 2)", r"unexpected '\)' at character 6"),
        ("1 / (2 - 2)", "division by zero"),
        ("0 ^ -1", "division by zero"),
        ("some - 8", "unexpected 's' at character 1"),
        ("__import__('os')", "unexpected '_'"),
        ("1 2", "unexpected '2' at character 3"),
        ("2 ^ 0.5", "not a whole number"),
        ("9 ^ 99 ^ 99", "too large"),
        ("9 ^ 9999", "too large"),
        ("(" * 200 + "1" + ")" * 200, "nested deeper than 60"),
        ("-" * 200 + "1", "nested deeper than 60"),
        ("1+" * 300 + "1", "at most 500"),
    ],
)
def test_what_is_wrong_with_an_expression_is_named(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        evaluate_expression(text)
