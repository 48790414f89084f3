"""Money: prices of tokens, estimates before calls are made, and the three costs of a run, always apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from distill.settings.runtime import Price
from distill.teacher.exchange import Request, Usage
from distill.teacher.tokens import estimate_prompt

_MILLION = Decimal(10) ** 6
_PICODOLLARS = 10**12
# What a server adds to the name of the model that it was asked for: "-2024-08-06", "-20240806", "-0613".
_DATE = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4})\Z")
# Of the live price: OpenAI, Azure and Anthropic all bill batches at half (platform.openai.com/docs/guides/batch).
BATCH_SHARE = Decimal("0.5")


def price_of(model: str, prices: Mapping[str, Price]) -> Price | None:
    """The price listed under the model's name, or under its name without a date at the end."""
    return prices.get(model) or prices.get(_DATE.sub("", model))


def cost(usage: Usage, model: str, prices: Mapping[str, Price], mode: str = "live") -> Decimal | None:
    """US dollars of the tokens, of one answer or of many together; None where a price or count is unknown.

    `usage.tokens_in` includes the cached tokens, as in the OpenAI API.
    """
    price = price_of(model, prices)
    if price is None or usage.tokens_in is None or usage.tokens_out is None:
        return None
    cached = usage.tokens_cached or 0
    total = Decimal(0)
    for tokens, dollars in (
        (usage.tokens_in - cached, price.tokens_in),
        (cached, price.tokens_cached),
        (usage.tokens_out, price.tokens_out),
    ):
        if tokens and dollars is None:
            return None
        total += tokens * (dollars or 0)
    return total / _MILLION * (BATCH_SHARE if mode == "batch" else 1)


def picodollars(usd: Decimal | None) -> int | None:
    """Dollars as whole 1e-12 dollars, in which a database adds them up exactly."""
    return None if usd is None else int(usd * _PICODOLLARS)


def from_picodollars(whole: int) -> Decimal:
    """US dollars."""
    return Decimal(whole) / _PICODOLLARS


def dollars(usd: Decimal | None) -> str:
    """Money as people read it: cents from 100 dollars up, else hundredths of a cent."""
    if usd is None:
        return "unknown (no price)"
    return f"${usd:,.2f}" if usd >= 100 else f"${usd:.4f}"


_SHORT = 0.25  # of max_tokens: a short answer, where none was seen yet


@dataclass(slots=True)
class Estimate:
    """What calls will cost that are still to be paid.

    The low figure takes answers to be as long as those stored so far (a quarter of max_tokens where there are none),
    the high figure as long as max_tokens allows. US dollars are None where a price is unknown.
    """

    prices: Mapping[str, Price]
    mode: str = "live"
    calls: int = 0
    tokens_in: int = 0
    tokens_out_low: int = 0
    tokens_out_high: int = 0
    usd_low: Decimal | None = Decimal(0)
    usd_high: Decimal | None = Decimal(0)

    def add(self, request: Request, usual_out: float | None) -> None:
        """Counts a call; `usual_out` is the mean length of answers of its kind, in tokens, or None."""
        tokens_in = estimate_prompt(request.messages)
        short = max(1, round(min(request.max_tokens, request.max_tokens * _SHORT if usual_out is None else usual_out)))
        self.calls += 1
        self.tokens_in += tokens_in
        self.tokens_out_low += short
        self.tokens_out_high += request.max_tokens
        low = cost(Usage(tokens_in, 0, short), request.model, self.prices, self.mode)
        high = cost(Usage(tokens_in, 0, request.max_tokens), request.model, self.prices, self.mode)
        self.usd_low = None if low is None or self.usd_low is None else self.usd_low + low
        self.usd_high = None if high is None or self.usd_high is None else self.usd_high + high

    def __str__(self) -> str:
        money = dollars(None) if self.usd_low is None else f"{dollars(self.usd_low)} to {dollars(self.usd_high)}"
        tokens_out = f"{self.tokens_out_low:,} to {self.tokens_out_high:,}"
        return f"{self.calls:,} calls, about {self.tokens_in:,} tokens in and {tokens_out} out, {money}"

    def against(self, paid: Mapping[str, Any]) -> dict[str, Any]:
        """The estimate, and its errors as shares of what was `paid` (see Cost.numbers); None where that is unknown."""

        def error(estimated: float | None, true: float | None) -> float | None:
            return None if estimated is None or not true else estimated / true - 1

        low, high = (None if usd is None else float(usd) for usd in (self.usd_low, self.usd_high))
        return {
            "usd_low": low,
            "usd_high": high,
            "tokens_in_error": error(self.tokens_in, paid["tokens_in"]),
            "tokens_out_low_error": error(self.tokens_out_low, paid["tokens_out"]),
            "usd_low_error": error(low, paid["usd"]),
            "usd_high_error": error(high, paid["usd"]),
        }


