"""Asking through the provider's Batch API: half the price, within a day. Takes the place of the workers."""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from distill.teacher.batch_api import BatchApi, BatchResult, BatchState, NoBatches
from distill.teacher.batch_ledger import (
    BatchRequest,
    OpenBatch,
    batches_of,
    claim_of,
    forget_batch,
    open_batches,
    record_batch,
    record_batch_id,
    requests_of,
    settle_lost_batches,
)
from distill.teacher.budget import Budget, BudgetReached
from distill.teacher.exchange import TeacherError, Usage
from distill.teacher.failures import (
    RECORDED,
    Symptom,
    describe_failure,
    judge_failure,
    recorded_body,
    symptom_of_error,
    symptom_of_status,
)
from distill.teacher.reading import Unusable, read_completion
from distill.teacher.reservations import settle_dead
from distill.teacher.session import Done, Job, Session, SpentCall, Stopped
from distill.teacher.store import LEASE_S, Answer, Store, Stored
from distill.teacher.tokens import estimate_prompt, usage_or_count
from distill.teacher.workers import Workers
from distill.teacher.writing import Bought, bought_answer, payments_for

BATCH_ROWS = 20_000  # of one batch; OpenAI takes 50,000 rows and 200 MB
_AT_ONCE = 10  # batches under way: what bounds the memory
_SAVED_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """An answer to store, or why there is none, and the usage that is billed all the same. `stop`: every other call
    would fail as well."""

    answer: Answer | None
    why: str | None = None
    stop: bool = False
    usage: Usage = field(default_factory=Usage)


def read_result(
    result: BatchResult, request: BatchRequest, batch: OpenBatch, row_errors: Sequence[str] = ()
) -> BatchOutcome:
    """What one line of a batch comes to, by the table of failures that live calls follow."""
    usage = Usage()
    if result.status is not None and 200 <= result.status < 300:
        try:
            reading = read_completion(result.body)
        except Unusable as error:
            usage = error.usage
            symptom = Symptom(broke=error.broke, message=str(error))
            if error.broke == "error":
                symptom = symptom_of_error(error.error)
        else:
            messages = json.loads(request.request)["messages"]
            used = usage_or_count(reading.usage, messages, reading.text, request.model)
            stored = Stored(
                reading.text, reading.finish_reason, reading.failure, reading.model, used, reading.logprob, "batch"
            )
            return BatchOutcome(_answer(stored, result, request, batch, reading.fingerprint))
    elif result.status is None:
        symptom = Symptom(broke=result.broke, message=result.message)
    else:
        symptom = symptom_of_status(result.status, result.body)
    failure = judge_failure(symptom, row_errors)
    if failure.action == "record":
        usage = usage if usage.tokens_from else _unread(request, symptom)
        stored = Stored(None, None, RECORDED[failure.name], None, usage, mode="batch")
        body = recorded_body(result.body, symptom)
        return BatchOutcome(_answer(stored, replace(result, body=body), request, batch, None))
    why = describe_failure(failure, symptom)
    stop = failure.action == "stop"
    return BatchOutcome(None, f"{why}. What to do: {failure.advice}" if stop else why, stop, usage)


def _unread(request: BatchRequest, symptom: Symptom) -> Usage:
    """The tokens of a row whose answer was not read: none, or, where there was one, the most that it may have used."""
    if symptom.broke != "oversized":
        return Usage(0, 0, 0, "estimate")
    sent = json.loads(request.request)
    out = sent.get("max_tokens") or sent.get("max_completion_tokens") or 0
    return Usage(estimate_prompt(sent["messages"]), 0, out, "estimate")


def _answer(
    stored: Stored, result: BatchResult, request: BatchRequest, batch: OpenBatch, fingerprint: str | None
) -> Answer:
    return Answer(
        stored, batch.endpoint, request.model, request.sample, request.purpose, fingerprint,
        batch.created_at, time.time(), 1, request.request, result.body,
    )  # fmt: skip


@dataclass
class _Awaited:
    """A batch that is waited for."""

    open: OpenBatch
    next_look: float = 0.0
    state: str = ""
    jobs: dict[bytes, Job] = field(default_factory=dict)
    answered: set[bytes] = field(default_factory=set)


