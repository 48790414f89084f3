"""When an answer is right."""

from __future__ import annotations

import re
from collections import Counter

from distill.answers.parsing import same_number
from distill.answers.parsing.numbers import canonical_number, read_number


def same_label(kind: str, gold: str, answer: str | None) -> bool:
    """Whether an answer equals the gold label. None is never right.

    Numbers and equations are compared by value, free text by its words, whatever their case and punctuation,
    and all else as it stands.
    """
    if answer is None:
        return False
    if kind == "text":
        return words(gold) == words(answer)
    return same_number(gold, answer) if kind == "number" else gold == answer


def with_value(number: str) -> str:
    """ "( 10.0 * 45.0 )" as "( 10.0 * 45.0 ) = 450"; a plain number, or what is none, as it is."""
    if re.fullmatch(r"[-+]?[\d.,]+", number.strip()):
        return number
    try:
        return f"{number} = {canonical_number(read_number(number))}"
    except ValueError:
        return number


def words(text: str) -> list[str]:
    """The words and numbers of a text, case folded."""
    return re.findall(r"\w+", text.casefold())


def word_overlap(gold: str, answer: str | None) -> float:
    """F1 of the words that two texts share, as of Rajpurkar et al. 2016 (arXiv 1606.05250), articles kept; 0 to 1."""
    first, second = Counter(words(gold)), Counter(words(answer or ""))
    shared = (first & second).total()
    return 2 * shared / (first.total() + second.total()) if shared else 0.0
