"""What annotations are worth and what they cost: metrics/annotate.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from distill.annotation.annotation import HUMAN
from distill.annotation.quality import RULES
from distill.annotation.wording import GOLD
from distill.answers.matching import same_label
from distill.answers.parsing import NOTES
from distill.answers.rationale_measures import RowRationale, rationale_measures
from distill.intervals import wilson
from distill.prompts.asking import usage_of, usd_of
from distill.rows.records import Annotation, Example, TaskCard
from distill.settings import Settings
from distill.settings.annotate import AnnotateSettings
from distill.settings.runtime import Price
from distill.settings.teacher import TeacherSettings


def stage_metrics(
    teacher: str,
    annotations: Mapping[str, Sequence[Annotation]],
    splits: Mapping[str, Sequence[Example]],
    card: TaskCard,
    settings: Settings,
) -> dict[str, Any]:
    """metrics/annotate.json: who answered, and of each split what the answers are worth and cost as if cold."""
    metrics: dict[str, Any] = {"cost": {}, "teacher": teacher}
    for split, rows in annotations.items():
        metrics[split] = annotation_metrics(rows, splits[split], card, settings.annotate)
        metrics["cost"][split] = cost_of(rows, settings.teacher, settings.runtime.prices)
    return metrics


def split_in_words(split: str, annotations: Sequence[Annotation]) -> str:
    """How many rows of a split have a label, and how many a rationale."""
    labels = sum(annotation.label is not None for annotation in annotations)
    rationales = sum(annotation.rationale is not None for annotation in annotations)
    return f"{split}: {len(annotations):,} rows, {labels:,} with a label, {rationales:,} with a rationale"


def annotation_metrics(
    annotations: Sequence[Annotation], examples: Sequence[Example], card: TaskCard, settings: AnnotateSettings
) -> dict[str, Any]:
    """Accuracy where gold is known, what could not be parsed and why, rationales, tokens; {"rows": 0} without rows.

    `label.accuracy` counts a row without a label as wrong; `label.accuracy_when_parsed` leaves it out. Intervals are
    Wilson's, at 95 %. No accuracy counts a row whose label is the gold label itself (HUMAN, or it was shown to the
    teacher). `label.agreement` is the mean share of a row's answers that agree on its label, where there were several.
    For rationales see rationale_measures. `parse.run_on` counts the answers whose invented further rows were cut off.
    """
    if not annotations:
        return {"rows": 0}
    rows = len(annotations)
    gold = {example.id: example.label for example in examples if example.label is not None}
    answers = [a for a in annotations if a.status != HUMAN]
    judged = [a for a in answers if a.id in gold and a.prompt != GOLD]
    agreement = [a.confidence for a in answers if a.confidence is not None]
    correct = sum(same_label(card.kind, gold[a.id] or "", a.label) for a in judged)
    with_label = sum(a.label is not None for a in judged)
    by_id = {example.id: example for example in examples}
    rationales = [
        RowRationale(a.rationale, by_id[a.id].input, a.label, by_id[a.id].choices or card.classes)
        for a in annotations
        if a.rationale is not None
    ]
    label: dict[str, Any] = {"gold_rows": len(judged)}
    if agreement:
        label["agreement"] = sum(agreement) / len(agreement)
    if judged:
        low, high = wilson(correct, len(judged))
        label |= {"accuracy": correct / len(judged), "accuracy_ci_low": low, "accuracy_ci_high": high}
        label["accuracy_when_parsed"] = correct / with_label if with_label else None
    return {
        "rows": rows,
        "label": label,
        "parse": {
            "failure_rate": sum(a.label is None for a in answers) / len(answers) if answers else None,
            "status": dict(Counter(a.status for a in annotations)),
            **{note: sum(note in a.notes for a in answers) for note in NOTES},
        },
        "rationale": {
            "asked": sum(a.asked == "explain" for a in annotations),
            **rationale_measures(rationales, rows, card.kind, card.decimal),
            **_in_band(rationales, settings.rationale_words),
            "dropped": {rule: sum(a.dropped == rule for a in annotations) for rule in RULES},
        },
        "prompts": dict(Counter(a.prompt for a in annotations if a.prompt)),
        "tokens_from": dict(Counter(a.tokens_from or "unknown" for a in answers)),
    }


def _in_band(rationales: Sequence[RowRationale], band: Sequence[int]) -> dict[str, float]:
    """The share of rationales that have the wanted number of words, where one is wanted."""
    if not band or not rationales:
        return {}
    return {"in_band": sum(band[0] <= rationale.words() <= band[1] for rationale in rationales) / len(rationales)}


def cost_of(annotations: Sequence[Annotation], teacher: TeacherSettings, prices: Mapping[str, Price]) -> dict[str, Any]:
    """What these answers cost as if cold: calls, tokens and US dollars, each null where any row's is unknown.

    Prices go by the model's name as it was asked for (servers return a longer one, with its date), and by how each
    call was bought, live or in a batch.
    """
    answered = [a for a in annotations if a.status not in ("failed", HUMAN)]
    usages = [usage_of(a) for a in answered]
    dollars = [usd_of(a, teacher.model, prices) for a in answered]

    def total(numbers: Sequence[Any]) -> Any:
        return None if any(number is None for number in numbers) else sum(numbers)

    usd = total(dollars)
    return {
        "usd": None if usd is None else float(usd),
        "calls": sum(a.calls for a in answered),
        "tokens_in": total([usage.tokens_in for usage in usages]),
        "tokens_cached": total([usage.tokens_cached for usage in usages]),
        "tokens_out": total([usage.tokens_out for usage in usages]),
        "tokens_reasoning": total([usage.tokens_reasoning for usage in usages]),
    }
