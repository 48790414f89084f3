"""Rationales in which one thing is missing: what still teaches without it tells what teaches.

A control is a function (rows, seed) -> rows. It changes rationales alone, and gives none to a row that had none.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from distill.answers.matching import words
from distill.answers.parsing.folding import sentences
from distill.errors import DataError
from distill.rows.permutation import seeded_order
from distill.rows.records import TrainingRow

Control = Callable[[Sequence[TrainingRow], int], list[TrainingRow]]

# Words that at least this share of the rationales has are the wording that all share, and tell no row from another.
TEMPLATE_SHARE = 0.5
_CLAUSE_END = re.compile(r"[,;:][\"')\]]*\s+|\s[-–—]+\s+|[、，；：]")


def own(rows: Sequence[TrainingRow], seed: int) -> list[TrainingRow]:
    """No control: every row keeps its rationale."""
    return list(rows)


def shuffled(rows: Sequence[TrainingRow], seed: int) -> list[TrainingRow]:
    """Tells reasoning from mere extra text: each row that has a rationale gets another row's.

    The rows with a rationale, in seeded order, form one circle in which each takes the next one's. So as many
    rows have a rationale as before, and every rationale is used once. Raises DataError where only one row has one.
    """
    circle = _explained(rows, seed)
    if len(circle) == 1:
        raise DataError(
            "subsample.rationales: shuffled, but only one row has a rationale, and there is none to exchange it for;"
            " raise subsample.explanation_rate"
        )
    return _with(rows, _next_ones(circle))


def shuffled_within_label(rows: Sequence[TrainingRow], seed: int) -> list[TrainingRow]:
    """Tells facts from the label: as `shuffled`, with a circle for each label, so that every rationale argues for its
    row's label, of another row's facts.

    A row whose label no other row with a rationale has, loses its own. Raises DataError where that is so of all.
    """
    circles: dict[str, list[TrainingRow]] = defaultdict(list)
    for row in _explained(rows, seed):
        circles[row.label].append(row)
    if circles and all(len(circle) == 1 for circle in circles.values()):
        raise DataError(
            "subsample.rationales: same_label, but no two rows with a rationale have one label, so there is none to"
            " exchange; raise subsample.explanation_rate, or take shuffled where every row has answers of its own"
        )
    taken: dict[str, str | None] = {}
    for circle in circles.values():
        taken |= _next_ones(circle) if len(circle) > 1 else {circle[0].id: None}
    return _with(rows, taken)


def from_another_label(rows: Sequence[TrainingRow], seed: int) -> list[TrainingRow]:
    """Tells what a wrong argument does: each row that has a rationale gets that of a row with another label.

    The rows of a label, in seeded order, take those of all others in turn, so one rationale may stand on several rows.
    Raises DataError where all rows with a rationale have one label.
    """
    explained, taken = _explained(rows, seed), {}
    for label in dict.fromkeys(row.label for row in explained):
        others = [row for row in explained if row.label != label]
        if not others:
            raise DataError(
                "subsample.rationales: other_label, but all rows with a rationale have one label; raise"
                " subsample.explanation_rate"
            )
        own = [row for row in explained if row.label == label]
        taken |= {row.id: others[place % len(others)].rationale for place, row in enumerate(own)}
    return _with(rows, taken)


def in_random_order(rows: Sequence[TrainingRow], seed: int) -> list[TrainingRow]:
    """Tells reasoning from its words: each rationale with its own words, punctuation and all, in a random order."""
    mixed = {}
    for row in rows:
        if row.rationale is not None:
            own = row.rationale.split()
            random.Random(f"{seed} {row.id}").shuffle(own)
            mixed[row.id] = " ".join(own)
    return _with(rows, mixed)


def codes(rows: Sequence[TrainingRow], seed: int) -> list[TrainingRow]:
    """Tells facts from wording: a rationale's words in their order, as codes without a meaning ("w3 w7").

    Left out are the words of TEMPLATE_SHARE of the rationales or more. A number stays as it is. Codes are counted from
    the most frequent word on, of equals from the first in the alphabet. A rationale of shared words alone is taken
    away.
    """
    texts = {row.id: words(row.rationale) for row in rows if row.rationale is not None}
    rationales = Counter(word for text in texts.values() for word in set(text))
    telling = {word for word, count in rationales.items() if count < TEMPLATE_SHARE * len(texts)}
    numbers = {word for word in telling if word.isdecimal()}
    ranked = sorted(telling - numbers, key=lambda word: (-rationales[word], word))
    code = {word: f"w{place}" for place, word in enumerate(ranked, 1)} | {number: number for number in numbers}
    return _with(rows, {key: " ".join(code[word] for word in text if word in code) for key, text in texts.items()})


def conclusion(rows: Sequence[TrainingRow], seed: int) -> list[TrainingRow]:
    """Tells reasoning from its end: the last sentence alone, or of a single sentence its last clause."""
    return _with(rows, {row.id: _conclusion(row.rationale) for row in rows if row.rationale is not None})


RATIONALE_KINDS: dict[str, Control] = {
    "own": own,
    "shuffled": shuffled,
    "same_label": shuffled_within_label,
    "other_label": from_another_label,
    "word_order": in_random_order,
    "codes": codes,
    "conclusion": conclusion,
}


def _explained(rows: Sequence[TrainingRow], seed: int) -> list[TrainingRow]:
    return [row for row in seeded_order(rows, seed, "exchanged rationales") if row.rationale is not None]


def _next_ones(circle: Sequence[TrainingRow]) -> dict[str, str | None]:
    """id -> the rationale of the next row in the circle."""
    return {taker.id: giver.rationale for taker, giver in zip(circle, [*circle[1:], *circle[:1]], strict=True)}


def _with(rows: Sequence[TrainingRow], rationales: Mapping[str, str | None]) -> list[TrainingRow]:
    """The rows with other rationales, by id; an empty one is none."""
    return [
        dataclasses.replace(row, rationale=rationales[row.id] or None) if row.id in rationales else row for row in rows
    ]


def _conclusion(rationale: str) -> str:
    spans = sentences(rationale)
    if len(spans) > 1:
        return rationale[slice(*spans[-1])].strip()
    clauses = [clause for clause in _CLAUSE_END.split(rationale) if words(clause)]
    return clauses[-1].strip() if clauses else rationale
