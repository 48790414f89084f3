"""Whatever mixture of answers and faults a server gives: what is booked is what it billed, no budget is passed, and no
mixture ends in a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from fake_endpoint import FakeEndpoint, Said, completion, error, question
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from distill.teacher import TeacherError, open_teacher
from distill.teacher.store import Store

ROWS = 8
IN, MOST_OUT = 6, 50  # tokens of a prompt of eight bytes with its frame, as they are estimated, and teacher.max_tokens


@dataclass(frozen=True)
class Behaviour:
    """What a server answers, and the tokens in and out that it bills; None: nothing."""

    make: Callable[[], Said]
    billed: tuple[int, int] | None


def changed(said: Said, choice: dict[str, Any] | None = None, **fields: Any) -> Said:
    """A completion with other fields in its first choice and at its top."""
    body = json.loads(said.body)
    body["choices"][0] |= choice or {}
    return replace(said, body=json.dumps(body | fields).encode())


def stopped(reason: str) -> Callable[[], Said]:
    return lambda: completion("Half an", reason)


def usage(**fields: Any) -> dict[str, Any]:
    return {"usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, **fields}}


def no_choices(**fields: Any) -> Said:
    return Said(json.dumps({"choices": [], **fields}).encode())


REPORTED, LOST = (10, 5), (IN, MOST_OUT)
TOOL = {"message": {"content": None, "tool_calls": [{"function": {"name": "answer"}}]}}
THOUGHT = {"message": {"content": "", "reasoning_content": "Let me see."}}
PARTS = {"message": {"content": [{"type": "text", "text": "Answer: "}, {"type": "text", "text": "yes"}]}}
NAN = {"logprobs": {"content": [{"token": "yes", "logprob": float("nan")}]}}
OVERLOADED = {"error": {"code": 503, "message": "overloaded"}}
BEHAVIOURS = {
    "answer": Behaviour(completion, REPORTED),
    "without usage": Behaviour(partial(completion, "four", usage=False), (IN, 1)),
    "thoughts outside completion_tokens": Behaviour(lambda: changed(completion(), **usage(total_tokens=45)), (10, 35)),
    "absurd usage": Behaviour(lambda: changed(completion("four"), **usage(prompt_tokens=-1)), (IN, 1)),
    "usage in words": Behaviour(lambda: changed(completion("four"), usage="ten"), (IN, 1)),
    "NaN": Behaviour(lambda: changed(completion(), NAN), REPORTED),
    "parts": Behaviour(lambda: changed(completion(), PARTS), REPORTED),
    "null": Behaviour(partial(completion, None), REPORTED),
    "empty": Behaviour(partial(completion, ""), REPORTED),
    "thought alone": Behaviour(lambda: changed(completion(), THOUGHT), REPORTED),
    "tool call": Behaviour(
        lambda: changed(
            completion(),
            TOOL,
        ),
        REPORTED,
    ),
    "no choices, billed": Behaviour(lambda: no_choices(**usage()), REPORTED),
    "no choices": Behaviour(no_choices, None),
    "cut at once": Behaviour(partial(completion, None, "length"), REPORTED),
    "window full": Behaviour(stopped("model_context_window_exceeded"), REPORTED),
    "sensitive": Behaviour(stopped("sensitive"), REPORTED),
    "filter": Behaviour(stopped("content_filter"), REPORTED),
    "refusal": Behaviour(partial(completion, None, refusal="I cannot"), REPORTED),
    "broken off": Behaviour(stopped("error"), REPORTED),
    "no resource": Behaviour(stopped("insufficient_system_resource"), REPORTED),
    "error in a 200": Behaviour(lambda: Said(json.dumps(OVERLOADED).encode()), None),
    "billed error in a 200": Behaviour(lambda: Said(json.dumps(OVERLOADED | usage()).encode()), REPORTED),
    "torn": Behaviour(lambda: Said(b'{"choices": [{"mess'), LOST),
    "deep": Behaviour(lambda: Said(b"[" * 200_000), LOST),
    "connection cut": Behaviour(lambda: Said(cut=True), LOST),
    "time-out": Behaviour(lambda: Said(hang=True), LOST),
    "rate limit": Behaviour(partial(error, 429, "rate_limit_exceeded"), None),
    "server error": Behaviour(partial(error, 500), None),
    "a page": Behaviour(lambda: Said(b"<html>Bad Gateway</html>", 502), None),
    # A row's own refusal counts as a call without tokens.
    "content risk": Behaviour(partial(error, 400, "invalid_request_error", "Content Exists Risk"), (0, 0)),
    "too long": Behaviour(partial(error, 400, "context_length_exceeded"), (0, 0)),
    "no credit": Behaviour(partial(error, 402, "", "Insufficient Balance"), None),
    "no parameter": Behaviour(partial(error, 400, "unsupported_parameter", "no seed here"), None),
}
PASSING = sorted(set(BEHAVIOURS) - {"no credit", "no parameter", "time-out"})


def plans(behaviours: list[str]):
    return st.lists(st.lists(st.sampled_from(behaviours), min_size=1, max_size=4), min_size=ROWS, max_size=ROWS)


BUDGETS = st.fixed_dictionaries(
    {},
    optional={
        "budget_calls": st.integers(0, 12),
        "budget_tokens": st.integers(0, 400),
        "budget_usd": st.decimals(0, "0.001", places=6),
    },
)


class Bill:
    """A server that behaves by a plan, row by row, and then answers; it bills each call that it serves."""

    def __init__(self, plans: list[list[str]]):
        self.plans = plans
        self.calls = self.tokens_in = self.tokens_out = 0

    def __call__(self, body: dict[str, Any], times: int) -> Said:
        plan = self.plans[int(body["messages"][-1]["content"][4:])]
        behaviour = BEHAVIOURS[plan[times - 1] if times <= len(plan) else "answer"]
        if behaviour.billed is not None:
            self.calls += 1
            self.tokens_in += behaviour.billed[0]
            self.tokens_out += behaviour.billed[1]
        return behaviour.make()


def booked(path) -> tuple[int, int, int]:
    with Store(path) as store:
        return store.select(
            "SELECT coalesce(sum(calls), 0), coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0) FROM payments"
        )[0]


@pytest.fixture(scope="module")
def server():
    with FakeEndpoint() as endpoint:
        yield endpoint


@pytest.fixture
def mixed(server, settings, tmp_path, monkeypatch):
    """Asks about all rows, with a store of its own an example; returns the replies and the bill, or what was said."""
    examples = iter(range(10**6))

    def run(plans, temperature, budgets, timeout_s=30.0):
        path = tmp_path / f"{next(examples)}.sqlite"
        monkeypatch.setenv("DISTILL_STORE", str(path))
        server.answer = bill = Bill(plans)
        server.calls.clear()
        rows = [question(f"row {number:04d}", temperature=temperature, max_tokens=MOST_OUT) for number in range(ROWS)]
        limits = {"timeout_s": timeout_s, "max_retries": 3, "concurrency": 4, **budgets}
        asked = settings({"base_url": server.base_url}, **limits)
        said, replies = "", []
        with open_teacher(asked, "annotate") as teacher:
            try:
                for reply in teacher.ask(rows):
                    replies.append(reply)
            except TeacherError as stop:
                said = str(stop)
        return path, bill, replies, teacher.bill, said

    return run


@hypothesis_settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(plans=plans(PASSING), temperature=st.sampled_from([0.0, 1.0]), budgets=BUDGETS)
def test_what_is_booked_is_what_was_billed_and_no_budget_is_passed(mixed, plans, temperature, budgets):
    path, billed, replies, bill, said = mixed(plans, temperature, budgets)
    assert booked(path) == (billed.calls, billed.tokens_in, billed.tokens_out)
    assert (bill.paid.calls, bill.paid.tokens_in, bill.paid.tokens_out) == booked(path)
    usd = (Decimal(billed.tokens_in) + 2 * billed.tokens_out) / 10**6
    assert billed.calls <= budgets.get("budget_calls", 10**9)
    assert billed.tokens_in + billed.tokens_out <= budgets.get("budget_tokens", 10**9)
    assert bill.paid.usd <= usd and bill.paid.usd <= budgets.get("budget_usd", 10**9)  # cached tokens cost half
    assert len(replies) == ROWS if not said else "could pass runtime.budget_" in said
    with Store(path) as store:
        assert store.select("SELECT count(*) FROM claims") == [(0,)]


@hypothesis_settings(
    max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(plans=plans(["time-out", "connection cut", "answer"]), calls=st.integers(0, 12))
def test_a_call_that_times_out_is_booked_and_counts_against_the_budget(mixed, plans, calls):
    """On a slow machine an answer may time out too, or a call before the server sees it: it is booked, as it may be."""
    path, billed, _, bill, _ = mixed(plans, 1.0, {"budget_calls": calls}, timeout_s=0.1)
    assert billed.calls <= booked(path)[0] == bill.paid.calls <= calls
    assert bill.lost == bill.unanswered.calls


@pytest.mark.parametrize("name", ["no credit", "no parameter"])
def test_what_lasts_stops_the_run_with_everything_booked(mixed, name):
    plans = [["answer"]] * 3 + [[name]] + [["broken off"]] * 4
    path, billed, _, _, said = mixed(plans, 1.0, {})
    assert "What to do: " in said and booked(path) == (billed.calls, billed.tokens_in, billed.tokens_out)


@pytest.mark.parametrize("name", sorted(set(BEHAVIOURS) - {"no credit", "no parameter", "time-out"}))
def test_each_kind_alone_comes_to_the_same_when_it_is_asked_for_again(mixed, server, settings, name):
    path, billed, replies, _, _ = mixed([[name] * 4] * ROWS, 0.0, {})
    assert booked(path) == (billed.calls, billed.tokens_in, billed.tokens_out)
    stored = {reply.row_id for reply in replies if not (reply.failure or "").startswith("failed")}
    server.calls.clear()
    server.answer = lambda body, times: completion()
    rows = [question(f"row {number:04d}", max_tokens=MOST_OUT) for number in range(ROWS)]
    with open_teacher(settings({"base_url": server.base_url}), "annotate") as teacher:
        again = {reply.row_id: reply for reply in teacher.ask(rows)}
    assert set(server.calls).isdisjoint(stored)
    assert {reply.row_id: reply.failure for reply in replies if reply.row_id in stored} == {
        row: again[row].failure for row in stored
    }
