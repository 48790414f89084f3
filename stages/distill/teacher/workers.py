"""Calls in flight: a thread with an event loop that asks, retries, stores, and hands back.

The thread runs beside the caller, so that a slow consumer neither stalls calls in flight nor lets them time out. An
answer is handed back only after it is stored.
"""

from __future__ import annotations

import asyncio
import queue
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from itertools import islice
from typing import Any

from distill.teacher.batch_ledger import batches_of
from distill.teacher.budget import Budget, BudgetReached
from distill.teacher.client import CallResult
from distill.teacher.exchange import TeacherError, Usage
from distill.teacher.failures import RECORDED, Symptom, describe_failure, judge_failure, recorded_body, symptom_of_error
from distill.teacher.limits import Pace, pause_warning
from distill.teacher.reading import PASSING, Reading, Unusable, read_completion
from distill.teacher.reservations import settle_dead
from distill.teacher.session import Done, Job, Session, SpentCall, Stopped
from distill.teacher.store import LEASE_S, Answer, Store, Stored
from distill.teacher.tokens import usage_or_count
from distill.teacher.writing import Writer

_FIRST_RETRY_S, _RETRY_FACTOR, _LONGEST_RETRY_S = 0.1, 3.0, 60.0
_LOOK_AGAIN_S = 0.25  # at answers that another process is asking for, and at a budget that others hold
_FIRST_CALLS = 2  # in flight, under a budget of tokens or dollars, before an answer has come
_HOPELESS = 30  # answers that cannot be used, and none that can: no more is asked again
_FIXED_RETRIES = 1  # at temperature 0 the same answer comes again, but for a server's hiccup
_NO_USAGE = Usage()
_BILLED_UNSEEN = frozenset(("timeout", "cut", "torn", "oversized"))  # the server may have answered, and then it bills