class Batches:
    """`submit` jobs, `flush` when no more come for now, `take` what is done; from one thread. See Workers."""

    window = _AT_ONCE * BATCH_ROWS

    def __init__(self, session: Session):
        self._session, self._runtime = session, session.runtime
        self.budget_left: str | None = None
        self.note: str | None = None
        self.retried: Counter[str] = Counter()
        self.warnings: deque[tuple[str, str]] = deque()
        self._api: BatchApi = session.batch_api()
        self._out: queue.SimpleQueue[list[Done | SpentCall] | Stopped] = queue.SimpleQueue()
        self._inbox: queue.SimpleQueue[list[Job] | bool] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._unsent: list[Job] = []
        self._elsewhere: list[Job] = []
        self._waiting: dict[str, _Awaited] = {}
        self._live: Workers | None = None
        self._quiet = self._final = self._stopping = False
        self._thread = threading.Thread(target=self._run, name="batches", daemon=True)
        self._thread.start()

    # Called from the caller's thread.

    def submit(self, jobs: Sequence[Job]) -> None:
        self._inbox.put(list(jobs))
        self._wake.set()

    def flush(self, *, final: bool) -> None:
        """No more jobs come for now (`final`: at all), so that what is there is sent, or waited for."""
        self._inbox.put(final)
        self._wake.set()

    def take(self, timeout_s: float) -> list[Done | SpentCall] | Stopped:
        """Waits for whatever is done next; an empty list after `timeout_s` without anything."""
        try:
            return self._out.get(timeout=timeout_s)
        except queue.Empty:
            return self._live.take(0) if self._live else []

    def stop(self, *, now: bool = False) -> None:
        """Stops waiting; batches that were sent go on at the provider."""
        self._stopping = True
        if self._live:
            self._live.stop(now=now)
        self._wake.set()

    def close(self) -> None:
        """Ends the thread."""
        self.stop()
        self._thread.join()
        if self._live:
            self._live.close()

    # Called within the thread.

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            with Store(self._session.store) as self._store:
                self._budget = Budget(self._session, self._store)
                self.budget_left = self._budget.left()
                settle_lost_batches(self._store, self._session.endpoint, self._api.find)
                while not self._stopping and self._live is None:
                    self._wake.clear()
                    self._read_inbox()
                    while len(self._unsent) >= BATCH_ROWS or (self._final and self._unsent):
                        if not self._send():
                            break
                    if self._quiet:  # an answer fetched before its row is submitted would count as saved
                        for waiting in list(self._waiting.values()):
                            self._look(waiting)
                        self._look_elsewhere()
                    if self._live is None:
                        self._wake.wait(self._pause())
                self._release([*self._unsent, *self._elsewhere])
        except BaseException as raised:  # whatever happened here must reach the caller, who waits
            error = raised
        finally:
            self._api.close()
        if self._live is None:
            numbers = ", ".join(waiting.open.id or "" for waiting in self._waiting.values())
            if numbers:
                self.note = f"{numbers} goes on at the provider; `python stages/batch.py cancel ID` stops it"
            self._out.put(Stopped(error))

    def _pause(self) -> float:
        if self._final and self._unsent and not self._waiting:
            return 0.0
        looks = [waiting.next_look for waiting in self._waiting.values()]
        if self._elsewhere:
            looks.append(time.monotonic() + self._runtime.batch_poll_s)
        soonest = min(looks, default=time.monotonic() + LEASE_S / 3)
        self._store.renew()
        return max(0.0, min(soonest - time.monotonic(), LEASE_S / 3))

    def _read_inbox(self) -> None:
        while True:
            try:
                jobs = self._inbox.get_nowait()
            except queue.Empty:
                return
            if isinstance(jobs, bool):
                self._quiet, self._final = True, jobs
            else:
                self._quiet = False
                self._accept(jobs)

    def _accept(self, jobs: Sequence[Job]) -> None:
        """Sorts jobs: in a batch already, answered meanwhile, asked by another process, or to be sent."""
        batches = {batch.number: batch for batch in open_batches(self._store, self._session.endpoint)}
        numbers = batches_of(self._store, [job.key for job in jobs])
        new = []
        for job in jobs:
            number = numbers.get(job.key)
            if number in batches:
                self._waiting.setdefault(number, _Awaited(batches[number])).jobs[job.key] = job
            else:
                new.append(job)
        settle_dead(self._store)
        claimed, by_key = self._store.claim([job.key for job in new]), {job.key: job for job in new}
        self._unsent += [by_key[key] for key in claimed.granted]
        self._elsewhere += [by_key[key] for key in claimed.taken]
        if claimed.answered:
            self._out.put([Done(by_key[key], stored) for key, stored in claimed.answered.items()])

    def _look_elsewhere(self) -> None:
        jobs, self._elsewhere = self._elsewhere, []
        if jobs:
            self._accept(jobs)

    def _send(self) -> bool:
        """Sends a batch of as many jobs as the budget allows; the others wait. False where nothing was sent."""
        fitting = self._unsent[: self._budget.reserve(self._unsent[:BATCH_ROWS])]
        if not fitting:
            if not self._waiting:
                raise BudgetReached(f"the next call could pass {self._budget.exceeded}")
            return False
        number = uuid.uuid4().hex
        self._store.claim([claim_of(number)])  # so that no other process takes it for one that was lost
        record_batch(self._store, number, self._session.endpoint, self._session.stage, fitting)
        try:
            batch_id = self._api.create(number, ((job.key, job.body) for job in fitting))
        except NoBatches as error:
            forget_batch(self._store, number)
            self._go_live(str(error))
            return False
        except TeacherError:
            # A refused batch was not made; after a cut connection the next run looks for it.
            if self._api_says_no(number):
                forget_batch(self._store, number)
            raise
        record_batch_id(self._store, number, batch_id)
        self._store.save((), (), [claim_of(number)])
        self._unsent = self._unsent[len(fitting) :]
        opened = next(batch for batch in open_batches(self._store, self._session.endpoint) if batch.number == number)
        self._waiting[number] = _Awaited(opened, jobs={job.key: job for job in fitting})
        self._say(f"batch {batch_id}: {len(fitting):,} rows sent; it may take a day, and a later run fetches it, too")
        return True

    def _api_says_no(self, number: str) -> bool:
        try:
            return self._api.find(number) is None
        except TeacherError:
            return False

    def _go_live(self, why: str) -> None:
        self._say(f"{why}: asking live, at the full price")
        jobs, self._unsent = [*self._unsent, *self._elsewhere], []
        self._elsewhere = []
        self._live = live = Workers(replace(self._session, mode="live"))
        self.retried, self.warnings = live.retried, live.warnings
        live.submit(jobs)

    def _look(self, waiting: _Awaited) -> None:
        if time.monotonic() < waiting.next_look:
            return
        waiting.next_look = time.monotonic() + self._runtime.batch_poll_s
        answers = self._store.lookup(list(waiting.jobs))
        if answers:  # another process fetched the batch
            self._out.put([Done(waiting.jobs.pop(key), stored) for key, stored in answers.items()])
        still = [
            batch for batch in open_batches(self._store, self._session.endpoint) if batch.number == waiting.open.number
        ]
        if not still or not waiting.jobs:
            del self._waiting[waiting.open.number]
            self._accept(list(waiting.jobs.values()))
            return
        waiting.open = still[0]
        if waiting.open.id is None:  # another process is just sending it
            return
        state = self._api.state(waiting.open.id)
        line = f"batch {state.id}: {state.status}, {state.done:,}/{state.total:,} rows"
        if line != waiting.state:
            waiting.state = line
            self._say(line)
        if state.ended and self._store.claim([claim_of(waiting.open.number)]).granted:
            self._fetch(waiting, state)

    def _fetch(self, waiting: _Awaited, state: BatchState) -> None:
        """Stores all answers of a batch, those that nobody here waits for among them, and drops the batch."""
        sent, results, stops = requests_of(self._store, waiting.open.number), self._api.results(state), []
        while batch := list(islice(results, _SAVED_AT_ONCE)):
            ours = [result for result in batch if result.key in sent]
            if len(ours) < len(batch):
                self.warnings.append(("stray", f"batch {state.id}: {len(batch) - len(ours)} lines answer no row of it"))
            stops += self._save(ours, sent, waiting)
        rest = [
            Done(job, None, why=f"batch {state.status}: {state.why or 'no result for this row'}")
            for job in waiting.jobs.values()
        ]
        forget_batch(self._store, waiting.open.number)
        self._store.save((), (), [claim_of(waiting.open.number)])
        del self._waiting[waiting.open.number]
        self._hand_back(rest)
        if stops:
            raise TeacherError(stops[0])

    def _save(self, results: Sequence[BatchResult], sent: dict[bytes, BatchRequest], waiting: _Awaited) -> list[str]:
        """Stores answers with their payments and hands back the jobs that wait. Returns the reasons to stop the run."""
        answers, bought, ended, stops = [], [], [], []
        before = self._store.lookup([result.key for result in results])
        for result in results:
            request = sent[result.key]
            outcome = read_result(result, request, waiting.open, self._session.row_errors)
            new = outcome.answer is not None and result.key not in before
            if result.key in waiting.answered:
                self.warnings.append(("twice", f"batch {waiting.open.id} answers a row twice: the first answer counts"))
            if new:
                answers.append((result.key, outcome.answer))
                bought.append(bought_answer(outcome.answer))
                before[result.key] = outcome.answer.stored
            elif outcome.usage.tokens_from:
                bought.append(Bought(request.model, outcome.usage, "batch"))
            if outcome.stop:
                stops.append(outcome.why or "")
            waiting.answered.add(result.key)
            job = waiting.jobs.pop(result.key, None)
            if job and outcome.usage.tokens_from:
                ended.append(SpentCall(job, outcome.usage, lost=False, again_s=None))
            if job and not outcome.stop:
                ended.append(Done(job, before.get(result.key), paid=new, why=outcome.why))
        self._store.save(answers, payments_for(self._session, waiting.open.stage, bought))
        self._budget.update()
        self._hand_back(ended)
        return stops

    def _hand_back(self, done: list[Done | SpentCall]) -> None:
        self.budget_left = self._budget.left()
        if done:
            self._out.put(done)

    def _release(self, jobs: Sequence[Job]) -> None:
        if jobs:
            self._store.save((), (), [job.key for job in jobs])

    def _say(self, line: str) -> None:
        print(f"{self._session.stage}: {line}", file=sys.stderr, flush=True)
