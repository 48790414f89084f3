"""A budget for the whole pipeline: what the store says was paid, plus the most that calls in flight may cost.

It counts every payment that the store holds from `runtime.budget_since` on, whichever stage or process
made it, so that stages and queue workers share one budget. Payments to the simulated teacher, and real
ones, count apart.
"""

from __future__ import annotations

from decimal import Decimal

from distill.settings.runtime import RuntimeSettings
from distill.teacher.exchange import TeacherError, Usage
from distill.teacher.money import cost, dollars, from_picodollars, picodollars, price_of
from distill.teacher.session import Job, Session
from distill.teacher.store import Store


class BudgetReached(TeacherError):
    """The next call could pass the budget. Nothing is lost: what was bought is stored."""


class Budget:
    """What is spent and what calls in flight may cost, against the limits. For one thread, with its own Store."""

    def __init__(self, session: Session, store: Store):
        self._runtime, self._store, self._simulated, self._mode = (
            session.runtime,
            store,
            session.simulated,
            session.mode,
        )
        self._seen = self._calls = self._tokens = self._picodollars = 0
        self._reserved: dict[Job, tuple[int, int]] = {}
        self._reserved_tokens = self._reserved_picodollars = 0
        runtime = session.runtime
        self.limited = (
            runtime.budget_usd is not None or runtime.budget_calls is not None or runtime.budget_tokens is not None
        )
        if self.limited:
            self.update()

    def update(self) -> None:
        """Reads the payments made since the last look, by this process and others. Raises TeacherError."""
        if not self.limited:
            return
        for paid in self._store.paid(self._simulated, self._runtime.budget_start(), after=self._seen):
            self._seen = max(self._seen, paid.last)
            self._calls += paid.calls
            self._tokens += paid.tokens_in + paid.tokens_out
            self._picodollars += paid.picodollars
            if paid.unpriced and self._runtime.budget_usd is not None:
                usd = cost(Usage(*paid.unpriced_tokens), paid.model, self._runtime.prices)
                if usd is None:
                    raise TeacherError(
                        f"runtime.budget_usd cannot be kept: {paid.unpriced} calls to {paid.model!r} were paid at an "
                        f"unknown price. Add {paid.model!r} to runtime.prices, or set runtime.budget_since to a later "
                        "time"
                    )
                self._picodollars += picodollars(usd) or 0

    def exceeded_by(self, job: Job) -> str | None:
        """Which limit the call could pass, in words; None where it fits."""
        runtime = self._runtime
        if runtime.budget_calls is not None and self._calls + len(self._reserved) + 1 > runtime.budget_calls:
            return f"runtime.budget_calls ({runtime.budget_calls:,}; {self._calls:,} made)"
        tokens = self._tokens + self._reserved_tokens + job.expected_in + job.expected_out
        if runtime.budget_tokens is not None and tokens > runtime.budget_tokens:
            return f"runtime.budget_tokens ({runtime.budget_tokens:,}; {self._tokens:,} used)"
        if runtime.budget_usd is not None:
            spent = from_picodollars(self._picodollars)
            if spent + from_picodollars(self._reserved_picodollars + self._worst(job)) > runtime.budget_usd:
                return f"runtime.budget_usd ({dollars(runtime.budget_usd)}; {dollars(spent)} spent)"
        return None

    def reserve(self, job: Job) -> None:
        """Holds back the most that the call may cost, as it starts."""
        if self.limited:
            tokens, money = job.expected_in + job.expected_out, self._worst(job)
            self._reserved[job] = (tokens, money)
            self._reserved_tokens += tokens
            self._reserved_picodollars += money

    def free(self, job: Job) -> None:
        """Gives back what was held for a call: it failed, or its payment is in the store."""
        tokens, money = self._reserved.pop(job, (0, 0))
        self._reserved_tokens -= tokens
        self._reserved_picodollars -= money

    def left(self) -> str | None:
        """What is left, in words; None without a budget."""
        runtime, parts = self._runtime, []
        if runtime.budget_usd is not None:
            parts.append(dollars(max(Decimal(0), runtime.budget_usd - from_picodollars(self._picodollars))))
        if runtime.budget_calls is not None:
            parts.append(f"{max(0, runtime.budget_calls - self._calls):,} calls")
        if runtime.budget_tokens is not None:
            parts.append(f"{max(0, runtime.budget_tokens - self._tokens):,} tokens")
        return ", ".join(parts) or None

    def passed_by(self, calls: int, tokens: int, usd: Decimal | None) -> list[str]:
        """Which limits so much more could pass, a line each; `usd` is None where a price is unknown."""
        runtime, lines = self._runtime, []
        if runtime.budget_calls is not None and self._calls + calls > runtime.budget_calls:
            lines.append(
                f"runtime.budget_calls {runtime.budget_calls:,} can be passed: {self._calls:,} made, up to {calls:,}"
                " more"
            )
        if runtime.budget_tokens is not None and self._tokens + tokens > runtime.budget_tokens:
            lines.append(
                f"runtime.budget_tokens {runtime.budget_tokens:,} can be passed: {self._tokens:,} used, up to"
                f" {tokens:,} more"
            )
        if runtime.budget_usd is not None and calls:
            spent = from_picodollars(self._picodollars)
            if usd is None:
                lines.append("runtime.budget_usd cannot be kept: a price is unknown; add it to runtime.prices")
            elif spent + usd > runtime.budget_usd:
                lines.append(
                    f"runtime.budget_usd {dollars(runtime.budget_usd)} can be passed: {dollars(spent)} spent, up to"
                    f" {dollars(usd)} more"
                )
        return lines

    def _worst(self, job: Job) -> int:
        # Prices were checked before the first call, and cached tokens only make it cheaper.
        usage, model = Usage(job.expected_in, 0, job.expected_out), job.requests[0].model
        return picodollars(cost(usage, model, self._runtime.prices, self._mode)) or 0


def check_prices(runtime: RuntimeSettings, model: str) -> None:
    """Raises TeacherError where there is a money budget and a price of the model is unknown."""
    if runtime.budget_usd is None:
        return
    price = price_of(model, runtime.prices)
    missing = [
        name for name in ("tokens_in", "tokens_cached", "tokens_out") if price is None or getattr(price, name) is None
    ]
    if missing:
        raise TeacherError(
            f"runtime.budget_usd is {runtime.budget_usd}, but runtime.prices has no {', '.join(missing)} for "
            f"{model!r}: nothing was asked. Add the price with its date and source, or set budget_calls or "
            "budget_tokens instead"
        )
