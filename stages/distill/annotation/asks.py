"""Which row is asked what, and the requests for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from distill.annotation.wording import GOLD, annotation_templates, showing_gold
from distill.lock import refuse_to_pay_again
from distill.prompts.asking import Ask, most_in_words, request_for
from distill.rows.permutation import seeded_order, share
from distill.rows.records import Example, TaskCard
from distill.settings import Settings
from distill.settings.annotate import AnnotateSettings
from distill.sizes import AUTO, MOST_VALIDATION
from distill.teacher.exchange import Request
from distill.teacher.teacher import Teacher
from distill.templates import Template


def rows_to_ask(splits: Mapping[str, Sequence[Example]], settings: AnnotateSettings) -> dict[str, list[Ask]]:
    """For each split what is asked, in the prompts' names ("explain", "label", "gold").

    Of train, round(rationale_rate * rows) are asked to explain, `samples` times each, and the rest for the
    label alone, or none where rationales are human. Of those that explain, round(separate_labels * rows) are
    asked for the label alone as well; with `show_gold`, one that has a gold label is shown it. Of
    validation and test, the first rows of the seeded order, up to the wanted count, are asked to explain, once.
    """
    asks: dict[str, list[Ask]] = {"train": []}
    if settings.rationale_source == "teacher":
        order = train_order(splits["train"], settings)
        separate = _labelled_apart([row for row, what in order if what == "explain"], settings)
        for row, what in order:
            if what == "label":
                asks["train"].append(Ask(row, what))
                continue
            show_gold = settings.show_gold and row.label is not None
            explained = Ask(showing_gold(row), GOLD) if show_gold else Ask(row, what)
            asks["train"] += [explained._replace(sample=sample) for sample in range(settings.samples)]
            asks["train"] += [Ask(row, "label")] if row.id in separate else []
    for split, count in (("validation", settings.validation_rows), ("test", settings.test_rows)):
        rows = seeded_order(splits[split], settings.seed, "rows to compare on")
        if count != "all":
            rows = rows[: MOST_VALIDATION if count == AUTO else count]
        asks[split] = [Ask(row, "explain") for row in rows]
    return asks


def train_order(rows: Sequence[Example], settings: AnnotateSettings) -> list[tuple[Example, str]]:
    """Train rows in seeded order, each with what it is asked: the first round(rationale_rate * rows) to "explain"."""
    order = seeded_order(rows, settings.seed, "rationale rate")
    explained = share(len(order), settings.rationale_rate)
    return [(row, "explain" if i < explained else "label") for i, row in enumerate(order)]


def _labelled_apart(explained: Sequence[Example], settings: AnnotateSettings) -> set[str]:
    """Ids of the rows that explain and are asked for the label alone as well."""
    order = seeded_order(explained, settings.seed, "separate labels")
    return {row.id for row in order[: share(len(order), settings.separate_labels)]}


def annotation_asks(splits: Mapping[str, Sequence[Example]], settings: Settings) -> list[Ask]:
    """All that the annotation asks about, in its order."""
    return [ask for asks in rows_to_ask(splits, settings.annotate).values() for ask in asks]


def annotation_requests(
    asks: Iterable[Ask], templates: Mapping[str, Template], card: TaskCard, settings: Settings
) -> Iterator[Request]:
    """The annotation's request for each of them; `templates` are those of data/prompt.yaml."""
    worded = annotation_templates(templates, card, settings.annotate)
    return (request_for(ask, worded[ask.what], card, settings.teacher) for ask in asks)


def opening_line(
    teacher: Teacher, asks: Iterable[Ask], templates: Mapping[str, Template], card: TaskCard, settings: Settings
) -> str:
    """What the annotation will ask, and what that can cost, in one line; recorded answers cost nothing."""
    asks = list(asks)
    rows = len({ask.example.id for ask in asks})
    if settings.teacher.provider == "recorded":
        return f"takes the answers to {rows:,} rows from {settings.teacher.path}: nothing to pay"
    plan = teacher.plan(annotation_requests(asks, templates, card, settings))
    if settings.teacher.provider in ("openai", "local"):
        refuse_to_pay_again("annotate", plan.to_pay.calls)
    return most_in_words(settings.teacher.model, rows, plan.to_pay.calls, plan.to_pay.usd_high, teacher.budget_left())
