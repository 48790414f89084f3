"""What a prompt search will cost, before its first call: nothing where the store holds all its answers, else at most
so much."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO

from distill import paths
from distill.lock import refuse_to_pay_again
from distill.prompts.asking import Ask, most_in_words, request_for
from distill.prompts.prompt_file import hand_written
from distill.rows.records import Example, TaskCard
from distill.search.compressing import shortening_requests
from distill.search.optimizers import optimizer
from distill.search.proposals import longest_candidate, row_as_shown
from distill.search.search import Search, slices
from distill.search.tryouts import Most, most_of
from distill.settings import Settings
from distill.sizes import BYTES_A_TOKEN
from distill.teacher import TeacherError, open_teacher
from distill.teacher.money import Cost
from distill.teacher.teacher import Teacher
from distill.templates import Template

# By this name the teacher knows that the search is asked live, whatever teacher.mode says.
_STAGE = "optimize_prompt"


@dataclass(frozen=True)
class SearchAhead:
    """What the prompt search will do. `most` is the most that all of it can cost; `stored` is the cost of those of its
    answers that the store has.

    `template` is the prompt that it will find; None where only the search itself can tell.
    """

    most: Most
    stored: Cost
    template: Template | None

    @property
    def to_pay(self) -> Most:
        """The most that is still to be paid."""
        return Most() if self.template is not None else self.most.less(self.stored)

    def __str__(self) -> str:
        if self.template is not None:
            return f"{self.stored.calls:,} calls, all of them stored: nothing to pay"
        return f"{self.most.calls:,} calls at most, of which {self.stored.calls:,} are stored; to pay: {self.to_pay}"


def most_of_search(card: TaskCard, train: Sequence[Example], settings: Settings) -> Most:
    """The most that the search can cost if none of its answers is stored, with few-shot and compression.

    Every candidate counts as long as `prompt.max_words` allows and as asked about all search rows, every answer as
    long as `teacher.max_tokens` allows. No more than the search's own limits (`prompt.max_calls`, `max_tokens`,
    `max_usd`) let through. Raises DataError where too few rows are labelled.
    """
    prompt = settings.prompt
    start = hand_written(card, prompt)["explain"]
    longest = longest_candidate(start, prompt.max_words)
    search_rows, held_out_rows = slices(train, prompt)

    def most(template: Template, rows: Sequence[Example]) -> Most:
        return most_of(
            (request_for(Ask(row, "explain"), template, card, settings.teacher) for row in rows),
            settings.runtime.prices,
        )

    questions = optimizer(prompt.optimizer).longest_requests(start, longest, search_rows, card, settings)
    total = most(start, search_rows) + most(start, held_out_rows)
    total += most_of(questions, settings.runtime.prices)
    total += most(longest, search_rows) * (prompt.steps * prompt.candidates)
    total += most(longest, held_out_rows) * (prompt.finalists + prompt.compress)
    total += most_of(shortening_requests(longest, card, settings), settings.runtime.prices)
    if prompt.few_shot:
        total += most(_longest_few_shot(start, search_rows, card, settings), held_out_rows)
    return total.within(prompt.max_calls, prompt.max_tokens, prompt.max_usd)


def _longest_few_shot(start: Template, rows: Sequence[Example], card: TaskCard, settings: Settings) -> Template:
    """The few-shot prompt with the longest rows, each explained by its own rationale or by the teacher's longest."""
    answer = "x" * BYTES_A_TOKEN * settings.teacher.max_tokens
    shots = [
        (row_as_shown(row, card), f"{max(answer, row.rationale or '', key=len)} So the answer is (a) {row.label}.")
        for row in rows
    ]
    shots.sort(key=lambda shot: len(shot[0]) + len(shot[1]), reverse=True)
    return Template(start.system, start.user, tuple(shots[: settings.prompt.few_shot]))


def search_ahead(card: TaskCard, train: Sequence[Example], settings: Settings) -> SearchAhead:
    """Goes through the search with the answers of the store alone, until one is missing.

    The cost of these answers is taken off the most that the search can cost. The rest is an upper bound as well, as no
    answer costs more than its own bound. Raises UserError where the search would fail.
    """
    most = most_of_search(card, train, settings)
    if not paths.store().exists():
        return SearchAhead(most, Cost(), None)
    offline = replace(settings, runtime=replace(settings.runtime, offline=True))
    unread = StringIO()
    with redirect_stdout(unread), redirect_stderr(unread), open_teacher(offline, _STAGE) as teacher:
        try:
            template = Search(teacher, card, train, offline).run().template
        except TeacherError:
            template = None
        return SearchAhead(most, teacher.bill.saved, template)


def search_opening_line(teacher: Teacher, card: TaskCard, train: Sequence[Example], settings: Settings) -> str:
    """What the search will ask, and the most that it can still cost, in one line."""
    rows = sum(map(len, slices(train, settings.prompt)))
    most = search_ahead(card, train, settings).to_pay
    if settings.teacher.provider in ("openai", "local"):
        refuse_to_pay_again("optimize_prompt", most.calls)
    return most_in_words(settings.teacher.model, rows, most.calls, most.usd, teacher.budget_left())
