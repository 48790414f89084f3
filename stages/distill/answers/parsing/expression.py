"""Arithmetic in exact fractions, by a small recursive parser of a fixed grammar.

    expression := term (("+" | "-") term)*
    term       := factor (("*" | "/") factor | "(" expression ")")*
    factor     := ("+" | "-") factor | power
    power      := atom (("^" | "**") factor)?
    atom       := number "%"? | "(" expression ")" | "sqrt" atom

Brackets of every shape are the same; the typographic signs and the letter x are
operators too; a number may have thousands separators, a currency sign and an
exponent. Length, depth and the size of powers are bounded, so that no text can
make the reader work for long.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

LONGEST_EXPRESSION = 500
DEEPEST = 60
_LARGEST_POWER_BITS = 8_000
_TOKEN = re.compile(
    r"\s*(?:[$€£¥]\s*)?(?:(?P<number>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d*)?(?:[eE][+-]?\d{1,3}\b)?|\.\d+)"
    r"|(?P<sign>\*\*|sqrt|[-+*/^()%×·÷x−–√\[\]{}:]))"
)
_SAME = {"×": "*", "·": "*", "x": "*", "÷": "/", ":": "/", "−": "-", "–": "-", "**": "^", "√": "sqrt"}
_SAME |= dict.fromkeys("[{", "(") | dict.fromkeys("]}", ")")


def evaluate_expression(text: str) -> Fraction:
    """The exact value of an arithmetic expression such as `( 84.0 / 2.0 )`.

    Raises ValueError that names what is wrong and where.
    """
    if len(text) > LONGEST_EXPRESSION:
        raise ValueError(f"the expression has {len(text)} characters, at most {LONGEST_EXPRESSION} are read")
    return _Reader(_tokens(text), text).read()


def _tokens(text: str) -> list[tuple[str, int, bool]]:
    """(token, position, whether space comes before) for each token of `text`."""
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if not match:
            where = at + len(text[at:]) - len(text[at:].lstrip())
            raise ValueError(f"unexpected {text[where]!r} at character {where + 1} of {text!r}")
        token = match["number"] or _SAME.get(match["sign"], match["sign"])
        tokens.append((token, match.start("number" if match["number"] else "sign"), text[at].isspace()))
        at = match.end()
    return tokens


class _Reader:
    def __init__(self, tokens: list[tuple[str, int, bool]], text: str) -> None:
        self.tokens, self.text, self.at = tokens, text, 0

    def read(self) -> Fraction:
        if not self.tokens:
            raise ValueError("the expression is empty")
        value = self.expression(0)
        if self.at < len(self.tokens):
            raise self.unexpected()
        return value

    def peek(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def unexpected(self) -> ValueError:
        if self.at >= len(self.tokens):
            return ValueError(f"the expression ends too early: {self.text!r}")
        token, position, _ = self.tokens[self.at]
        return ValueError(f"unexpected {token!r} at character {position + 1} of {self.text!r}")

    def expression(self, depth: int) -> Fraction:
        if depth > DEEPEST:
            raise ValueError(f"the expression is nested deeper than {DEEPEST} levels")
        value = self.term(depth)
        while (sign := self.peek()) in ("+", "-"):
            self.at += 1
            right = self.term(depth)
            value = value + right if sign == "+" else value - right
        return value

    def term(self, depth: int) -> Fraction:
        value = self.factor(depth)
        while True:
            sign = self.peek()
            if sign in ("*", "/"):
                self.at += 1
                right = self.factor(depth)
                if sign == "/" and not right:
                    raise ValueError(f"division by zero in {self.text!r}")
                value = value * right if sign == "*" else value / right
            elif sign in ("(", "sqrt") and not self.tokens[self.at][2]:
                value *= self.factor(depth)
            else:
                return value

    def factor(self, depth: int) -> Fraction:
        if depth > DEEPEST:
            raise ValueError(f"the expression is nested deeper than {DEEPEST} levels")
        if self.peek() in ("+", "-"):
            sign = self.peek()
            self.at += 1
            value = self.factor(depth + 1)
            return -value if sign == "-" else value
        value = self.atom(depth)
        if self.peek() == "^":
            self.at += 1
            value = self.power(value, self.factor(depth + 1))
        return value

    def power(self, base: Fraction, exponent: Fraction) -> Fraction:
        if exponent.denominator != 1:
            raise ValueError(f"the exponent {exponent} is not a whole number")
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if bits * abs(exponent.numerator) > _LARGEST_POWER_BITS:
            raise ValueError("the result of a power is too large")
        if not base and exponent < 0:
            raise ValueError(f"division by zero in {self.text!r}")
        return base ** int(exponent)

    def root(self, value: Fraction) -> Fraction:
        """The square root, where it is a fraction."""
        if value >= 0:
            root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
            if root**2 == value:
                return root
        raise ValueError(f"the root of {value} in {self.text!r} is no fraction")

    def atom(self, depth: int) -> Fraction:
        if depth > DEEPEST:
            raise ValueError(f"the expression is nested deeper than {DEEPEST} levels")
        token = self.peek()
        if token == "(":
            self.at += 1
            value = self.expression(depth + 1)
            if self.peek() != ")":
                raise self.unexpected()
            self.at += 1
            return value
        if token == "sqrt":
            self.at += 1
            return self.root(self.atom(depth + 1))
        if not token or not (token[0].isdigit() or token[0] == "."):
            raise self.unexpected()
        self.at += 1
        value = Fraction(token.replace(",", ""))
        if self.peek() == "%":
            self.at += 1
            value /= 100
        return value
