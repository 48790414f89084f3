"""Trying prompts out on rows: what it costs is counted, and the search's own limits are never passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from distill.errors import UserError
from distill.prompts.asking import Ask, Asker, Asks, request_for, usage_of, usd_of
from distill.prompts.early_stop import stopping_early
from distill.rows.records import Annotation, Example, TaskCard
from distill.search.scoring import Score, score
from distill.settings import Settings
from distill.settings.runtime import Price
from distill.teacher.exchange import Reply, Request, Usage
from distill.teacher.money import Cost, Estimate, cost, dollars
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

    def __mul__(self, times: int) -> Most:
        return Most(self.calls * times, self.tokens * times, None if self.usd is None else self.usd * times)

    def __str__(self) -> str:
        if not self.calls:
            return "nothing"
        money = "at an unknown price" if self.usd is None else f"{dollars(self.usd)} at most"
        return f"{self.calls:,} calls and {self.tokens:,} tokens at most, {money}"

    @staticmethod
    def of_estimate(estimate: Estimate) -> Most:
        """The upper end of an estimate."""
        return Most(estimate.calls, estimate.tokens_in + estimate.tokens_out_high, estimate.usd_high)

    def less(self, paid: Cost) -> Most:
        """What is left of it after so much was paid."""
        tokens = paid.tokens_in + paid.tokens_out
        usd = None if self.usd is None or paid.usd is None else max(Decimal(0), self.usd - paid.usd)
        return Most(max(0, self.calls - paid.calls), max(0, self.tokens - tokens), usd)

    def within(self, calls: int | None, tokens: int | None, usd: Decimal | None) -> Most:
        """No more than these limits let through; None is no limit."""
        return Most(
            self.calls if calls is None else min(self.calls, calls),
            self.tokens if tokens is None else min(self.tokens, tokens),
            self.usd if usd is None or self.usd is None else min(self.usd, usd),
        )


def most_of(requests: Iterable[Request], prices: Mapping[str, Price]) -> Most:
    """The most that these requests, all to one model, can cost live."""
    calls = tokens_in = tokens_out = 0
    model = ""
    for request in requests:
        calls, model = calls + 1, request.model
        tokens_in += estimate_prompt(request.messages)
        tokens_out += request.max_tokens
    usd = cost(Usage(tokens_in, 0, tokens_out), model, prices) if calls else Decimal(0)
    return Most(calls, tokens_in + tokens_out, usd)


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
        asks = [Ask(row, name) for name, (_, rows) in tries.items() for row in rows]
        templates = {name: template for name, (template, _) in tries.items()}
        annotations: dict[str, list[Annotation]] = {name: [] for name in tries}
        answers = self.asker.answers(asks, templates, title)
        if not self.spent.calls and self.settings.runtime.stop_early:
            answers = stopping_early(answers, opening=True)
        for ask, answer in answers:
            annotations[ask.what].append(answer)
            if answer.status != "failed":
                model, prices = self.settings.teacher.model, self.settings.runtime.prices
                self.spent.add(usage_of(answer), usd_of(answer, model, prices))
        return {name: sorted(some, key=lambda answer: answer.id) for name, some in annotations.items()}

    def score(self, annotations: Sequence[Annotation], rows: Sequence[Example]) -> Score:
        """The score of a prompt's answers to some of `rows`."""
        prompt = self.settings.prompt
        gold = {row.id: row.label for row in rows if row.label is not None}
        return score(annotations, gold, self.card.kind, prompt.weights, prompt.rationale_words)

    def proposals(self, requests: Sequence[Request]) -> list[Reply]:
        """The optimizer model's replies, in the order of `sample`. Raises LimitReached before the first call."""
        self.check(most_of(requests, self.settings.runtime.prices))
        replies = sorted(self.teacher.ask(requests, title="proposals"), key=lambda reply: reply.sample)
        model = self.settings.prompt.model or self.settings.teacher.model
        for reply in replies:
            if not (reply.failure or "").startswith("failed"):
                self.spent.add(reply.usage, cost(reply.usage, model, self.settings.runtime.prices, reply.mode))
        return replies

    def most_for(self, tries: Iterable[tuple[Template, Sequence[Example]]]) -> Most:
        """The most that trying these prompts can cost."""
        requests = (
            request_for(Ask(row, "explain"), template, self.card, self.settings.teacher)
            for template, rows in tries
            for row in rows
        )
        return most_of(requests, self.settings.runtime.prices)

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
                    "prompt.max_usd: cannot be kept, as a price is unknown; add it to runtime.prices, or set"
                    " prompt.max_tokens instead"
                )
            if spent.usd + more.usd > limits.max_usd:
                raise LimitReached(
                    f"prompt.max_usd ({limits.max_usd}): {spent.usd:.4f} spent, up to {more.usd:.4f} more are due"
                )
