"""Annotating rows: the teacher's answers to a row become one annotation, or the row's own label and rationale do."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from distill.annotation.asks import rows_to_ask, train_order
from distill.annotation.quality import check_leaks, gated
from distill.annotation.voting import label_with_rationale, voted
from distill.annotation.wording import GOLD, annotation_templates
from distill.answers.parsing import STATUSES
from distill.errors import DataError
from distill.prompts.asking import Ask, Asker, Asks
from distill.prompts.early_stop import cause_of, stopping_early
from distill.rows.records import Annotation, Example, TaskCard
from distill.settings import Settings
from distill.settings.annotate import AnnotateSettings
from distill.templates import Template

# What counts as a missing answer, and what to do about it. A refusal or a row that is too long is the row's own.
_MISSING = {
    "failed": "run again to ask for the failed ones alone",
    "cut": "raise teacher.max_tokens for those that were cut",
    "empty": "raise teacher.max_tokens, or have the model think less, for those that are empty",
}
# The status of a row that nobody was asked about: its gold label and its own rationale.
HUMAN = "human"


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
    worded = annotation_templates(templates, card, settings.annotate)
    asker = Asker(teacher, card, settings.teacher, settings.annotate.rationale_from)
    annotations = {}
    for split, asks in rows_to_ask(splits, settings.annotate).items():
        rows = {row.id: row for row in splits[split]}
        answers = asker.answers(asks, worded, split)
        if settings.runtime.stop_early and settings.teacher.provider != "recorded":  # recorded answers cost nothing
            answers = stopping_early(answers)
        annotations[split] = annotations_of_rows(answers, rows, card, settings.annotate)
    return annotations


def annotations_of_rows(
    answers: Iterable[tuple[Ask, Annotation]], rows: Mapping[str, Example], card: TaskCard, settings: AnnotateSettings
) -> list[Annotation]:
    """One annotation a row, whatever the order in which its answers come."""
    by_row: dict[str, dict[str, list[tuple[int, Annotation]]]] = defaultdict(lambda: defaultdict(list))
    for ask, answer in answers:
        by_row[ask.example.id][ask.what].append((ask.sample, dataclasses.replace(answer, prompt=ask.what)))
    return [_row(rows[i], by_prompt, card, settings) for i, by_prompt in sorted(by_row.items())]


def _row(
    row: Example, by_prompt: Mapping[str, list[tuple[int, Annotation]]], card: TaskCard, settings: AnnotateSettings
) -> Annotation:
    votes = {
        what: voted([answer for _, answer in sorted(some, key=lambda item: item[0])], card.kind)
        for what, some in by_prompt.items()
    }
    if GOLD in votes:
        answer = _with_gold(votes[GOLD], row)
    elif len(votes) == 2:
        answer = label_with_rationale(votes["label"], votes["explain"])
    else:
        (answer,) = votes.values()
    return gated(answer, row, card, settings.gate)


def _with_gold(answer: Annotation, row: Example) -> Annotation:
    """The answer to a prompt that shows the gold label, which stays the row's."""
    answer = dataclasses.replace(answer, asked="explain")
    # The teacher was shown this label: its confidence says nothing.
    answer = dataclasses.replace(answer, label_probabilities={})
    if answer.status not in STATUSES or answer.status == "refusal":
        return answer
    return dataclasses.replace(answer, label=row.label, status="ok" if answer.rationale else "no_rationale")


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
            asked=what,
            label=row.label,
            rationale=row.rationale if what == "explain" else None,
            status=HUMAN,
            calls=0,
            response=None,
            finish_reason=None,
            model=None,
        )
        for row, what in train_order(train, settings)
    ]


def check_failures(annotations: Sequence[Annotation], settings: Settings) -> None:
    """Raises DataError where more rows than `annotate.max_failed_share` got no answer, or one that was cut."""
    missing = {a.id: cause for a in annotations if (cause := cause_of(a)) in _MISSING}
    if len(missing) <= settings.annotate.max_failed_share * len(annotations):
        return
    causes = ", ".join(f"{count} {cause}" for cause, count in Counter(missing.values()).most_common())
    advice = [_MISSING[cause] for cause in _MISSING if cause in missing.values()]
    raise DataError(
        f"{len(missing)} of {len(annotations)} rows got no whole answer (annotate.max_failed_share is "
        f"{settings.annotate.max_failed_share}): {causes}; {', '.join(list(missing)[:5])} among them. All answers are "
        f"stored: {'; '.join(advice)}"
    )
