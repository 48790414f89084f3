"""Asking a teacher about rows: render the prompt, ask, parse the answer. What the prompt search scores
and what the annotation keeps come from here alike."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sized
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol

from distill.answers.parsing import parse_response
from distill.prompts.doubt import label_probabilities
from distill.rows.records import Annotation, Example, TaskCard
from distill.settings.teacher import TeacherSettings
from distill.teacher.exchange import Reply, Request, TeacherError
from distill.templates import Template


class Asks(Protocol):
    """What is needed of a teacher here; see distill.teacher."""

    def ask(self, requests: Iterable[Request], total: int | None = None, title: str = "") -> Iterator[Reply]: ...


class Ask(NamedTuple):
    """A row, what is asked of it (a key of the templates), and which draw of it this is."""

    example: Example
    what: str
    sample: int = 0


class Asker:
    """Asks a teacher about rows of a task. `labels_only` names what is asked without wanting a rationale.

    Where `teacher.structured` is set, the first question is asked alone: an endpoint that takes no structured
    output is asked for text from there on.
    """

    def __init__(
        self, teacher: Asks, card: TaskCard, settings: TeacherSettings, labels_only: Collection[str] = ("label",)
    ):
        self.teacher, self.card, self.settings, self.labels_only = teacher, card, settings, labels_only
        self.structured, self._tried = settings.structured, False

    def answers(
        self, rows: Iterable[tuple[Any, ...]], templates: Mapping[str, Template], title: str = ""
    ) -> Iterator[Annotation]:
        """The teacher's answer to every (row, what is asked[, sample]), in the order in which answers come.

        `title` names the pass in the progress line.
        """
        return (answer for _, answer in self.asked(rows, templates, title))

    def asked(
        self, rows: Iterable[tuple[Any, ...]], templates: Mapping[str, Template], title: str = ""
    ) -> Iterator[tuple[Ask, Annotation]]:
        """The same with what was asked.

        Rows are matched by id. A row that got no answer comes back with the status "failed", or "refusal".
        """
        total = len(rows) if isinstance(rows, Sized) else None
        asks = (Ask(*row) for row in rows)
        # A batch comes back within a day: one that is asked first costs more time than it saves.
        if self.structured and not self._tried and self.settings.mode == "live":
            first = list(islice(asks, 1))
            self._tried = True
            try:
                yield from self._answers(first, templates, len(first), title)
            except TeacherError as error:
                if not rejects_format(error):
                    raise
                print(
                    "no structured output is to be had here (teacher.structured): asking for text instead", flush=True
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
                    # Asked in two ways at a time.
                    row_id = f"{row_id}#{ask.what}"
                waiting[row_id, ask.sample] = ask
                yield self.request(ask, templates[ask.what], row_id)

        for reply in self.teacher.ask(requests(), total, title):
            ask = waiting.pop((reply.row_id, reply.sample))
            yield ask, annotation(reply, ask.example, ask.what, self.card, explains=ask.what not in self.labels_only)

    def request(self, ask: Ask, template: Template, row_id: str | None = None) -> Request:
        """The question. Each sample has a seed of its own, as the same question gets the same answer."""
        settings, explains = self.settings, ask.what not in self.labels_only
        return Request(
            row_id=row_id or ask.example.id,
            messages=template.messages(ask.example.fields),
            model=settings.model,
            temperature=settings.temperature,
            top_p=settings.top_p,
            max_tokens=settings.max_tokens,
            seed=None if settings.seed is None else settings.seed + ask.sample,
            response_format=response_format(self.card, rationale=explains) if self.structured else None,
            sample=ask.sample,
            source=ask.example.source,
            purpose="explain" if explains else "label",
        )


def answers(
    teacher: Asks,
    rows: Iterable[tuple[Any, ...]],
    templates: Mapping[str, Template],
    card: TaskCard,
    settings: TeacherSettings,
) -> Iterator[Annotation]:
    """As Asker.answers, with "explain" asking for a rationale and "label" for none."""
    return Asker(teacher, card, settings).answers(rows, templates)


def annotation(reply: Reply, example: Example, asked: str, card: TaskCard, *, explains: bool) -> Annotation:
    """The record of one reply. A rationale that was not asked for is not kept."""
    label = rationale = None
    if reply.failure is not None:
        status = "refusal" if reply.failure in ("refusal", "content_filter") else "failed"
    else:
        parsed = parse_response(
            reply.text or "",
            kind=card.kind,
            choices=example.choices or card.classes,
            finish_reason=reply.finish_reason,
            expect_rationale=explains,
        )
        label, status = parsed.label, parsed.status
        rationale = parsed.rationale if explains else None
    return Annotation(
        id=example.id,
        asked=asked,
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
        confidence=None if reply.logprob is None or label is None else round(math.exp(reply.logprob), 6),
        label_probabilities=label_probabilities(label, example.choices or card.classes, reply.tokens) if label else {},
        mode=reply.mode,
    )


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
    """Whether an endpoint said that it takes no structured output, or a store that is only read has none of it."""
    said = str(error).lower()
    return "runtime.offline" in said or (
        "(400)" in said and any(word in said for word in ("response_format", "json_schema", "structured output"))
    )
