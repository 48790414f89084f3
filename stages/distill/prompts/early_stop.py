"""Stops a stage whose answers cannot be used, before it pays for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator

from distill.errors import UserError
from distill.intervals import wilson
from distill.prompts.asking import Ask
from distill.rows.records import Annotation

IN_A_ROW = 30  # answers that cannot be used
_OPENING = 10  # that many, and no other, are enough at the beginning of a search
_FIRST = 100  # answers whose share is looked at
_MOST_UNUSABLE = 0.5  # of the first answers: the lower end of the 95 % interval may not lie above it
_EXCERPT = 200  # characters of an answer in the message

# What answers come to, and what to do about it.
_CAUSES = {
    "cut": "were cut at teacher.max_tokens before a label: raise it (a reasoning model's thoughts count), or have the "
    "model think less (teacher.reasoning_effort, teacher.extra)",
    "empty": "hold no text: the model only thought or called a tool. Raise teacher.max_tokens, have it think less, or "
    "take another model",
    "no label": "have no label that can be read: see what is asked with `python stages/show_prompts.py`, and give the "
    "classes the names or aliases that the model uses (docs/reading-answers.md)",
    "refused": "were refused or filtered: another model may take these rows",
    "too long": "are to rows that do not fit the model: shorten the prompt or the rows, lower teacher.max_tokens, or "
    "take a model with a longer context",
    "row error": "are errors that teacher.row_errors takes for a row's own: its patterns are too wide",
    "failed": "failed: see the reasons above",
}
_BY_STATUS = {
    "failed": "failed", "empty": "empty", "too_long": "too long", "row_error": "row error", "refusal": "refused",
}  # fmt: skip


class UnusableAnswers(UserError):
    """Too many answers cannot be used; all of them are stored."""


def cause_of(answer: Annotation) -> str | None:
    """Why an answer has no label, as a key of the table above; None where it has one."""
    if answer.status in _BY_STATUS:
        return _BY_STATUS[answer.status]
    if answer.label is not None:
        return None
    return "cut" if answer.finish_reason == "length" else "no label"


def stopping_early(
    answers: Iterable[tuple[Ask, Annotation]], *, opening: bool = False
) -> Iterator[tuple[Ask, Annotation]]:
    """The answers as they come. Raises UnusableAnswers after 30 in a row without a label, and where over half of the
    first 100 have none (by the lower end of Wilson's interval).

    With `opening`, only the answers before the first usable one count, and ten of them are enough where no more come.
    """
    causes: Counter[str] = Counter()
    in_a_row = unusable = 0
    came, example, answers = 0, "", iter(answers)
    for came, (ask, answer) in enumerate(answers, start=1):
        yield ask, answer
        cause = cause_of(answer)
        if cause is not None:
            in_a_row, unusable = in_a_row + 1, unusable + 1
            causes[cause] += 1
            example = answer.response or example
        elif opening:
            break
        else:
            in_a_row = 0
        if in_a_row == IN_A_ROW:
            _close(answers)
            raise _stopped(f"{in_a_row} answers in a row", causes, example)
        if came == _FIRST and wilson(unusable, came)[0] > _MOST_UNUSABLE:
            _close(answers)
            raise _stopped(f"{unusable} of the first {came} answers", causes, example)
    if opening and in_a_row == came >= _OPENING:
        raise _stopped(f"all of the first {came} answers", causes, example)
    yield from answers


def _close(answers: Iterator[tuple[Ask, Annotation]]) -> None:
    """Ends the asking, so that what is in flight is stored and on the bill before anything is said of it."""
    if isinstance(answers, Generator):
        answers.close()


def _stopped(which: str, causes: Counter[str], example: str) -> UnusableAnswers:
    what = "; ".join(f"{count} {_CAUSES[cause]}" for cause, count in causes.most_common())
    excerpt = f" One of them is {example[:_EXCERPT]!r}." if example else ""
    return UnusableAnswers(
        f"{which} cannot be used, and nothing more is asked: {what}.{excerpt} All answers are stored and are not paid "
        "again. To go on all the same, set runtime.stop_early to false"
    )
