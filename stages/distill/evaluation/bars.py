"""What a student has to beat: models that cost nothing, trained on the student's own rows in seconds.

The setting of a bar is chosen on the validation rows, as the student's weights are, and so is the best bar. The student
is compared with that one on the test rows, which chose nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from threadpoolctl import threadpool_limits

from distill.evaluation.metrics import label_metrics
from distill.evaluation.text_models import (
    Embedding,
    HasText,
    NoWords,
    Scorer,
    answers,
    nearest_choice,
    neighbours,
    regressions,
)
from distill.evaluation.verdict import bar_verdict
from distill.intervals import compare
from distill.rows.records import Example, TaskCard, TrainingRow
from distill.settings import SettingsError

BAR_KINDS = ("classes", "choices")
# C of the logistic regressions, and k of the nearest neighbours.
STRENGTHS = (0.1, 1.0, 10.0, 100.0)
NEIGHBOURS = (1, 5, 15)
_LEAST_SHARE = 1e-12


@dataclass(frozen=True)
class BarRows:
    """What bars are made of and judged on. `gold` are labels that people gave to training rows, by id; `embedding`
    gives the vectors of an encoder that was trained before, but not on this task. Validation and test are labelled.
    """

    training: Sequence[TrainingRow]
    gold: Mapping[str, str]
    validation: Sequence[Example]
    test: Sequence[Example]
    embedding: Embedding | None = None


@dataclass(frozen=True)
class _Bar:
    """A bar with the setting that is best on validation rows, the rows it was trained on, and its answers to test."""

    trained_on: int
    setting: dict[str, float]
    validation_accuracy: float
    answers: list[str]


def measure_bars(
    rows: BarRows, student_right: Sequence[bool], card: TaskCard, confidence: float
) -> dict[str, dict[str, Any]]:
    """`bars` of metrics/evaluate.json, and `student_less_bar`, the paired test of the student against the best of them.

    `student_right` says of each test row whether the student is right about it. A bar that cannot be made has a null
    `label` and a `reason`; where none can be, `best` is null, and nothing is compared.
    """
    if card.kind not in BAR_KINDS:
        return {"bars": {"best": None, "reason": f"no bar gives answers of the kind {card.kind}"}}
    # Several threads only wait for one another at products this small, and add up in an order of their own.
    with threadpool_limits(1):
        bars = {name: _made(make) for name, make in _makers(rows, card.kind).items()}
    measured = {name: _metrics(bar, rows, card.kind, confidence) for name, bar in bars.items()}
    usable = {name: bar for name, bar in bars.items() if isinstance(bar, _Bar)}
    if not usable:
        return {"bars": {"best": None, "reason": "none of them can be made", **measured}}
    # Among equals the first, as the simpler stand before the others.
    best = max(usable, key=lambda name: usable[name].validation_accuracy)
    right = [answer == row.label for answer, row in zip(usable[best].answers, rows.test, strict=True)]
    difference = compare(student_right, right, confidence)
    pair = {"rows": len(right), **asdict(difference), "verdict": bar_verdict(difference, confidence)}
    return {"bars": {"best": best, **measured}, "student_less_bar": pair}


def _makers(rows: BarRows, kind: str) -> dict[str, Callable[[], _Bar]]:
    """How each bar of such a task is made. Raises NoWords, when called, where it cannot be."""
    training, labels = rows.training, [row.label for row in rows.training]
    by_people = [row for row in training if row.id in rows.gold]
    gold = [rows.gold[row.id] for row in by_people]
    makers = {"logistic_regression": lambda: _regression(training, labels, rows)}
    if gold and gold != labels:
        makers["logistic_regression_gold"] = lambda: _regression(by_people, gold, rows)
    if kind == "choices":
        makers["nearest_choice"] = lambda: _best([({}, nearest_choice(training))], training, rows)
        if rows.embedding:
            makers["encoder"] = lambda: _best([({}, nearest_choice(training, rows.embedding))], (), rows)
        return makers
    counts = [{"k": count} for count in NEIGHBOURS]
    makers["nearest_neighbours"] = lambda: _best(
        zip(counts, neighbours(training, labels, NEIGHBOURS), strict=True), training, rows
    )
    if rows.embedding:
        makers["encoder"] = lambda: _regression(training, labels, rows, rows.embedding)
    return makers


def _regression(
    training: Sequence[HasText], labels: Sequence[str], rows: BarRows, embedding: Embedding | None = None
) -> _Bar:
    settings = [{"c": strength} for strength in STRENGTHS]
    return _best(zip(settings, regressions(training, labels, STRENGTHS, embedding), strict=True), training, rows)


def _best(candidates: Iterable[tuple[dict[str, float], Scorer]], training: Sequence[HasText], rows: BarRows) -> _Bar:
    """The setting that is best on validation rows: by accuracy, among equals by the log loss."""
    ranked = []
    for setting, scorer in candidates:
        scores = scorer(rows.validation)
        right = [answer == row.label for answer, row in zip(answers(scores), rows.validation, strict=True)]
        shares = [row.get(example.label or "", 0.0) for row, example in zip(scores, rows.validation, strict=True)]
        loss = -sum(math.log(max(share, _LEAST_SHARE)) for share in shares) / len(shares)
        ranked.append((sum(right) / len(right), -loss, setting, scorer))
    accuracy, _, setting, scorer = max(ranked, key=lambda candidate: candidate[:2])
    return _Bar(len(training), setting, accuracy, answers(scorer(rows.test)))


def _made(make: Callable[[], _Bar]) -> _Bar | str:
    """The bar, or why there is none."""
    try:
        return make()
    except (NoWords, SettingsError) as error:
        return str(error)


def _metrics(bar: _Bar | str, rows: BarRows, kind: str, confidence: float) -> dict[str, Any]:
    if isinstance(bar, str):
        return {"label": None, "reason": bar}
    pairs = [(row.label or "", answer) for row, answer in zip(rows.test, bar.answers, strict=True)]
    return {
        "label": label_metrics(pairs, kind, confidence),
        "training_rows": bar.trained_on,
        "validation": {"rows": len(rows.validation), "label": {"accuracy": bar.validation_accuracy}},
        **bar.setting,
    }
