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
from distill.answers.parsing.rationales import is_fragment

# So many words in a row that stand in the input too are copied from it.
RUN = 3


@dataclass(frozen=True, slots=True)
class RowRationale:
    """A rationale with the row's input, the label that came with it, and the labels that it may name."""

    rationale: str
    input: str
    label: str | None
    choices: tuple[str, ...] = ()

    def words(self) -> int:
        """Its length in words, as spaces part them."""
        return len(self.rationale.split())


def rationale_measures(
    rationales: Sequence[RowRationale], rows: int, kind: str, decimal: str = "auto"
) -> dict[str, Any]:
    """Measures of the rationales of so many rows; null where nothing is known.

    coverage: share of the rows that have one. words_*: mean and quartiles of their lengths in words. input_overlap:
    mean share of a rationale's words that stand in the input. copied: see `copied_share`. fragments: see
    `is_fragment`. states_label: share that names one answer, as the parser reads it; agrees_with_label: share of
    those whose answer is the label that came with it; supports_label: share of all that name that label. The last
    three are null for free text, where the parser cannot tell an answer from the rest.
    """
    lengths = sorted(rationale.words() for rationale in rationales)
    measures: dict[str, Any] = {
        "coverage": len(rationales) / rows if rows else None,
        "words_mean": statistics.fmean(lengths) if lengths else None,
    }
    for name, part in (("words_p25", 0.25), ("words_p50", 0.5), ("words_p75", 0.75)):
        measures[name] = lengths[int(part * len(lengths))] if lengths else None
    measures["input_overlap"] = _mean([_overlap(rationale) for rationale in rationales])
    measures["copied"] = _mean([copied_share(rationale.rationale, rationale.input) for rationale in rationales])
    measures["fragments"] = _mean([is_fragment(rationale.rationale) for rationale in rationales])
    return measures | _support(rationales, kind, decimal)


def copied_share(text: str, source: str) -> float:
    """Share of a text's sequences of RUN words that stand in `source` too; 0 where it has none."""
    runs, runs_there = _runs(text), set(_runs(source))
    return sum(run in runs_there for run in runs) / len(runs) if runs else 0.0


def _support(rationales: Sequence[RowRationale], kind: str, decimal: str) -> dict[str, Any]:
    if not rationales or kind == "text":
        return dict.fromkeys(("states_label", "agrees_with_label", "supports_label"))
    named = [(rationale.label, _named(rationale, kind, decimal)) for rationale in rationales]
    stated = [(label, name) for label, name in named if name is not None]
    agreeing = sum(label is not None and same_label(kind, label, name) for label, name in stated)
    return {
        "states_label": len(stated) / len(rationales),
        "agrees_with_label": agreeing / len(stated) if stated else None,
        "supports_label": agreeing / len(rationales),
    }


def _named(rationale: RowRationale, kind: str, decimal: str) -> str | None:
    return parse_response(
        rationale.rationale, kind=kind, choices=rationale.choices, expect_rationale=False, decimal=decimal
    ).label


def _overlap(rationale: RowRationale) -> float:
    own, of_input = words(rationale.rationale), set(words(rationale.input))
    return sum(word in of_input for word in own) / len(own) if own else 0.0


def _runs(text: str) -> list[tuple[str, ...]]:
    own = words(text)
    return [tuple(own[at : at + RUN]) for at in range(len(own) - RUN + 1)]


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None
