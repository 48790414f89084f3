"""Answers on their way to the store: gathered for a moment, committed together with their price, then handed back.

Rows are inserted within the event loop. The commit waits for the disk in a thread of its own; what comes in meanwhile
goes into the next commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from distill.teacher.budget import Budget
from distill.teacher.exchange import TeacherError, Usage
from distill.teacher.money import cost, picodollars
from distill.teacher.session import Done, Session
from distill.teacher.store import Answer, Payment, Store

_COMMIT_EVERY_S = 0.005  # so that a fast disk, too, gets several answers at a time

_Batch = list[tuple[Done, Answer | None]]


class Writer:
    """`keep` what is done; after the commit it goes to `hand_back`, or an error to `broken`."""

    def __init__(
        self,
        session: Session,
        budget: Budget,
        hand_back: Callable[[list[Done]], None],
        broken: Callable[[BaseException], None],
    ):
        self._session, self._budget, self._hand_back, self._broken = session, budget, hand_back, broken
        self._store = Store(session.store)
        self._loop = asyncio.get_running_loop()
        self._committer = ThreadPoolExecutor(1, "commit")
        self._unsaved: _Batch = []
        self._committing: _Batch = []
        self._timer: asyncio.TimerHandle | None = None
        self._began = float("-inf")

    def __len__(self) -> int:
        """Answers that are not yet committed."""
        return len(self._unsaved) + len(self._committing)

    def close(self) -> None:
        self._committer.shutdown()
        self._store.close()

    def keep(self, done: Done, answer: Answer | None) -> None:
        """An answer to store, or a job without one, whose claim ends."""
        self._unsaved.append((done, answer))
        self._schedule()

    def _schedule(self) -> None:
        if self._unsaved and not self._committing and self._timer is None:
            self._timer = self._loop.call_at(max(self._loop.time(), self._began + _COMMIT_EVERY_S), self._save)

    def _save(self) -> None:
        batch, self._unsaved, self._timer, self._began = self._unsaved, [], None, self._loop.time()
        answers = [(done.job.key, answer) for done, answer in batch if answer]
        bought = payments_for(
            self._session, self._session.stage, [answer for done, answer in batch if answer and done.paid]
        )
        try:
            self._store.insert(answers, bought, [done.job.key for done, answer in batch if not answer])
        except TeacherError as error:
            self._broken(error)
            return
        self._committing = batch
        self._loop.run_in_executor(self._committer, self._store.commit).add_done_callback(self._saved)

    def _saved(self, commit: asyncio.Future[None]) -> None:
        batch, self._committing = self._committing, []
        error = commit.exception()
        if error is not None:
            self._broken(error)
            return
        try:
            self._budget.update()
        except TeacherError as broken:
            self._broken(broken)
        for done, _ in batch:
            self._budget.free(done.job)
        self._schedule()
        self._hand_back([done for done, _ in batch])


def payments_for(session: Session, stage: str, answers: Sequence[Answer]) -> list[Payment]:
    """What the answers cost, one payment a model. All answers must have been bought in the same mode."""
    payments = []
    for model in {answer.model for answer in answers}:
        some = [answer.stored for answer in answers if answer.model == model]
        tokens = [
            sum(getattr(stored.usage, name) or 0 for stored in some)
            for name in ("tokens_in", "tokens_cached", "tokens_out")
        ]
        usd = cost(Usage(*tokens), model, session.runtime.prices, some[0].mode)
        payments.append(
            Payment(stage, session.endpoint, session.simulated, model, len(some), *tokens, picodollars(usd))
        )
    return payments
