"""How a row's own choices stand in its input: listed at its end, each with its letter, and read from there again.

The list begins with a line that is HEADING, and has a line a choice. Letters go on as those of a spreadsheet's columns:
a to z, aa, ab, ….
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from itertools import count

HEADING = "Answer choices:"


def letter(place: int) -> str:
    """The letter of the choice at a place, from 0: a to z, then aa, ab, …"""
    letters = ""
    while place >= 0:
        letters = string.ascii_lowercase[place % 26] + letters
        place = place // 26 - 1
    return letters


def place_of(letters: str) -> int | None:
    """The place, from 0, that a letter of `letter` stands for, in either case; None for anything else."""
    if not letters or not (letters.isascii() and letters.isalpha()):
        return None
    place = 0
    for char in letters.lower():
        place = place * 26 + ord(char) - ord("a") + 1
    return place - 1


def lettered(choices: Sequence[str]) -> str:
    """The usual rendering of a multiple choice: "(a) first", a line each."""
    return "\n".join(f"({letter(place)}) {choice}" for place, choice in enumerate(choices))


def with_letter(label: str, choices: Sequence[str]) -> str:
    """A label with its letter among the choices, as "(b) second"; as it is where it is none of them."""
    return f"({letter(choices.index(label))}) {label}" if label in choices else label


def with_choices(text: str, choices: Sequence[str]) -> str:
    """The input of a row that offers these choices."""
    return f"{text}\n{HEADING}\n{lettered(choices)}"


def apart(text: str) -> tuple[str, tuple[str, ...]]:
    """What `with_choices` put together; an input that lists no choices comes back as it is, with none."""
    front, heading, listed = text.rpartition(f"\n{HEADING}\n(a) ")
    if not heading:
        return text, ()
    choices = []
    for place in count(1):
        choice, mark, rest = listed.partition(f"\n({letter(place)}) ")
        if not mark:
            break
        choices.append(choice)
        listed = rest
    return front, (*choices, listed)
