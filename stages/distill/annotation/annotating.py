"""From the rows of each split to one annotation a row: asked, voted on, joined, gated."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from distill.annotation.annotation import GOLD, rows_to_ask
from distill.annotation.leaks import check_leaks
from distill.annotation.quality import gated
from distill.annotation.voting import joined, voted
from distill.annotation.wording import annotation_templates
from distill.prompts.asking import Ask, Asker, Asks
from distill.rows.records import Annotation, Example, TaskCard
from distill.settings import Settings
from distill.settings.annotate import AnnotateSettings
from distill.templates import Template


def annotate(
    teacher: Asks, splits: Mapping[str, Sequence[Example]], templates: Mapping[str, Template], card: TaskCard, settings: Settings
) -> dict[str, list[Annotation]]:
    """The annotations of each split, in the order of ids. Raises DataError where inputs give shown labels away."""
    if settings.annotate.show_gold:
        check_leaks(splits["train"], card.classes)
    made = annotation_templates(templates, card, settings.annotate)
    asker = Asker(teacher, card, settings.teacher)
    found = {}
    for split, asks in rows_to_ask(splits, settings.annotate).items():
        rows = {row.id: row for row in splits[split]}
        found[split] = merged(asker.asked(asks, made), rows, card, settings.annotate)
    return found


def merged(
    asked: Iterable[tuple[Ask, Annotation]], rows: Mapping[str, Example], card: TaskCard, settings: AnnotateSettings
) -> list[Annotation]:
    """One annotation a row, whatever the order in which its answers come."""
    by_row: dict[str, dict[str, list[tuple[int, Annotation]]]] = defaultdict(lambda: defaultdict(list))
    for ask, answer in asked:
        by_row[ask.example.id][ask.what].append((ask.sample, dataclasses.replace(answer, prompt=ask.what)))
    return [_row(rows[i], by_prompt, card, settings) for i, by_prompt in sorted(by_row.items())]


def _row(row: Example, by_prompt: Mapping[str, list[tuple[int, Annotation]]], card: TaskCard, settings: AnnotateSettings) -> Annotation:
    one = {what: voted([answer for _, answer in sorted(some, key=lambda item: item[0])], card.kind) for what, some in by_prompt.items()}
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
