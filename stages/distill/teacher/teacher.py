"""A teacher that is open: what stages hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from distill.teacher.asking import Asking, Books, key_and_body, reply
from distill.teacher.budget import Budget
from distill.teacher.exchange import Reply, Request
from distill.teacher.keys import SeenKeys
from distill.teacher.money import Bill, Estimate
from distill.teacher.session import Session
from distill.teacher.store import Stored

_BATCH = 256
# Families of models that think before they answer unless they are told not to.
_THINKS = re.compile(
    r"(?i)(?:^|[/_:-])(?:o[1-9](?:$|[-:])|gpt-5|gpt-oss|r1|qwq|qwen3|magistral|grok-4|glm-[45]|kimi-k2|minimax-m)"
    r"|reason|think"
)


@dataclass(slots=True)
class CallPlan:
    """Different calls, how many of them the store has, and what the others will cost."""

    calls: int
    stored: int
    to_pay: Estimate

    def __str__(self) -> str:
        return f"{self.calls:,} calls at most, of which {self.stored:,} are stored; to pay: {self.to_pay}"


class Teacher:
    """Answers requests from the store where it can, and from the endpoint where it must.

    `bill` covers all that was asked since this teacher was opened.
    """

    def __init__(self, session: Session):
        self.session = session
        self._books = Books(session)

    @property
    def bill(self) -> Bill:
        return self._books.bill

    @property
    def simulated(self) -> bool:
        return self.session.simulated

    def describe(self) -> str:
        """One line for reports: which model, where."""
        return self.session.description

    def close(self) -> None:
        self._books.close()

    def stored(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Reply]]:
        """The requests that the store can answer, with its answers; asks and counts nothing."""
        for request, _, stored in self._looked_up(requests):
            if stored is not None:
                yield request, reply(request, stored, paid=False)

    def plan(self, requests: Iterable[Request]) -> CallPlan:
        """What asking these would take, without asking: identical requests count once."""
        plan, seen = CallPlan(0, 0, Estimate(self.session.runtime.prices, self.session.mode)), SeenKeys()
        for request, key, stored in self._looked_up(requests):
            if seen.add(key):
                plan.calls += 1
                plan.stored += stored is not None
                if stored is None:
                    plan.to_pay.add(request, self._books.usual_out(request))
        return plan

    def may_think(self, model: str, effort: str | None) -> bool:
        """Whether the model may bill thoughts that no plan knows: by its settings, its name, or its stored answers."""
        if effort == "none":
            return False
        return bool(effort or _THINKS.search(model) or self._books.store.thinks(model))

    def budgets_passed(self, calls: int, tokens: int, usd: Decimal | None) -> list[str]:
        """Which budgets (runtime.budget_*) so much more could pass, a line each; `usd` is None where it is unknown."""
        return Budget(self.session, self._books.store).passed_by(calls, tokens, usd)

    def budget_left(self) -> str | None:
        """What is left of the budgets, in words; None where there is none."""
        return Budget(self.session, self._books.store).left()

    def _looked_up(self, requests: Iterable[Request]) -> Iterator[tuple[Request, bytes, Stored | None]]:
        waiting = iter(requests)
        while batch := list(islice(waiting, _BATCH)):
            keys = [key_and_body(self.session, request)[0] for request in batch]
            answers = self._books.store.lookup(keys)
            yield from ((request, key, answers.get(key)) for key, request in zip(keys, batch, strict=True))

    def ask(self, requests: Iterable[Request], total: int | None = None, title: str = "") -> Iterator[Reply]:
        """A reply for every request, in any order, while requests are still being read.

        Holds a bounded number of rows whatever the number of requests. `total` is that number where the caller knows
        it, and `title` names the pass; both are for the progress line. Identical requests are asked and counted once.
        Raises TeacherError where asking cannot go on, and KeyboardInterrupt after Ctrl-C; what was answered until then
        has been handed out and stored.
        """
        yield from Asking(self._books, requests, total, title).run()
