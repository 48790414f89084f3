"""A budget for the whole pipeline: what the store says was paid, plus the most that calls in flight may cost.

It counts every payment that the store holds from `runtime.budget_since` on, and every call that is in flight, whichever
stage or process made it: stages and queue workers share one budget, and pass it neither alone nor together. Payments to
the simulated teacher, and real ones, count apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from distill.settings.runtime import RuntimeSettings
from distill.teacher.exchange import TeacherError, Usage
from distill.teacher.money import cost, dollars, from_picodollars, picodollars, price_of
from distill.teacher.reservations import Amount, held_back, hold, settle_dead
from distill.teacher.session import Job, Session
from distill.teacher.store import Store


class BudgetReached(TeacherError):
    """The next call could pass the budget. Nothing is lost: what was bought is stored."""


class Budget:
    """What is spent and what calls in flight may cost, against the limits. For one thread, with its own Store.

    After a `reserve` that held back for none, `exceeded` names the limit in words, and `others` says whether other
    processes hold a part of it, which they may give back.
    """

    def __init__(self, session: Session, store: Store):
        self._runtime, self._store, self._simulated, self._mode = (
            session.runtime,
            store,
            session.simulated,
            session.mode,
        )
        self._seen, self._spent = 0, Amount()
        self._stage, self._endpoint = session.stage, session.endpoint
        self._longest, self._share_in = 0, 1.0  # the most tokens out, and in beside the estimate, of an answer so far
        self._excess: dict[bytes, Amount] = {}
        self.exceeded, self.others = "", False
        runtime = session.runtime
        self.limited = (
            runtime.budget_usd is not None or runtime.budget_calls is not None or runtime.budget_tokens is not None
        )
        self.by_size = runtime.budget_usd is not None or runtime.budget_tokens is not None
        if self.limited:
            self.update()

    def update(self) -> None:
        """Reads the payments made since the last look, by this process and others. Raises TeacherError."""
        if not self.limited:
            return
        for paid in self._store.paid(self._simulated, self._runtime.budget_start(), after=self._seen):
            self._seen = max(self._seen, paid.last)
            self._spent += Amount(paid.calls, paid.tokens_in, paid.tokens_out, paid.picodollars)
            if paid.unpriced and self._runtime.budget_usd is not None:
                usd = cost(Usage(*paid.unpriced_tokens), paid.model, self._runtime.prices)
                if usd is None:
                    raise TeacherError(
                        f"runtime.budget_usd cannot be kept: {paid.unpriced} calls to {paid.model!r} were paid at an "
                        f"unknown price. Add {paid.model!r} to runtime.prices, or set runtime.budget_since to a later "
                        "time"
                    )
                self._spent += Amount(picodollars=picodollars(usd) or 0)

    def reserve(self, jobs: Sequence[Job]) -> int:
        """Holds back the most that calls may cost, for as many of the first jobs as fit; returns how many.

        The jobs' keys must be claimed. Raises TeacherError.
        """
        if not self.limited:
            return len(jobs)
        settle_dead(self._store)
        fitting: list[tuple[bytes, Amount, str]] = []
        with self._store.writing() as db:  # no other process pays or holds back meanwhile
            self.update()
            mine, others, batches = held_back(self._store, simulated=self._simulated)
            self.others = others.calls > 0
            held = sum(self._excess.values(), mine + others + batches)
            for job in jobs:
                amount = self.most(job)
                held += amount
                self.exceeded = self._exceeded(held)
                if self.exceeded:
                    break
                fitting.append((job.key, amount, job.requests[0].model))
            if self.exceeded and batches.calls:
                self.exceeded += f"; {batches.calls:,} calls more are in open batches: `python stages/batch.py list`"
            hold(db, fitting, self._stage, self._endpoint, simulated=self._simulated)
        return len(fitting)

    def _exceeded(self, more: Amount) -> str:
        """Which limit so much more could pass, in words; empty where it fits."""
        runtime, spent = self._runtime, self._spent
        if runtime.budget_calls is not None and spent.calls + more.calls > runtime.budget_calls:
            return f"runtime.budget_calls ({runtime.budget_calls:,}; {spent.calls:,} made)"
        if runtime.budget_tokens is not None and spent.tokens + more.tokens > runtime.budget_tokens:
            return f"runtime.budget_tokens ({runtime.budget_tokens:,}; {spent.tokens:,} used)"
        if runtime.budget_usd is not None:
            usd = from_picodollars(spent.picodollars)
            if usd + from_picodollars(more.picodollars) > runtime.budget_usd:
                return f"runtime.budget_usd ({dollars(runtime.budget_usd)}; {dollars(usd)} spent)"
        return ""

    def left(self) -> str | None:
        """What is left, in words; None without a budget."""
        runtime, spent, parts = self._runtime, self._spent, []
        if runtime.budget_usd is not None:
            parts.append(dollars(max(Decimal(0), runtime.budget_usd - from_picodollars(spent.picodollars))))
        if runtime.budget_calls is not None:
            parts.append(f"{max(0, runtime.budget_calls - spent.calls):,} calls")
        if runtime.budget_tokens is not None:
            parts.append(f"{max(0, runtime.budget_tokens - spent.tokens):,} tokens")
        return ", ".join(parts) or None

    def passed_by(self, calls: int, tokens: int, usd: Decimal | None) -> list[str]:
        """Which limits so much more could pass, a line each; `usd` is None where a price is unknown."""
        runtime, spent, lines = self._runtime, self._spent, []
        if runtime.budget_calls is not None and spent.calls + calls > runtime.budget_calls:
            lines.append(
                f"runtime.budget_calls {runtime.budget_calls:,} can be passed: {spent.calls:,} made, up to {calls:,}"
                " more"
            )
        if runtime.budget_tokens is not None and spent.tokens + tokens > runtime.budget_tokens:
            lines.append(
                f"runtime.budget_tokens {runtime.budget_tokens:,} can be passed: {spent.tokens:,} used, up to"
                f" {tokens:,} more"
            )
        if runtime.budget_usd is not None and calls:
            paid = from_picodollars(spent.picodollars)
            if usd is None:
                lines.append("runtime.budget_usd cannot be kept: a price is unknown; add it to runtime.prices")
            elif paid + usd > runtime.budget_usd:
                lines.append(
                    f"runtime.budget_usd {dollars(runtime.budget_usd)} can be passed: {dollars(paid)} spent, up to"
                    f" {dollars(usd)} more"
                )
        return lines

    def heed(self, job: Job, usage: Usage) -> None:
        """Learns from an answer, before it is stored: one that took more than was held back raises what later calls are
        held back for, and its excess counts until `forget`."""
        excess = (usage.tokens_in or 0) + (usage.tokens_out or 0) - job.expected_in - job.expected_out
        if self.limited and excess > 0:
            usd = cost(usage, job.requests[0].model, self._runtime.prices, self._mode)
            self._excess[job.key] = Amount(0, 0, excess, picodollars(usd) or 0)
        self._longest = max(self._longest, usage.tokens_out or 0)
        self._share_in = max(self._share_in, (usage.tokens_in or 0) / max(1, job.expected_in))

    def forget(self, job: Job) -> None:
        """The answer's payment is in the store."""
        self._excess.pop(job.key, None)

    def most(self, job: Job) -> Amount:
        """The most that a call should cost: its prompt and max_tokens, or as much as the worst answer so far."""
        tokens_in, tokens_out = math.ceil(job.expected_in * self._share_in), max(job.expected_out, self._longest)
        # Prices were checked before the first call, and cached tokens only make it cheaper.
        usd = cost(Usage(tokens_in, 0, tokens_out), job.requests[0].model, self._runtime.prices, self._mode)
        return Amount(1, tokens_in, tokens_out, picodollars(usd) or 0)


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
