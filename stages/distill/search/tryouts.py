"""Trying prompts out: asking about rows, counting what it costs, never past the search's own limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from distill.errors import UserError
from distill.prompts.asking import Asker, Asks
from distill.rows.records import Annotation, Example, TaskCard
from distill.search.scoring import Score, score
from distill.settings import Settings
from distill.teacher.exchange import Reply, Request, Usage
from distill.teacher.money import cost
from distill.teacher.tokens import estimate_prompt
from distill.templates import Template


class LimitReached(UserError):
    """The next calls could pass a limit of the search; nothing was asked."""


@dataclass(slots=True)
class Spent:
    """Calls, tokens in and out, and US dollars as if cold (None once a price or count is unknown)."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: Decimal | None = Decimal(0)

    def add(self, usage: Usage, usd: Decimal | None) -> None:
        self.calls += 1
        self.tokens_in += usage.tokens_in or 0
        self.tokens_out += usage.tokens_out or 0
        self.usd = None if usd is None or self.usd is None else self.usd + usd

    def metrics(self) -> dict[str, float | int | None]:
        usd = None if self.usd is None else float(self.usd)
        return {"usd": usd, "calls": self.calls, "tokens_in": self.tokens_in, "tokens_out": self.tokens_out}


@dataclass(frozen=True, slots=True)
class Most:
    """The most that calls can cost: each its whole prompt and `max_tokens`."""

    calls: int = 0
    tokens: int = 0
    usd: Decimal | None = Decimal(0)

    def __add__(self, other: Most) -> Most:
        usd = None if self.usd is None or other.usd is None else self.usd + other.usd
        return Most(self.calls + other.calls, self.tokens + other.tokens, usd)


@dataclass
class Tryouts:
    """Asks a teacher with prompts that are tried out.

    `spent` counts every answer as if cold, so that a search that goes on from the store decides as it did the first
    time; prices go by the model's name as it was asked for. `reserved` is held back for what comes after the search.
    """

    teacher: Asks
    card: TaskCard
    settings: Settings
    spent: Spent = field(default_factory=Spent)
    reserved: Most = field(default_factory=Most)

    def __post_init__(self) -> None:
        self.asker = Asker(self.teacher, self.card, self.settings.teacher)

    def answers(
        self, tries: Mapping[str, tuple[Template, Sequence[Example]]], title: str
    ) -> dict[str, list[Annotation]]:
        """The answers to each try, a name with a prompt and its rows, asked side by side, in order of id.

        `title` names the pass in the progress line.
        Raises LimitReached before the first call where all could pass a limit.
        """
        self.check(self.most_for(tries.values()))
        rows = [(row, name) for name, (_, asked) in tries.items() for row in asked]
        templates = {name: template for name, (template, _) in tries.items()}
        found: dict[str, list[Annotation]] = {name: [] for name in tries}
        for one in self.asker.answers(rows, templates, title):
            found[one.asked].append(one)
            usage = Usage(one.tokens_in, one.tokens_cached, one.tokens_out, one.tokens_from)
            if one.status != "failed":
                self.spent.add(usage, cost(usage, self.settings.teacher.model, self.settings.runtime.prices, one.mode))
        return {name: sorted(some, key=lambda a: a.id) for name, some in found.items()}

    def score(self, found: Sequence[Annotation], rows: Sequence[Example]) -> Score:
        """The score of a prompt's answers to some of `rows`."""
        wanted = self.settings.prompt
        gold = {row.id: row.label for row in rows if row.label is not None}
        return score(found, gold, self.card.kind, wanted.weights, wanted.rationale_words)

    def proposals(self, requests: Sequence[Request]) -> list[Reply]:
        """The optimizer model's replies, in the order of `sample`. Raises LimitReached before the first call."""
        self.check(self._most(requests))
        replies = sorted(self.teacher.ask(requests, title="proposals"), key=lambda reply: reply.sample)
        model = self.settings.prompt.model or self.settings.teacher.model
        for reply in replies:
            if reply.text is not None:
                self.spent.add(reply.usage, cost(reply.usage, model, self.settings.runtime.prices, reply.mode))
        return replies

    def most_for(self, tries: Iterable[tuple[Template, Sequence[Example]]]) -> Most:
        """The most that trying these prompts can cost."""
        asked = self.settings.teacher
        return self._most(
            Request(row.id, template.messages(row.fields), asked.model, 0, 1, asked.max_tokens)
            for template, rows in tries
            for row in rows
        )

    def check(self, wanted: Most) -> None:
        """Raises LimitReached where `wanted`, what is reserved and what is spent could pass a limit."""
        limits, spent, more = self.settings.prompt, self.spent, wanted + self.reserved
        tokens = spent.tokens_in + spent.tokens_out
        if limits.max_calls is not None and spent.calls + more.calls > limits.max_calls:
            raise LimitReached(
                f"prompt.max_calls ({limits.max_calls:,}): {spent.calls:,} made, {more.calls:,} more are due"
            )
        if limits.max_tokens is not None and tokens + more.tokens > limits.max_tokens:
            raise LimitReached(
                f"prompt.max_tokens ({limits.max_tokens:,}): {tokens:,} used, up to {more.tokens:,} more are due"
            )
        if limits.max_usd is not None:
            if spent.usd is None or more.usd is None:
                raise UserError(
                    "prompt.max_usd cannot be kept: a price is unknown; add it to runtime.prices, or set"
                    " prompt.max_tokens instead"
                )
            if spent.usd + more.usd > limits.max_usd:
                raise LimitReached(
                    f"prompt.max_usd ({limits.max_usd}): {spent.usd:.4f} spent, up to {more.usd:.4f} more are due"
                )

    def _most(self, requests: Iterable[Request]) -> Most:
        calls = tokens_in = tokens_out = 0
        model = ""
        for request in requests:
            calls, model = calls + 1, request.model
            tokens_in += estimate_prompt(request.messages)
            tokens_out += request.max_tokens
        usd = cost(Usage(tokens_in, 0, tokens_out), model, self.settings.runtime.prices) if calls else Decimal(0)
        return Most(calls, tokens_in + tokens_out, usd)
