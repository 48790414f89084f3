"""What a student must not learn from: rationales that break a rule of the quality gate, and inputs that show the gold
label."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence

from distill.answers.matching import same_label, words
from distill.answers.parsing import parse_response
from distill.answers.rationale_measures import copied_share
from distill.errors import DataError
from distill.rows.records import Annotation, Example, TaskCard
from distill.settings.annotate import GateSettings

# Words that give no reason by themselves.
_PLAIN = frozenset(
    words(
        "a an and answer are as because by choice clearly correct for from given has have i in is it its label of on "
        "option or question right since so that the their them then there therefore these they this those thus to was "
        "were which with would"
    )
)
_LEAST_NEW_WORDS = 2
RULES = ("words", "copies", "contradicts", "no_reasoning")


def gated(answer: Annotation, row: Example, card: TaskCard, gate: GateSettings) -> Annotation:
    """The answer, its rationale dropped where a rule says so; `dropped` names the first that does."""
    if answer.rationale is None:
        return answer
    rule = _broken(answer, row, card, gate)
    if rule is None:
        return answer
    return dataclasses.replace(
        answer, rationale=None, dropped=rule, status="no_rationale" if answer.status == "ok" else answer.status
    )


def _broken(answer: Annotation, row: Example, card: TaskCard, gate: GateSettings) -> str | None:
    return next((name for name in RULES if _CHECKS[name](answer, row, card, gate)), None)


def _outside(answer: Annotation, row: Example, card: TaskCard, gate: GateSettings) -> bool:
    count = len((answer.rationale or "").split())
    return bool(gate.words) and not gate.words[0] <= count <= gate.words[1]


def _copies(answer: Annotation, row: Example, card: TaskCard, gate: GateSettings) -> bool:
    if gate.copies is None:
        return False
    return copied_share(answer.rationale or "", row.input) > gate.copies


def _contradicts(answer: Annotation, row: Example, card: TaskCard, gate: GateSettings) -> bool:
    if not gate.contradicts or answer.label is None:
        return False
    choices = row.choices or card.classes
    # Of a joined row the whole answer tells which label the rationale was written for.
    for text in (answer.response, answer.rationale):
        parsed = parse_response(
            text or "",
            kind=card.kind,
            choices=choices,
            aliases=card.aliases,
            decimal=card.decimal,
            expect_rationale=False,
        )
        label = parsed.label
        if label is not None and card.kind != "text" and not same_label(card.kind, answer.label, label):
            return True
    return False


def _no_reasoning(answer: Annotation, row: Example, card: TaskCard, gate: GateSettings) -> bool:
    if not gate.no_reasoning:
        return False
    old = set(words(row.input)) | set(words(answer.label or "")) | _PLAIN
    return len(set(words(answer.rationale or "")) - old) < _LEAST_NEW_WORDS


_CHECKS: dict[str, Callable[[Annotation, Example, TaskCard, GateSettings], bool]] = {
    "words": _outside,
    "copies": _copies,
    "contradicts": _contradicts,
    "no_reasoning": _no_reasoning,
}

# From so many rows that name one class alone, and this share of them whose class is the gold one, it is no chance.
_LEAST_ROWS, _MOST_SHARE = 20, 0.98


def check_leaks(rows: Sequence[Example], classes: Sequence[str]) -> None:
    """Raises DataError where inputs give the gold label away.

    That is so where the input has a line that is the label alone, "label: <label>" included, in most rows;
    or, with classes, where of the rows that name just one of them nearly all name the gold one.
    """
    labelled = [row for row in rows if row.label is not None]
    given_away = [
        row
        for row in labelled
        if not row.choices and re.search(rf"(?im)^\W*(?:\w+\s*:\s*)?{re.escape(row.label or '')}\W*$", row.input)
    ]
    if len(given_away) >= _LEAST_ROWS and len(given_away) > len(labelled) / 2:
        raise DataError(
            f"the input of {len(given_away)} of {len(labelled)} labelled rows has the gold label on a line of its own"
            f" ({given_away[0].id}, for example): the student would read it off. Take the label out of what the input"
            " is made of (task.table.columns or template)"
        )
    patterns = {name: re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE) for name in classes}
    named = [(row, [name for name, pattern in patterns.items() if pattern.search(row.input)]) for row in labelled]
    alone = [(row, names[0]) for row, names in named if len(names) == 1]
    right = sum(name == row.label for row, name in alone)
    if len(alone) >= max(_LEAST_ROWS, len(labelled) / 2) and right > _MOST_SHARE * len(alone):
        raise DataError(
            f"the input of {len(alone)} of {len(labelled)} labelled rows names one class alone, and {right} of them the"
            f" gold one ({alone[0][0].id}, for example): the label leaks into the student's input. Take it out of"
            " task.table.columns or template"
        )
