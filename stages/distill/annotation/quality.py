"""The quality gate: rationales that are not worth learning from, by rules that can each be switched off."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from distill.answers.matching import same_label, words
from distill.answers.parsing import parse_response
from distill.answers.rationale_measures import copied_share
from distill.rows.records import Annotation, Example, TaskCard
from distill.settings.annotate import GateSettings

# Words that give no reason by themselves.
_PLAIN = frozenset(
    ("a", "an", "and", "answer", "are", "as", "because", "by", "choice", "clearly", "correct", "for", "from", "given", "has",
     "have", "i", "in", "is", "it", "its", "label", "of", "on", "option", "or", "question", "right", "since", "so", "that", "the",
     "their", "them", "then", "there", "therefore", "these", "they", "this", "those", "thus", "to", "was", "were", "which", "with",
     "would")
)  # fmt: skip
_LEAST_NEW_WORDS = 2
RULES = ("words", "copies", "contradicts", "no_reasoning")


def gated(answer: Annotation, row: Example, card: TaskCard, gate: GateSettings) -> Annotation:
    """The answer, its rationale dropped where a rule says so; `dropped` names the first that does."""
    if answer.rationale is None:
        return answer
    rule = _broken(answer, row, card, gate)
    if rule is None:
        return answer
    return dataclasses.replace(answer, rationale=None, dropped=rule, status="no_rationale" if answer.status == "ok" else answer.status)


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
        said = parse_response(text or "", kind=card.kind, choices=choices, expect_rationale=False).label
        if said is not None and card.kind != "text" and not same_label(card.kind, answer.label, said):
            return True
    return False


def _no_reasoning(answer: Annotation, row: Example, card: TaskCard, gate: GateSettings) -> bool:
    if not gate.no_reasoning:
        return False
    known = set(words(row.input)) | set(words(answer.label or "")) | _PLAIN
    return len(set(words(answer.rationale or "")) - known) < _LEAST_NEW_WORDS


_CHECKS: dict[str, Callable[[Annotation, Example, TaskCard, GateSettings], bool]] = {
    "words": _outside,
    "copies": _copies,
    "contradicts": _contradicts,
    "no_reasoning": _no_reasoning,
}
