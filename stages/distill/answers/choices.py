"""How a row's own choices stand in its input: listed at its end, each with a letter, and read from there again.

The list begins with a line that is HEADING, and has a line a choice.
"""

from __future__ import annotations

import string
from collections.abc import Sequence

HEADING = "Answer choices:"


def lettered(choices: Sequence[str]) -> str:
    """The usual rendering of a multiple choice: "(a) first", a line each."""
    return "\n".join(f"({string.ascii_lowercase[i]}) {choice}" for i, choice in enumerate(choices))


def with_letter(label: str, choices: Sequence[str]) -> str:
    """A label with its letter among the choices, as "(b) second"; as it is where it is none of them."""
    return f"({string.ascii_lowercase[choices.index(label)]}) {label}" if label in choices else label


def with_choices(text: str, choices: Sequence[str]) -> str:
    """The input of a row that offers these choices."""
    return f"{text}\n{HEADING}\n{lettered(choices)}"


def apart(text: str) -> tuple[str, tuple[str, ...]]:
    """What `with_choices` put together; an input that lists no choices comes back as it is, with none."""
    front, heading, listed = text.rpartition(f"\n{HEADING}\n(a) ")
    if not heading:
        return text, ()
    choices = []
    for letter in string.ascii_lowercase[1:]:
        choice, mark, rest = listed.partition(f"\n({letter}) ")
        if not mark:
            break
        choices.append(choice)
        listed = rest
    return front, (*choices, listed)
