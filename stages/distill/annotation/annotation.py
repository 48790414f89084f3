"""Annotating the rows: which are asked for what, and what the answers are worth."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from distill.annotation.quality import RULES, check_leaks, gated
from distill.annotation.voting import joined, voted
from distill.annotation.wording import annotation_templates, showing_gold
from distill.answers.matching import same_label
from distill.answers.rationale_measures import Told, rationale_measures
from distill.errors import DataError
from distill.intervals import wilson
from distill.prompts.asking import Ask, Asker, Asks
from distill.rows.permutation import seeded_order, share
from distill.rows.records import Annotation, Example, TaskCard
from distill.settings import Settings
from distill.settings.annotate import AnnotateSettings
from distill.settings.runtime import Price
from distill.settings.teacher import TeacherSettings
from distill.sizes import AUTO, MOST_VALIDATION
from distill.teacher.exchange import Usage
from distill.teacher.money import cost
from distill.templates import Template

GOLD = "gold"
# The status of a row that nobody was asked about: its gold label and its own rationale.
HUMAN = "human"


def rows_to_ask(splits: Mapping[str, Sequence[Example]], settings: AnnotateSettings) -> dict[str, list[Ask]]:
    """For each split what is asked, in the prompts' names ("explain", "label", "gold").

    Of train, round(rationale_rate * rows) are asked to explain, `samples` times each, and the rest for the
    label alone, or none where rationales are human. Of those that explain, the first round(separate_labels *
    rows) are asked for the label alone as well; with `show_gold`, one that has a gold label is shown it. Of
    validation and test, the first rows of the seeded order, up to the wanted count, are asked to explain, once.
    """
    asked: dict[str, list[Ask]] = {"train": []}
    if settings.rationale_source == "teacher":
        order = _train(splits["train"], settings)
        separate = share(sum(what == "explain" for _, what in order), settings.separate_labels)
        for i, (row, what) in enumerate(order):
            if what == "label":
                asked["train"].append(Ask(row, what))
                continue
            shown = settings.show_gold and row.label is not None
            one, what = (showing_gold(row), GOLD) if shown else (row, what)
            asked["train"] += [Ask(one, what, sample) for sample in range(settings.samples)]
            asked["train"] += [Ask(row, "label")] if i < separate else []
    for split, count in (("validation", settings.validation_rows), ("test", settings.test_rows)):
        rows = seeded_order(splits[split], settings.seed)
        if count != "all":
            rows = rows[: MOST_VALIDATION if count == AUTO else count]
        asked[split] = [Ask(row, "explain") for row in rows]
    return asked


def human_annotations(train: Sequence[Example], settings: AnnotateSettings) -> list[Annotation]:
    """Train rows with their gold label and, round(rationale_rate * rows) of them, their own rationale.

    Their status is "human" (HUMAN); what a row does not have is None. Raises DataError where no row has a rationale.
    """
    if not any(row.rationale for row in train):
        raise DataError(
            "annotate.rationale_source: is human, and no train row has a rationale of its own; name its column in "
            "task.table.rationale, take a task that has them (cqa, anli1 to anli3, esnli, gsm8k), or set it to teacher"
        )
    return [
        Annotation(
            id=row.id,
            asked=asked,
            label=row.label,
            rationale=row.rationale if asked == "explain" else None,
            status=HUMAN,
            calls=0,
            response=None,
            finish_reason=None,
            model=None,
        )
        for row, asked in _train(train, settings)
    ]


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
    """Accuracy where gold is known, what could not be parsed and why, rationales, tokens.

    Empty where nothing was asked. `label.accuracy` counts a row without a label as wrong;
    `label.accuracy_when_parsed` leaves it out. Intervals are Wilson's, at 95 %. A row whose label is the gold
    label itself (HUMAN, or it was shown to the teacher) is in no accuracy. `label.agreement` is the mean share
    of a row's answers that agree on its label, where there were several. Of rationales see rationale_measures.
    """
    if not annotations:
        return {"rows": 0}
    rows = len(annotations)
    gold = {example.id: example.label for example in examples if example.label is not None}
    taught = [a for a in annotations if a.status != HUMAN]
    known = [a for a in taught if a.id in gold and a.prompt != GOLD]
    agreement = [a.confidence for a in taught if a.confidence is not None]
    correct = sum(same_label(card.kind, gold[a.id] or "", a.label) for a in known)
    with_label = sum(a.label is not None for a in known)
    shown = {example.id: example for example in examples}
    told = [
        Told(a.rationale, shown[a.id].input, a.label, shown[a.id].choices or card.classes)
        for a in annotations
        if a.rationale is not None
    ]
    asked = sum(a.asked == "explain" for a in annotations)
    label: dict[str, Any] = {"gold_rows": len(known)}
    if agreement:
        label["agreement"] = sum(agreement) / len(agreement)
    if known:
        low, high = wilson(correct, len(known))
        label |= {"accuracy": correct / len(known), "accuracy_ci_low": low, "accuracy_ci_high": high}
        label["accuracy_when_parsed"] = correct / with_label if with_label else None
    return {
        "rows": rows,
        "label": label,
        "parse": {
            "failure_rate": sum(a.label is None for a in taught) / len(taught) if taught else None,
            "status": dict(Counter(a.status for a in annotations)),
        },
        "rationale": {
            "asked": asked,
            **rationale_measures(told, rows, card.kind),
            **({"in_band": _in_band(told, band)} if (band := settings.rationale_words) and told else {}),
            "dropped": {rule: sum(a.dropped == rule for a in annotations) for rule in RULES},
        },
        "prompts": dict(Counter(a.prompt for a in annotations if a.prompt)),
        "tokens_from": dict(Counter(a.tokens_from or "unknown" for a in taught)),
    }


def _in_band(told: Sequence[Told], band: Sequence[int]) -> float:
    return sum(band[0] <= len(one.rationale.split()) <= band[1] for one in told) / len(told)


def cost_of(annotations: Sequence[Annotation], teacher: TeacherSettings, prices: Mapping[str, Price]) -> dict[str, Any]:
    """What these answers cost as if cold: calls, tokens and US dollars, each null where any row's is unknown.

    Prices go by the model's name as it was asked for (servers return a longer one, with its date), and by how each
    answer was bought, live or in a batch.
    """
    answered = [a for a in annotations if a.status not in ("failed", HUMAN)]
    usages = [Usage(a.tokens_in, a.tokens_cached, a.tokens_out, a.tokens_from) for a in answered]
    dollars = [cost(usage, teacher.model, prices, a.mode) for usage, a in zip(usages, answered, strict=True)]

    def total(numbers: Sequence[Any]) -> Any:
        return None if any(number is None for number in numbers) else sum(numbers)

    usd = total(dollars)
    return {
        "usd": None if usd is None else float(usd),
        "calls": sum(a.calls for a in answered),
        "tokens_in": total([usage.tokens_in for usage in usages]),
        "tokens_cached": total([usage.tokens_cached for usage in usages]),
        "tokens_out": total([usage.tokens_out for usage in usages]),
    }


def _train(rows: Sequence[Example], settings: AnnotateSettings) -> list[tuple[Example, str]]:
    order = seeded_order(rows, settings.seed)
    explained = share(len(order), settings.rationale_rate)
    return [(row, "explain" if i < explained else "label") for i, row in enumerate(order)]


def check_failures(annotations: Sequence[Annotation], settings: Settings) -> None:
    """Raises DataError where more rows than `annotate.max_failed_share` got no answer at all."""
    failed = [a.id for a in annotations if a.status == "failed"]
    if len(failed) > settings.annotate.max_failed_share * len(annotations):
        raise DataError(
            f"{len(failed)} of {len(annotations)} rows got no answer (annotate.max_failed_share is "
            f"{settings.annotate.max_failed_share}), {', '.join(failed[:5])} among them. All answers are stored: "
            "run again to ask for the missing ones alone"
        )


def annotate(
    teacher: Asks,
    splits: Mapping[str, Sequence[Example]],
    templates: Mapping[str, Template],
    card: TaskCard,
    settings: Settings,
) -> dict[str, list[Annotation]]:
    """The annotations of each split, in the order of ids. Raises DataError where inputs give shown labels away."""
    if settings.annotate.show_gold:
        check_leaks(splits["train"], card.classes)
    made = annotation_templates(templates, card, settings.annotate)
    asker = Asker(teacher, card, settings.teacher)
    found = {}
    for split, asks in rows_to_ask(splits, settings.annotate).items():
        rows = {row.id: row for row in splits[split]}
        found[split] = merged(asker.asked(asks, made, split), rows, card, settings.annotate)
    return found


def merged(
    asked: Iterable[tuple[Ask, Annotation]], rows: Mapping[str, Example], card: TaskCard, settings: AnnotateSettings
) -> list[Annotation]:
    """One annotation a row, whatever the order in which its answers come."""
    by_row: dict[str, dict[str, list[tuple[int, Annotation]]]] = defaultdict(lambda: defaultdict(list))
    for ask, answer in asked:
        by_row[ask.example.id][ask.what].append((ask.sample, dataclasses.replace(answer, prompt=ask.what)))
    return [_row(rows[i], by_prompt, card, settings) for i, by_prompt in sorted(by_row.items())]


def _row(
    row: Example, by_prompt: Mapping[str, list[tuple[int, Annotation]]], card: TaskCard, settings: AnnotateSettings
) -> Annotation:
    one = {
        what: voted([answer for _, answer in sorted(some, key=lambda item: item[0])], card.kind)
        for what, some in by_prompt.items()
    }
    if GOLD in one:
        answer = _known(one[GOLD], row)
    elif len(one) == 2:
        answer = joined(one["label"], one["explain"])
    else:
        (answer,) = one.values()
    return gated(answer, row, card, settings.gate)


def _known(answer: Annotation, row: Example) -> Annotation:
    """The answer to a prompt that shows the gold label, which stays the row's."""
    answer = dataclasses.replace(answer, asked="explain")
    # Of a label that it was shown the teacher's confidence says nothing.
    answer = dataclasses.replace(answer, label_probabilities={})
    if answer.status in ("failed", "refusal"):
        return answer
    return dataclasses.replace(answer, label=row.label, status="ok" if answer.rationale else "no_rationale")
