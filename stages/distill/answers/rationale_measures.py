"""What rationales are like, whoever wrote them: one set of measures for teacher and student, train rows
and test rows.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from distill.answers.matching import same_label, words
from distill.answers.parsing import parse_response

# So many words in a row that stand in the input too are copied from it.
RUN = 3


@dataclass(frozen=True, slots=True)
class Told:
    """A rationale, the row's input, the label that was given with it, and the labels it may name."""

    rationale: str
    input: str
    label: str | None
    choices: tuple[str, ...] = ()


def rationale_measures(told: Sequence[Told], asked: int, kind: str) -> dict[str, Any]:
    """Measures of the rationales that there are, of `asked` that there could be; null where nothing is known.

    coverage: share of the asked rows that have one. words_*: mean and quartiles of their lengths in words.
    input_overlap: mean share of a rationale's words that stand in the input. copied: see `copied_share`.
    states_label: share that names one answer, as the parser reads it; agrees_with_label: share of those whose
    answer is the label given with it; supports_label: share of all that name that label. The last three are
    null for free text, where a rationale names no answer that could be told from the rest.
    """
    found: dict[str, Any] = {"coverage": len(told) / asked if asked else None}
    lengths = sorted(len(one.rationale.split()) for one in told)
    found["words_mean"] = statistics.fmean(lengths) if lengths else None
    for name, part in (("words_p25", 0.25), ("words_p50", 0.5), ("words_p75", 0.75)):
        found[name] = lengths[int(part * len(lengths))] if lengths else None
    found["input_overlap"] = _mean([_overlap(one) for one in told])
    found["copied"] = _mean([copied_share(one.rationale, one.input) for one in told])
    return found | _support(told, kind)


def copied_share(text: str, shown: str) -> float:
    """Share of a text's sequences of RUN words that stand in the shown text too; 0 where it has none."""
    said, there = _runs(text), set(_runs(shown))
    return sum(run in there for run in said) / len(said) if said else 0.0


def _support(told: Sequence[Told], kind: str) -> dict[str, Any]:
    if not told or kind == "text":
        return dict.fromkeys(("states_label", "agrees_with_label", "supports_label"))
    named = [(one.label, _named(one, kind)) for one in told]
    stated = [(label, name) for label, name in named if name is not None]
    agreeing = sum(label is not None and same_label(kind, label, name) for label, name in stated)
    return {
        "states_label": len(stated) / len(told),
        "agrees_with_label": agreeing / len(stated) if stated else None,
        "supports_label": agreeing / len(told),
    }


def _named(one: Told, kind: str) -> str | None:
    return parse_response(one.rationale, kind=kind, choices=one.choices, expect_rationale=False).label


def _overlap(one: Told) -> float:
    said, shown = words(one.rationale), set(words(one.input))
    return sum(word in shown for word in said) / len(said) if said else 0.0


def _runs(text: str) -> list[tuple[str, ...]]:
    said = words(text)
    return [tuple(said[at : at + RUN]) for at in range(len(said) - RUN + 1)]


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None
