"""One pass over requests: the store answers what it has, the endpoint the rest; replies come in any order."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sized
from itertools import islice

from distill.interrupts import Interrupts
from distill.progress import Progress
from distill.teacher.batches import Batches
from distill.teacher.budget import BudgetReached, check_prices
from distill.teacher.exchange import Reply, Request, TeacherError, Token, Usage
from distill.teacher.keys import SeenKeys, request_body, request_key
from distill.teacher.money import Bill, Estimate, cost, dollars
from distill.teacher.reading import answer_thought, answer_tokens
from distill.teacher.reserve import AnswersLost
from distill.teacher.session import Done, Job, Session, SpentCall, Stopped
from distill.teacher.store import Store, Stored
from distill.teacher.tokens import estimate_prompt
from distill.teacher.workers import Workers

_BATCH = 256
_WAIT_S = 0.5  # between looks at the clock for the progress line
_NAMED = 5  # rows named in a message
_STOPPING = "\nstopping: calls in flight are finished and stored; Ctrl-C again stops at once"


class Books:
    """What all passes of one open teacher share: the store, the bill, and what was said already."""

    def __init__(self, session: Session):
        self.session = session
        self.store = Store(session.store, read_only=session.runtime.offline)
        self.counted = SeenKeys()
        self.versions: dict[str, Counter[str]] = {}
        self.bill = Bill(estimate=Estimate(session.runtime.prices, session.mode))
        self.warned: set[str] = set()
        self._usual: dict[tuple[str, str], float | None] = {}

    def close(self) -> None:
        """Closes the store, and warns where the answers for one model come from more than one version of it."""
        self.store.close()
        for model, versions in self.versions.items():
            if len(versions) > 1:
                self.say(
                    f"warning: the answers of {model} come from more than one version of it ({_counted(versions)}); "
                    "`python stages/drift.py` compares"
                )

    def say(self, line: str) -> None:
        print(f"{self.session.stage}: {line}", file=sys.stderr, flush=True)

    def usual_out(self, request: Request) -> float | None:
        """Mean tokens of the answers that the store had for this model and purpose at first; None without any."""
        kind = (request.model, request.purpose)
        if kind not in self._usual:
            self._usual[kind] = self.store.usual_out(*kind)
        return self._usual[kind]


class Asking:
    """One pass over an iterable of requests."""

    def __init__(self, books: Books, requests: Iterable[Request], total: int | None, title: str):
        self._books, self._session = books, books.session
        if total is None and isinstance(requests, Sized):
            total = len(requests)
        name = f"{self._session.stage}, {title}" if title else self._session.stage
        self._progress = Progress(name, total, details=self._details)
        self._without_answer = 0
        self._requests = iter(requests)
        self._workers: Workers | Batches | None = None
        self._pending: dict[bytes, Job] = {}
        self._why: Counter[str] = Counter()
        self._priced: set[str] = set()

    def run(self) -> Iterator[Reply]:
        """The replies. A signal raises KeyboardInterrupt once what is in flight is stored."""
        with Interrupts(self._stop, _STOPPING) as interrupts:
            try:
                yield from self._rounds(interrupts)
            finally:
                self._close()
            if interrupts.count:
                raise KeyboardInterrupt(interrupts.number)

    def _rounds(self, interrupts: Interrupts) -> Iterator[Reply]:
        size, more = 16, True
        while more or self._pending:
            if interrupts.count:
                self._stop(interrupts.count)  # a signal may have come before there was anything to stop
            done: list[Done | SpentCall] | Stopped = []
            if interrupts.count and not self._workers:
                done = Stopped(None)
            elif more and not interrupts.count and (not self._workers or len(self._pending) < self._workers.window):
                batch = list(islice(self._requests, size))
                more, size = bool(batch), min(_BATCH, 2 * size)
                for answer in self._from_store(batch):
                    self._progress.skip()
                    yield answer
                if self._workers:
                    if not more or len(self._pending) >= self._workers.window:
                        self._workers.flush(final=not more)
                    done = self._workers.take(0)
            elif self._workers:
                done = self._workers.take(_WAIT_S)
            if isinstance(done, Stopped):
                self._ended(done, interrupts)
            for finished in done:
                if isinstance(finished, SpentCall):
                    self._spend(finished)
                    continue
                for answer in self._replies(finished):
                    self._progress.done += 1
                    yield answer
            self._warn()
            self._progress.tick()

    def _close(self) -> None:
        if self._workers:
            self._workers.close()
            # What was in flight is stored by now: it is paid, also where nobody asks for it any more.
            while (done := self._workers.take(0)) and not isinstance(done, Stopped):
                self._count(done)
        self._progress.close()
        if self._workers and self._workers.retried:
            self._books.say(f"asked again: {_counted(self._workers.retried)}")
        if self._why:
            self._books.say(f"{self._why.total()} rows without a usable answer: {_counted(self._why)}")

    def _count(self, done: list[Done | SpentCall]) -> None:
        for finished in done:
            if isinstance(finished, SpentCall):
                self._spend(finished)
            elif finished.job.key in self._pending:
                list(self._replies(finished))

    def _details(self) -> Iterator[str]:
        """What a line of progress says beside rows, rate and time left."""
        bill, workers = self._books.bill, self._workers
        yield f"{bill.paid.tokens_in:,} tokens in, {bill.paid.tokens_out:,} out"
        yield f"{dollars(bill.paid.usd)} paid, {dollars(bill.saved.usd)} saved"
        if workers and workers.retried:
            yield f"{workers.retried.total():,} asked again"
        if self._without_answer:
            yield f"{self._without_answer:,} without an answer"
        if workers and workers.budget_left is not None:
            yield f"budget: {workers.budget_left} left"

    def _warn(self) -> None:
        """Says once, when it begins, that calls fail in a way that waiting may not mend."""
        while self._workers and self._workers.warnings:
            name, warning = self._workers.warnings.popleft()
            if name not in self._books.warned:
                self._books.warned.add(name)
                self._progress.say(f"{self._session.stage}: {warning}")

    def _stop(self, signals: int) -> None:
        if self._workers:
            self._workers.stop(now=signals > 1)

    def _from_store(self, batch: list[Request]) -> Iterator[Reply]:
        keys_and_bodies = [key_and_body(self._session, request) for request in batch]
        answers = self._books.store.lookup([key for key, _ in keys_and_bodies])
        jobs = []
        for request, (key, body) in zip(batch, keys_and_bodies, strict=True):
            if key in answers:
                yield self._reply(key, request, answers[key], paid=False)
            elif key in self._pending:
                self._pending[key].requests.append(request)
            else:
                self._check(request)
                self._books.usual_out(request)  # noted before the first answer, as an estimate must be
                job = Job(key, body, [request], estimate_prompt(request.messages), request.max_tokens)
                self._pending[key] = job
                jobs.append(job)
        if jobs:
            self._progress.working = True
            if self._workers is None:
                self._workers = Batches(self._session) if self._session.mode == "batch" else Workers(self._session)
            self._workers.submit(jobs)

    def _check(self, request: Request) -> None:
        if self._session.runtime.offline:
            raise TeacherError(
                f"row {request.row_id!r} ({request.purpose}, {request.model}) has no answer in {self._session.store}, "
                "and runtime.offline is true: set it to false to ask, or import the answers with "
                "`python stages/store.py import`"
            )
        if request.model not in self._priced:
            check_prices(self._session.runtime, request.model)
            self._priced.add(request.model)

    def _replies(self, done: Done) -> Iterator[Reply]:
        del self._pending[done.job.key]
        for request in done.job.requests:
            if done.stored is not None:
                yield self._reply(done.job.key, request, done.stored, paid=done.paid)
            else:
                self._why[(done.why or "").split(":")[0].split(" (")[0]] += 1
                self._without_answer += 1
                yield Reply(request.row_id, request.sample, None, None, None, Usage(), f"failed: {done.why}", False)

    def _spend(self, spent: SpentCall) -> None:
        model = spent.job.requests[0].model
        usd = cost(spent.usage, model, self._session.runtime.prices, self._session.mode)
        self._books.bill.spend(spent.usage, usd, lost=spent.lost)

    def _reply(self, key: bytes, request: Request, stored: Stored, *, paid: bool) -> Reply:
        books = self._books
        if stored.model is not None:
            books.versions.setdefault(request.model, Counter())[stored.model] += 1
        if books.counted.add(key):
            usd = cost(stored.usage, request.model, self._session.runtime.prices, stored.mode)
            books.bill.add(stored.usage, usd, from_store=not paid)
            if paid and books.bill.estimate:
                books.bill.estimate.add(request, books.usual_out(request))
        if stored.failure is not None:
            self._why[stored.failure] += 1
        elif stored.finish_reason == "length":
            self._why["cut at max_tokens"] += 1
        tokens, thought = (), None
        if self._session.logprobs and stored.logprob is not None:
            tokens = answer_tokens(books.store.body(key))
        if self._session.thoughts and stored.failure is None:
            thought = answer_thought(books.store.body(key))
        return reply(request, stored, paid=paid, tokens=tokens, thought=thought)

    def _ended(self, stopped: Stopped, interrupts: Interrupts) -> None:
        """Raises, with what is stored and what is missing in the message."""
        if stopped.error is not None and not isinstance(stopped.error, TeacherError):
            raise stopped.error
        note = f" {self._workers.note}." if self._workers and self._workers.note else ""
        over_budget = isinstance(stopped.error, BudgetReached)
        advice = "Raise the budget (or set runtime.budget_since) and run again" if over_budget else "Run again"
        answered = self._progress.done - self._without_answer
        lost = self._books.bill.lost or isinstance(stopped.error, AnswersLost)
        again = "what is stored is not paid again" if lost else "nothing is paid twice"
        state = (
            f"{answered:,} rows of this pass are answered and stored; {self._missing()}.{note} "
            f"{advice} to go on: {again}"
        )
        if stopped.error is not None:
            raise type(stopped.error)(f"{stopped.error}. {state}") from stopped.error
        if interrupts.count:
            self._books.say(f"interrupted: {state}")
            raise KeyboardInterrupt(interrupts.number)
        raise RuntimeError("the workers ended without a reason")

    def _missing(self) -> str:
        """The rows without an answer, in words: those in flight and those not read yet, and what they would cost."""
        rest, named = Estimate(self._session.runtime.prices, self._session.mode), []
        batch = [(key, job.requests[0]) for key, job in self._pending.items()]
        while batch:
            answers = self._books.store.lookup([key for key, _ in batch])
            for key, request in batch:
                if key not in answers:
                    rest.add(request, self._books.usual_out(request))
                    named += [request.row_id] if len(named) < _NAMED else []
            batch = [(key_and_body(self._session, request)[0], request) for request in islice(self._requests, _BATCH)]
        if not rest.calls:
            return "none is missing"
        return f"missing: {', '.join(named)}{', …' if rest.calls > _NAMED else ''} ({rest})"


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())


def key_and_body(session: Session, request: Request) -> tuple[bytes, bytes]:
    """The request's key in the store, and the body that is sent."""
    body = request_body(request, session.output_limit, logprobs=session.logprobs)
    return request_key(session.endpoint, body, request.sample), body


def reply(
    request: Request, stored: Stored, *, paid: bool, tokens: tuple[Token, ...] = (), thought: str | None = None
) -> Reply:
    """The reply to one of the requests that a stored answer belongs to."""
    return Reply(
        request.row_id, request.sample, stored.text, stored.finish_reason, stored.model, stored.usage, stored.failure,
        not paid, stored.logprob, stored.mode, tokens, thought,
    )  # fmt: skip
