"""Answers on their way to the store: gathered for a moment, committed together with their price, then handed back.

Rows are inserted within the event loop. The commit waits for the disk in a thread of its own; what comes in meanwhile
goes into the next commit. Calls that are paid and brought no answer are booked in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from distill.teacher.budget import Budget
from distill.teacher.exchange import TeacherError, Usage
from distill.teacher.money import cost, picodollars
from distill.teacher.reserve import AnswersLost, Reserve
from distill.teacher.session import Done, Session, SpentCall
from distill.teacher.store import Answer, Mode, Payment, Store

_COMMIT_EVERY_S = 0.005  # so that a fast disk, too, gets several answers at a time

_Batch = list[tuple[Done | SpentCall, Answer | None]]


class Writer:
    """`keep` what is done and `book` what is spent; after the commit they go to `hand_back`, an error to `broken`."""

    def __init__(
        self,
        session: Session,
        budget: Budget,
        hand_back: Callable[[list[Done | SpentCall]], None],
        broken: Callable[[BaseException], None],
    ):
        self._session, self._budget, self._hand_back, self._broken = session, budget, hand_back, broken
        self._store = Store(session.store)
        self._reserve = Reserve(session.store)
        self._loop = asyncio.get_running_loop()
        self._committer = ThreadPoolExecutor(1, "commit")
        self._unsaved: _Batch = []
        self._committing: _Batch = []
        self._timer: asyncio.TimerHandle | None = None
        self._began = float("-inf")
        self._lost = 0

    def __len__(self) -> int:
        """What is not yet committed."""
        return len(self._unsaved) + len(self._committing)

    def with_losses(self, error: BaseException | None) -> BaseException | None:
        """Why asking has stopped, with how many answers are paid and could not be stored, if any."""
        return AnswersLost(f"{error}. {self._lost} answers are paid and could not be stored") if self._lost else error

    def close(self) -> None:
        self._committer.shutdown()
        self._reserve.give_back()
        self._store.close()

    def keep(self, done: Done, answer: Answer | None) -> None:
        """An answer to store, or a job without one, whose claim ends."""
        self._unsaved.append((done, answer))
        self._schedule()

    def book(self, spent: SpentCall) -> None:
        """A call that is paid and brought no answer; the claim on it stands."""
        self._unsaved.append((spent, None))
        self._schedule()

    def _schedule(self) -> None:
        if self._unsaved and not self._committing and self._timer is None:
            self._timer = self._loop.call_at(max(self._loop.time(), self._began + _COMMIT_EVERY_S), self._save)

    def _save(self) -> None:
        batch, self._unsaved, self._timer, self._began = self._unsaved, [], None, self._loop.time()
        try:
            self._store.insert(*self._entries(batch))
        except TeacherError as error:
            self._not_saved(batch, error)
            return
        self._committing = batch
        self._loop.run_in_executor(self._committer, self._store.commit).add_done_callback(self._saved)

    def _entries(self, batch: _Batch) -> tuple[list[tuple[bytes, Answer]], list[Payment], list[bytes], list[bytes]]:
        """What `Store.insert` takes."""
        answers, bought, released, settled = [], [], [], []
        for ended, answer in batch:
            if isinstance(ended, SpentCall):
                bought.append(Bought(ended.job.requests[0].model, ended.usage, lost=ended.lost))
                settled.append(ended.job.key)
            elif answer:
                answers.append((ended.job.key, answer))
                bought += [bought_answer(answer)] if ended.paid else []
            else:
                released.append(ended.job.key)
        return answers, payments_for(self._session, self._session.stage, bought), released, settled

    def _saved(self, commit: asyncio.Future[None]) -> None:
        batch, self._committing = self._committing, []
        error = commit.exception()
        if error is not None:
            self._not_saved(batch, error)
            return
        try:
            self._budget.update()
        except TeacherError as broken:
            self._broken(broken)
        self._schedule()
        self._hand_back([ended for ended, _ in batch])

    def _not_saved(self, batch: _Batch, error: BaseException) -> None:
        """Has nothing more asked, and tries once more with the room of the reserve."""
        self._committing = batch  # they count as unsaved until this is over
        self._broken(error)
        stored = False
        if self._reserve.give_back():
            with suppress(TeacherError):
                self._store.save(*self._entries(batch))
                stored = True
        if not stored:
            self._lost += sum(isinstance(ended, Done) and ended.paid for ended, _ in batch)
        self._committing = []
        self._schedule()
        self._hand_back([ended for ended, _ in batch] if stored else [])


@dataclass(frozen=True, slots=True)
class Bought:
    """The tokens of one call that is paid; `lost` where they are the most that it may have used."""

    model: str
    usage: Usage
    mode: Mode = "live"
    lost: bool = False


def bought_answer(answer: Answer) -> Bought:
    """The payment that an answer takes."""
    return Bought(answer.model, answer.stored.usage, answer.stored.mode)


def payments_for(session: Session, stage: str, bought: Sequence[Bought]) -> list[Payment]:
    """What calls cost, one payment a model and mode."""
    payments = []
    for model, mode in sorted({(call.model, call.mode) for call in bought}):
        some = [call for call in bought if (call.model, call.mode) == (model, mode)]
        tokens = [
            sum(getattr(call.usage, name) or 0 for call in some)
            for name in ("tokens_in", "tokens_cached", "tokens_out")
        ]
        usd = cost(Usage(*tokens), model, session.runtime.prices, mode)
        lost = sum(call.lost for call in some)
        payments.append(
            Payment(stage, session.endpoint, session.simulated, model, len(some), *tokens, picodollars(usd), lost)
        )
    return payments