class Workers:
    """`submit` jobs, `take` what is done, `stop` early or `close` at the end; from one thread.

    `window` is how many jobs are to be submitted before something is taken.
    """

    def __init__(self, session: Session):
        self._session, self._runtime = session, session.runtime
        self.retried: Counter[str] = Counter()
        self.warnings: deque[tuple[str, str]] = deque()
        self.window = max(256, 4 * self._runtime.concurrency)
        self.budget_left: str | None = None
        self.note: str | None = None
        self._client = session.client()
        self._out: queue.SimpleQueue[list[Done | SpentCall] | Stopped] = queue.SimpleQueue()
        self._ready: deque[Job] = deque()
        self._elsewhere: dict[bytes, Job] = {}
        self._delayed: dict[Job, asyncio.TimerHandle] = {}
        self._in_flight: dict[asyncio.Task[None], Job] = {}
        self._given_up: list[Job] = []
        self._timer: asyncio.TimerHandle | None = None
        self._polling, self._stopping = False, True  # until everything is set up
        self._answered = self._unusable = self._torn = 0
        self._useful = False
        self._error: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._life = self._loop.create_task(self._live())  # runs first, before anything that is submitted
        self._thread = threading.Thread(target=self._run, name="teacher", daemon=True)
        self._thread.start()

    # Called from the caller's thread.

    def submit(self, jobs: Sequence[Job]) -> None:
        self._call_soon(self._accept, jobs)

    def flush(self, *, final: bool) -> None:
        """Nothing to do: what is submitted is asked at once."""

    def take(self, timeout_s: float) -> list[Done | SpentCall] | Stopped:
        """Waits for whatever is done next; an empty list after `timeout_s` without anything."""
        try:
            return self._out.get(timeout=timeout_s)
        except queue.Empty:
            return []

    def stop(self, *, now: bool = False) -> None:
        """Starts no further call and, once those in flight are stored (or cut off, if `now`), hands back Stopped."""
        self._call_soon(self._stop, None, now)

    def close(self) -> None:
        """Ends the thread. Waits for what is in flight."""
        self.stop()
        self._thread.join()

    def _call_soon(self, function: Callable[..., None], *arguments: object) -> None:
        # A loop that has ended has handed back Stopped, which the caller is about to take.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)

    # Called within the thread.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(self._broken)
        try:
            self._loop.run_until_complete(self._life)
        except BaseException as error:  # whatever happened here must reach the caller, who waits
            self._out.put(Stopped(error))
        finally:
            self._loop.close()

    def _broken(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        # A callback of ours that raises must not leave the caller waiting for ever.
        if "handle" in context and isinstance(context.get("exception"), Exception):
            self._stop(context["exception"])
        else:
            loop.default_exception_handler(context)

    async def _live(self) -> None:
        runtime = self._runtime
        self._pace = Pace(
            runtime.concurrency, runtime.requests_per_minute, runtime.tokens_per_minute, self._loop.time()
        )
        self._ended = asyncio.Event()
        with Store(self._session.store) as self._store:
            self._budget = Budget(self._session, self._store)
            self.budget_left = self._budget.left()
            self._writer = Writer(self._session, self._budget, self._saved, self._stop)
            with closing(self._writer):
                async with self._client:
                    renewing = self._loop.create_task(self._renew())
                    self._stopping = False
                    await self._ended.wait()
                    renewing.cancel()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            try:
                self._store.renew()
            except TeacherError as error:
                self._stop(error)

    def _accept(self, jobs: Sequence[Job]) -> None:
        if self._stopping:
            return
        keys = [job.key for job in jobs]
        try:
            batched = batches_of(self._store, keys)
            if batched:
                raise TeacherError(
                    f"{len(batched)} or more rows are in a batch that is not fetched yet: set teacher.mode to batch to "
                    "fetch it, or cancel it with `python stages/batch.py cancel`"
                )
            killed = settle_dead(self._store)
            if killed:
                self.warnings.append(("killed", f"{killed:,} calls of a killed run count at the most they may cost"))
            claimed = self._store.claim(keys)
        except TeacherError as error:
            self._stop(error)
            return
        by_key = {job.key: job for job in jobs}
        self._ready.extend(by_key[key] for key in claimed.granted)
        self._elsewhere.update((key, by_key[key]) for key in claimed.taken)
        if claimed.answered:
            self._out.put([Done(by_key[key], stored) for key, stored in claimed.answered.items()])
        if self._elsewhere and not self._polling:
            self._polling = True
            self._loop.call_later(_LOOK_AGAIN_S, self._look_again)
        self._pump()

    def _look_again(self) -> None:
        self._polling = False
        jobs = list(self._elsewhere.values())
        self._elsewhere.clear()
        if jobs:
            self._accept(jobs)

    def _pump(self) -> None:
        # Answers not yet committed count as in flight: that many, and no more, a killed process would pay again.
        if self._timer:
            self._timer.cancel()
            self._timer = None
        while self._ready and not self._stopping and self._pace.room(len(self._in_flight) + len(self._writer)):
            wait = self._pace.wait(self._loop.time())
            if wait > 0:
                self._timer = self._loop.call_later(wait, self._pump)
                return
            if self._budget.by_size and len(self._in_flight) >= _FIRST_CALLS + 2 * self._answered:
                break
            if not self._ready[0].held and not self._reserve():
                break
            self._start(self._ready.popleft())
        if self._stopping and not self._in_flight and not len(self._writer) and not self._ended.is_set():
            self._end()

    def _reserve(self) -> bool:
        """Holds back the budget of the next calls, as many as may start now; False where the first does not fit."""
        room = max(1, int(self._pace.limit) - len(self._in_flight) - len(self._writer))
        if self._budget.by_size:  # what an answer takes is known from the first ones: until then few are in flight
            room = max(1, min(room, _FIRST_CALLS + 2 * self._answered - len(self._in_flight)))
        jobs = [job for job in islice(self._ready, room) if not job.held]
        fitting = self._budget.reserve(jobs)
        for job in jobs[:fitting]:
            job.held = True
        if fitting or self._in_flight or len(self._writer) or self._delayed:
            return fitting > 0  # what is in flight may cost less than is held back for it
        if self._budget.others:
            self.warnings.append(
                ("budget", f"other processes hold the rest of {self._budget.exceeded}: waiting for them")
            )
            self._timer = self._loop.call_later(_LOOK_AGAIN_S, self._pump)
        else:
            self._stop(BudgetReached(f"the next call could pass {self._budget.exceeded}"))
        return False

    def _start(self, job: Job) -> None:
        self._pace.start(job.expected_in + job.expected_out)
        job.attempts += 1
        job.started = self._loop.time()
        task = self._loop.create_task(self._call(job))
        self._in_flight[task] = job
        task.add_done_callback(self._landed)

    async def _call(self, job: Job) -> None:
        asked_at = time.time()
        outcome = await self._client.send(job.body, job.requests[0].sample)
        if outcome.symptom is not None:
            self._failed(job, outcome, outcome.symptom, asked_at)
            return
        try:
            reading = read_completion(outcome.body)
        except Unusable as error:
            symptom = symptom_of_error(error.error) if error.broke == "error" else None
            symptom = symptom or Symptom(broke=error.broke, message=str(error))
            self._failed(job, outcome, symptom, asked_at, error.usage)
            return
        self._answer(job, outcome, reading, asked_at)

    def _landed(self, task: asyncio.Task[None]) -> None:
        job = self._in_flight.pop(task)
        if task.cancelled():  # by a second Ctrl-C; the server may go on, and bill it
            self._spend(job, Symptom(broke="cut"), _NO_USAGE, None)
            self._given_up.append(job)
        elif task.exception() is not None:
            self._given_up.append(job)
            self._stop(task.exception())
        self._pump()

    def _answer(self, job: Job, outcome: CallResult, reading: Reading, asked_at: float) -> None:
        request = job.requests[0]
        usage = usage_or_count(reading.usage, request.messages, reading.text, request.model)
        self._answered += 1
        self._budget.heed(job, usage)
        used = (usage.tokens_in or 0) + (usage.tokens_out or 0)
        paused = self._pace.answered(outcome.headers, job.expected_in + job.expected_out, used, self._loop.time())
        self.warnings.extend(pause_warning(paused))
        self.warnings.extend((text[:30], f"{request.model}: {text}") for text in reading.odd)
        if reading.model and not _same_model(request.model, reading.model):
            who = f"asked for {request.model!r}, and the server says that {reading.model[:100]!r} answered"
            self.warnings.append((reading.model, f"{who}: see that this is the model you mean"))
        if reading.failure in PASSING:
            job.unusable, self._unusable = job.unusable + 1, self._unusable + 1
            if self._worth_asking_again(job):
                name = judge_failure(Symptom(broke=reading.failure)).name
                self.retried[name] += 1
                self._writer.book(SpentCall(job, usage, lost=False, again_s=self._backoff(job)))
                return
        self._useful = self._useful or reading.failure not in PASSING
        stored = Stored(reading.text, reading.finish_reason, reading.failure, reading.model, usage, reading.logprob)
        self._writer.keep(
            Done(job, stored, paid=True), self._provenance(job, stored, outcome.body, reading.fingerprint, asked_at)
        )

    def _worth_asking_again(self, job: Job) -> bool:
        """Whether an answer that cannot be used may come out better: at temperature 0, once at most; never where none
        has been of use so far."""
        if not self._useful and self._unusable > _HOPELESS:
            return False
        most = _FIXED_RETRIES if job.requests[0].temperature == 0 else self._runtime.max_retries
        return job.unusable <= most and job.attempts <= self._runtime.max_retries

    def _provenance(self, job: Job, stored: Stored, body: bytes, fingerprint: str | None, asked_at: float) -> Answer:
        request = job.requests[0]
        return Answer(
            stored, self._session.endpoint, request.model, request.sample, request.purpose, fingerprint,
            asked_at, time.time(), job.attempts, job.body, body,
        )  # fmt: skip

    def _failed(
        self, job: Job, outcome: CallResult, symptom: Symptom, asked_at: float, usage: Usage = _NO_USAGE
    ) -> None:
        failure = judge_failure(symptom, self._session.row_errors)
        why = describe_failure(failure, symptom)
        if failure.action == "record":
            paid = usage if usage.tokens_from else _unseen(job, symptom)
            stored = Stored(None, None, RECORDED[failure.name], None, paid)
            body = recorded_body(outcome.body, symptom)
            self._writer.keep(Done(job, stored, paid=True), self._provenance(job, stored, body, None, asked_at))
            return
        again = failure.action == "retry" and job.attempts <= self._runtime.max_retries
        pause = self._backoff(job)
        if failure.name == "rate limit":
            pause += (asked_for := self._pace.throttled(outcome.headers, job.started, self._loop.time()))
            self.warnings.extend(pause_warning(asked_for))
        self._spend(job, symptom, usage, pause if again else None)
        self._torn += symptom.broke == "torn"
        if self._torn == _HOPELESS and not self._useful:
            self._given_up.append(job)
            self._stop(
                TeacherError(
                    f"{self._session.endpoint}: {_HOPELESS} answers are no completions, and none is: {why}. What to "
                    "do: see that teacher.base_url is the address of an OpenAI chat API (it usually ends in /v1)"
                )
            )
            return
        if failure.action == "stop":
            self._given_up.append(job)
            self._stop(TeacherError(f"row {job.requests[0].row_id!r}: {why}. What to do: {failure.advice}"))
            return
        if failure.advice:
            note = f"Such calls are asked again (runtime.max_retries: {self._runtime.max_retries})"
            self.warnings.append((failure.name, f"{why}. {note}. If it goes on, {failure.advice}"))
        if again:
            self.retried[failure.name] += 1
        elif symptom.broke in ("connection", "cut") and not self._answered:
            self._given_up.append(job)
            self._stop(
                TeacherError(
                    f"{self._session.endpoint}: {why}. What to do: start the server, or check teacher.base_url"
                )
            )
        else:
            self._writer.keep(Done(job, None, why=f"{why}, {job.attempts} attempts"), None)

    def _spend(self, job: Job, symptom: Symptom, usage: Usage, again_s: float | None) -> None:
        """Books a call that brought no answer, and has it made again; one that nobody bills keeps what is held back."""
        if usage.tokens_from is not None:
            self._writer.book(SpentCall(job, usage, lost=False, again_s=again_s))
        elif symptom.broke in _BILLED_UNSEEN:
            self._writer.book(SpentCall(job, _unseen(job, symptom), lost=True, again_s=again_s))
        elif again_s is not None:
            self._retry_later(job, again_s)

    def _backoff(self, job: Job) -> float:
        longest = min(_LONGEST_RETRY_S, _FIRST_RETRY_S * _RETRY_FACTOR ** (job.attempts - 1))
        return longest * random.uniform(0.5, 1.0)

    def _retry_later(self, job: Job, delay: float) -> None:
        self._delayed[job] = self._loop.call_later(delay, self._retry, job)

    def _retry(self, job: Job) -> None:
        del self._delayed[job]
        self._ready.appendleft(job)
        self._pump()

    def _saved(self, batch: list[Done | SpentCall]) -> None:
        self.budget_left = self._budget.left()
        for spent in batch:
            self._budget.forget(spent.job)
            if isinstance(spent, SpentCall):
                spent.job.held = False
                if spent.again_s is not None:
                    self._retry_later(spent.job, spent.again_s)
        self._out.put(batch)
        self._pump()

    def _stop(self, error: BaseException | None, now: bool = False) -> None:
        self._error = self._error or error
        self._stopping = True
        if now:
            for task in self._in_flight:
                task.cancel()
        self._pump()

    def _end(self) -> None:
        for timer in self._delayed.values():
            timer.cancel()
        given_up = [*self._given_up, *self._ready, *self._delayed]
        try:
            if given_up:
                self._store.save((), (), [job.key for job in given_up])
        except TeacherError as error:
            self._error = self._error or error
        self._out.put(Stopped(self._writer.with_losses(self._error)))
        self._ended.set()


def _unseen(job: Job, symptom: Symptom) -> Usage:
    """The tokens of a call that tells none: the most that it may have used, where the server may have answered."""
    answered = symptom.broke in _BILLED_UNSEEN
    return Usage(job.expected_in if answered else 0, 0, job.expected_out if answered else 0, "estimate")


def _same_model(wanted: str, answered: str) -> bool:
    """Whether a server's name for the model fits the one that was asked for, but for a date, vendor, path or file."""
    both = (name.lower().rpartition("/")[2] for name in (wanted, answered))
    short, longer = sorted(both, key=len)
    return short in longer
