"""Asking a teacher about rows: render the request, ask, parse the answer. The prompt search and the annotation both ask
through this module."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from decimal import Decimal
from itertools import chain, islice
from typing import Any, Literal, NamedTuple, Protocol

from distill.answers.parsing import parse_response
from distill.prompts.label_probabilities import label_probabilities
from distill.rows.records import Annotation, Example, TaskCard
from distill.settings.runtime import Price
from distill.settings.teacher import TeacherSettings
from distill.teacher.exchange import Reply, Request, TeacherError, Usage
from distill.teacher.money import cost, dollars
from distill.templates import Template


class Asks(Protocol):
    """What is needed of a teacher here; see distill.teacher."""

    def ask(self, requests: Iterable[Request], total: int | None = None, title: str = "") -> Iterator[Reply]: ...


class Ask(NamedTuple):
    """A row, the prompt that asks about it (a key of the templates), and the number of this draw."""

    example: Example
    what: str
    sample: int = 0


# What is asked for the label alone; all else asks for a rationale too.
LABEL_ONLY = "label"


def request_for(
    ask: Ask,
    template: Template,
    card: TaskCard,
    settings: TeacherSettings,
    *,
    structured: bool | None = None,
    row_id: str | None = None,
) -> Request:
    """The request, as it is sent. Each sample has a seed of its own, as the same request gets the same answer.

    `structured` stands in for `teacher.structured`, and `row_id` for the row's id.
    """
    explains = ask.what != LABEL_ONLY
    structured = settings.structured if structured is None else structured
    return Request(
        row_id=row_id or ask.example.id,
        messages=template.messages(ask.example.fields),
        model=settings.model,
        temperature=settings.temperature,
        top_p=settings.top_p,
        max_tokens=settings.max_tokens,
        seed=None if settings.seed is None else settings.seed + ask.sample,
        response_format=response_format(card, rationale=explains) if structured else None,
        reasoning_effort=settings.reasoning_effort,
        extra=settings.extra,
        sample=ask.sample,
        source=ask.example.source,
        purpose="explain" if explains else "label",
    )


class Asker:
    """Asks a teacher about rows of a task.

    Where `teacher.structured` is set, the first question is asked alone: an endpoint that takes no structured
    output is asked for text from there on. `rationale_from` is annotate.rationale_from.
    """

    def __init__(
        self,
        teacher: Asks,
        card: TaskCard,
        settings: TeacherSettings,
        rationale_from: Literal["answer", "thought"] = "answer",
    ):
        self.teacher, self.card, self.settings = teacher, card, settings
        self.rationale_from = rationale_from
        self.structured, self._tried = settings.structured, False

    def answers(
        self, asks: Iterable[Ask], templates: Mapping[str, Template], title: str = ""
    ) -> Iterator[tuple[Ask, Annotation]]:
        """The teacher's answer to everything that is asked, in the order in which answers come.

        Rows are matched by id. A row that got no answer comes back with the status "failed", "refusal", "empty",
        "too_long" or "row_error". `title` names the pass in the progress line.
        """
        total = len(asks) if isinstance(asks, Sized) else None
        # A batch comes back within a day: one that is asked first costs more time than it saves.
        if self.structured and not self._tried and self.settings.mode == "live":
            asks = iter(asks)
            first = list(islice(asks, 1))
            self._tried = True
            try:
                yield from self._answers(first, templates, len(first), title)
            except TeacherError as error:
                if not rejects_format(error):
                    raise
                print(
                    "this endpoint takes no structured output (teacher.structured): it is asked for text instead",
                    flush=True,
                )
                self.structured = False
                asks = chain(first, asks)
        yield from self._answers(asks, templates, total, title)

    def _answers(
        self, asks: Iterable[Ask], templates: Mapping[str, Template], total: int | None, title: str
    ) -> Iterator[tuple[Ask, Annotation]]:
        waiting: dict[tuple[str, int], Ask] = {}

        def requests() -> Iterator[Request]:
            for ask in asks:
                row_id = ask.example.id
                if (row_id, ask.sample) in waiting:
                    # The row is asked about in two ways at a time.
                    row_id = f"{row_id}#{ask.what}"
                waiting[row_id, ask.sample] = ask
                yield request_for(
                    ask,
                    templates[ask.what],
                    self.card,
                    self.settings,
                    structured=self.structured,
                    row_id=row_id,
                )

        for reply in self.teacher.ask(requests(), total, title):
            ask = waiting.pop((reply.row_id, reply.sample))
            yield ask, annotation(reply, ask, self.card, templates[ask.what].heads(), self.rationale_from)


# What becomes of a row without an answer, by the reply's failure; any other is "failed".
_STATUS = {
    "refusal": "refusal", "content_filter": "refusal", "empty": "empty", "stopped": "empty",
    "context_length": "too_long", "row_error": "row_error",
}  # fmt: skip


def annotation(
    reply: Reply,
    ask: Ask,
    card: TaskCard,
    heads: Sequence[str] = (),
    rationale_from: Literal["answer", "thought"] = "answer",
) -> Annotation:
    """The record of one reply to a prompt with these `heads` (Template.heads). A rationale that was not asked for is
    not kept.
    """
    example, explains = ask.example, ask.what != LABEL_ONLY
    label = rationale = None
    notes: tuple[str, ...] = ()
    if reply.failure is not None:
        status = _STATUS.get(reply.failure, "failed")
    else:
        parsed = parse_response(
            reply.text or "",
            kind=card.kind,
            choices=example.choices or card.classes,
            finish_reason=reply.finish_reason,
            expect_rationale=explains,
            aliases=card.aliases,
            heads=heads,
            decimal=card.decimal,
            rationale_from=rationale_from,
            thought=reply.thought,
        )
        label, status, notes = parsed.label, parsed.status, parsed.notes
        rationale = parsed.rationale if explains else None
    return Annotation(
        id=example.id,
        asked=ask.what,
        label=label,
        rationale=rationale,
        status=status,
        response=reply.text,
        finish_reason=reply.finish_reason,
        model=reply.model,
        tokens_in=reply.usage.tokens_in,
        tokens_cached=reply.usage.tokens_cached,
        tokens_out=reply.usage.tokens_out,
        tokens_from=reply.usage.tokens_from,
        tokens_reasoning=reply.usage.tokens_reasoning,
        confidence=None if reply.logprob is None or label is None else round(math.exp(reply.logprob), 6),
        label_probabilities=label_probabilities(label, example.choices or card.classes, reply.tokens) if label else {},
        mode=reply.mode,
        notes=notes,
    )


def usage_of(answer: Annotation) -> Usage:
    """The tokens of an answer, or of all calls that it was made of."""
    tokens = answer.tokens_in, answer.tokens_cached, answer.tokens_out
    return Usage(*tokens, answer.tokens_from, answer.tokens_reasoning)


def usd_of(answer: Annotation, model: str, prices: Mapping[str, Price]) -> Decimal | None:
    """US dollars of an answer, each of its calls at the price of how it was bought; None where one is unknown.

    `model` is the name that was asked for.
    """
    usage, batch = usage_of(answer), answer.batch_tokens
    if not batch or usage.tokens_in is None or usage.tokens_out is None:
        return cost(usage, model, prices, answer.mode)
    in_batch = Usage(batch["tokens_in"], batch["tokens_cached"], batch["tokens_out"])
    live = Usage(
        usage.tokens_in - batch["tokens_in"],
        (usage.tokens_cached or 0) - batch["tokens_cached"],
        usage.tokens_out - batch["tokens_out"],
    )
    parts = [cost(part, model, prices, mode) for part, mode in ((in_batch, "batch"), (live, "live"))]
    return None if None in parts else sum(parts, Decimal(0))


def most_in_words(model: str, rows: int, calls: int, usd: Decimal | None, budget_left: str | None) -> str:
    """The first line of a stage that asks. It can make so many `calls` for `usd` at most; None is an unknown price."""
    money = "at an unknown price" if usd is None else f"{dollars(usd)} at most"
    budget = "none" if budget_left is None else f"{budget_left} left"
    return f"asks {model} about {rows:,} rows: {calls:,} calls at most, {money}; budget: {budget}"


# In the order of the alphabet, in which requests are written: a model explains before it answers.
RATIONALE, LABEL = "explanation", "label"


def response_format(card: TaskCard, *, rationale: bool) -> dict[str, Any]:
    """OpenAI's `response_format`: an object with the label, one of the classes where the task has them, and, where
    asked for, the explanation before it."""
    label: dict[str, Any] = {"type": "string"}
    if card.classes:
        label["enum"] = list(card.classes)
    properties = {RATIONALE: {"type": "string"}, LABEL: label} if rationale else {LABEL: label}
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def rejects_format(error: TeacherError) -> bool:
    """Whether the error says that the endpoint takes no structured output, or that an offline store has none."""
    message = str(error).lower()
    if "runtime.offline" in message:
        return True
    return ("(400)" in message or "(422)" in message) and any(
        word in message for word in ("response_format", "json_schema", "structured output")
    )