@dataclass(slots=True)
class Cost:
    """Answered calls, their tokens, and US dollars (None once one is unknown).

    `counted` is False once an answer came without its tokens, as recorded answers do; the sums then leave it out.
    """

    calls: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    tokens_reasoning: int = 0
    usd: Decimal | None = Decimal(0)
    counted: bool = True

    def add(self, usage: Usage, usd: Decimal | None) -> None:
        self.calls += 1
        self.counted &= usage.tokens_in is not None and usage.tokens_out is not None
        self.tokens_in += usage.tokens_in or 0
        self.tokens_cached += usage.tokens_cached or 0
        self.tokens_out += usage.tokens_out or 0
        self.tokens_reasoning += usage.tokens_reasoning or 0
        self.usd = None if usd is None or self.usd is None else self.usd + usd

    def numbers(self) -> dict[str, Any]:
        """For a metrics file; what is unknown is null."""
        return {
            "usd": None if self.usd is None else float(self.usd),
            "calls": self.calls,
            "tokens_in": self.tokens_in if self.counted else None,
            "tokens_cached": self.tokens_cached if self.counted else None,
            "tokens_out": self.tokens_out if self.counted else None,
            "tokens_reasoning": self.tokens_reasoning if self.counted else None,
        }


@dataclass(slots=True)
class Bill:
    """The three costs of a run.

    `as_if_cold` is what its answers cost in all, each counted once: the same for the same answers, whoever paid. `paid`
    is what this run bought, and `saved` what the store had already. `unanswered` is the part of `paid` that brought no
    answer; `lost` of its calls have no usage, and count at the most that they may have cost. `estimate` is what was
    expected of the paid calls.
    """

    as_if_cold: Cost = field(default_factory=Cost)
    paid: Cost = field(default_factory=Cost)
    saved: Cost = field(default_factory=Cost)
    unanswered: Cost = field(default_factory=Cost)
    lost: int = 0
    estimate: Estimate | None = None

    def add(self, usage: Usage, usd: Decimal | None, *, from_store: bool) -> None:
        """Counts one answer, at the dollars it costs."""
        self.as_if_cold.add(usage, usd)
        (self.saved if from_store else self.paid).add(usage, usd)

    def spend(self, usage: Usage, usd: Decimal | None, *, lost: bool) -> None:
        """Counts a call that is paid and brought no answer."""
        self.paid.add(usage, usd)
        self.unanswered.add(usage, usd)
        self.lost += lost

    def metrics(self) -> dict[str, Any]:
        """The as-if-cold cost, for metrics that stages depend on."""
        return self.as_if_cold.numbers()

    def runtime(self) -> dict[str, Any]:
        """Paid now and saved, which differ from run to run, and how far the estimate was off."""
        paid = self.paid.numbers()
        off = {"estimate": self.estimate.against(paid)} if self.estimate and self.paid.calls else {}
        unanswered = {**self.unanswered.numbers(), "lost_calls": self.lost}
        return {"paid": paid, "saved": self.saved.numbers(), "unanswered": unanswered, **off}

    def closing_line(self) -> str:
        parts = (("as if cold", self.as_if_cold), ("paid now", self.paid), ("saved by the store", self.saved))
        line = "teacher: " + ", ".join(f"{name} {dollars(cost.usd)} ({cost.calls:,} calls)" for name, cost in parts)
        if not self.unanswered.calls:
            return line
        lost = f", {self.lost:,} of them at the most that they may have cost" if self.lost else ""
        wasted = f"{self.unanswered.calls:,} calls ({dollars(self.unanswered.usd)}{lost})"
        return f"{line}; of what was paid, {wasted} brought no answer"
