"""The requests that the stages will make, without making them: what a plan counts, and a drift check repeats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from itertools import chain
from types import SimpleNamespace

from distill import paths
from distill.annotation.annotation import rows_to_ask
from distill.annotation.wording import annotation_templates
from distill.prompts.asking import Ask, Asker
from distill.rows.records import Example, TaskCard
from distill.search.optimizers.opro import Opro
from distill.search.search import Search, slices, start_templates
from distill.settings import Settings
from distill.teacher import open_teacher
from distill.teacher.exchange import Request, TeacherError
from distill.teacher.money import Estimate
from distill.teacher.teacher import CallPlan, NoTeacher
from distill.templates import Template

# By this name the teacher knows that the search is asked live, whatever teacher.mode says.
SEARCH = "optimize_prompt"


def unpriced(settings: Settings) -> str | None:
    """Why the teacher's calls have no price, in words; None where they have one."""
    return (
        "teacher.provider is recorded: its answers are in files, nobody is asked"
        if settings.teacher.provider == "recorded"
        else None
    )


def annotation_asks(splits: Mapping[str, Sequence[Example]], settings: Settings) -> list[Ask]:
    """All that the annotation asks about, in its order."""
    return [Ask(*row) for rows in rows_to_ask(splits, settings.annotate).values() for row in rows]


def requests_for(
    asks: Sequence[Ask], templates: Mapping[str, Template], card: TaskCard, settings: Settings
) -> Iterator[Request]:
    """The annotation's request for each of them; `templates` are those of data/prompt.yaml."""
    asker, made = Asker(NoTeacher(), card, settings.teacher), annotation_templates(templates, card, settings.annotate)
    return (asker.request(ask, made[ask.what]) for ask in asks)


def search_requests(card: TaskCard, train: Sequence[Example], settings: Settings) -> Iterator[Request]:
    """The most that the prompt search asks: the hand-written prompt as it stands, and every proposal as if it were as
    long as that one, on all search rows and, of the finalists, on all held-out rows; and what proposes them.

    GEPA's questions for proposals are counted as if they were OPRO's, which are about as long. Raises DataError where
    too few rows are labelled.
    """
    prompt = settings.prompt
    search, held_out = slices(train, prompt)
    template = start_templates(card, prompt)["explain"]
    asker = Asker(NoTeacher(), card, settings.teacher)

    def asked(rows: Sequence[Example], prompts: range) -> Iterator[Request]:
        # A prompt that is not written yet counts as another draw of the hand-written one: so it is never stored.
        return (asker.request(Ask(row, "explain", sample=number), template) for number in prompts for row in rows)

    proposals = _proposals(card, template, search, settings)
    return chain(
        proposals,
        asked(search, range(prompt.steps * prompt.candidates + 1)),
        asked(held_out, range(prompt.finalists + 1)),
    )


def _proposals(card: TaskCard, template: Template, rows: Sequence[Example], settings: Settings) -> Iterator[Request]:
    """What the model that proposes is asked, each round showing as many earlier prompts as it can."""
    prompt = settings.prompt
    opro = Opro(
        SimpleNamespace(tryouts=SimpleNamespace(card=card, settings=settings), start=template, rows=rows, prompt=prompt)
    )  # type: ignore[arg-type]
    for step in range(1, prompt.steps + 1):
        shown = [(template, SimpleNamespace(total=0.0))] * min(prompt.history, 1 + (step - 1) * prompt.candidates)
        yield from opro.requests(shown, step)  # type: ignore[arg-type]


def search_plan(card: TaskCard, train: Sequence[Example], settings: Settings) -> CallPlan:
    """What the search will take. One that was made before, with the same settings and data, is found in the store
    whole, by going through it again without asking; else it is all that it could ask, as if no proposal were stored.

    Raises DataError where too few rows are labelled.
    """
    made = _repeated(card, train, settings)
    if made is not None:
        return made
    with open_teacher(settings, SEARCH) as teacher:
        return teacher.plan(search_requests(card, train, settings))


def _repeated(card: TaskCard, train: Sequence[Example], settings: Settings) -> CallPlan | None:
    """The search gone through again from the store alone; None where it lacks an answer."""
    # GEPA's library goes on after a missing answer, with another search.
    if settings.prompt.optimizer != "opro" or not paths.store().exists():
        return None
    offline = replace(settings, runtime=replace(settings.runtime, offline=True))
    with StringIO() as unread, redirect_stdout(unread), redirect_stderr(unread):
        try:
            with open_teacher(offline, SEARCH) as teacher:
                calls = Search(teacher, card, train, offline).run().cost["all"]["calls"]
        except TeacherError:
            return None
    return CallPlan(int(calls or 0), int(calls or 0), Estimate(settings.runtime.prices))
