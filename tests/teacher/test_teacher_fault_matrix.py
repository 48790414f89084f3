"""The simulated teacher fails on purpose, at a rate, and the real client does with each failure what the table says."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from fake_endpoint import question

import distill.teacher.simulated as simulated
from distill.teacher import TeacherError, open_teacher
from distill.teacher.simulated import ServerFault
from distill.teacher.simulated.faults import FAULT_KINDS

ROOT = Path(__file__).parents[2]
PASSING = {
    "timeout_408",
    "conflict_409",
    "rate_limit",
    "server_error",
    "unavailable",
    "bad_gateway",
    "hang",
    "cut",
    "torn_body",
    "torn_json",
}  # fmt: skip
EMPTY = {"empty_choices", "null_content"}  # billed, and asked again where the next answer may differ
STOPPING = {
    "insufficient_quota": "add credit", "unauthorized": "runtime.key_env", "forbidden": "rights at the provider",
    "model_not_found": "check teacher.model", "bad_request": "compare the teacher settings",
    "no_response_format": "set teacher.structured to false",
}  # fmt: skip
RECORDED = {
    "refusal": "refusal", "content_filter": "content_filter", "length": None, "context_length": "context_length",
}  # fmt: skip


@pytest.fixture
def ask(settings, monkeypatch):
    """Asks a simulated teacher that has the fault about so many rows."""

    def run(fault: ServerFault, rows: int = 40, temperature: float = 0.0, **runtime: object):
        monkeypatch.setattr(simulated, "serve", partial(simulated.serve, faults=[fault]))
        asked = settings({"provider": "simulated", "model": "simulated-1"}, **{"timeout_s": 0.5, **runtime})
        asked = replace(asked, teacher=replace(asked.teacher, path=str(ROOT / asked.teacher.path), base_url=None))
        questions = (
            question(
                f"Which is larger, a mouse or a house? ({number})",
                row_id=str(number),
                model="simulated-1",
                temperature=temperature,
            )
            for number in range(rows)
        )
        with open_teacher(asked, "annotate") as teacher:
            return list(teacher.ask(questions)), teacher.bill

    return run


def test_every_kind_of_fault_is_tested_here():
    assert PASSING | EMPTY | set(STOPPING) | set(RECORDED) == set(FAULT_KINDS)


@pytest.mark.parametrize("kind", sorted(PASSING))
def test_a_fault_that_passes_costs_no_row(ask, kind):
    rate = 0.05 if kind == "hang" else 0.3
    replies, bill = ask(ServerFault(kind, rate=rate), max_retries=12)
    assert len(replies) == 40 and not any(reply.failure for reply in replies)
    assert bill.as_if_cold.calls == 40


@pytest.mark.parametrize("kind", sorted(PASSING - {"hang", "cut", "torn_body"}))
def test_a_fault_that_does_not_pass_costs_its_row(ask, kind):
    replies, bill = ask(ServerFault(kind, rate=1.0), rows=6, max_retries=1)
    assert all(reply.failure.startswith("failed: ") and reply.failure.endswith("2 attempts") for reply in replies)
    assert len(replies) == 6 and bill.as_if_cold.calls == 0


@pytest.mark.parametrize("kind", sorted(EMPTY))
def test_an_empty_answer_is_asked_again_and_every_one_is_paid(ask, kind):
    replies, bill = ask(ServerFault(kind, rate=0.3), temperature=1.0, max_retries=12)
    assert not any(reply.failure for reply in replies) and bill.as_if_cold.calls == 40
    assert bill.unanswered.calls > 0 and bill.paid.calls == 40 + bill.unanswered.calls


@pytest.mark.parametrize("kind", sorted(EMPTY))
def test_an_empty_answer_that_comes_the_same_again_is_asked_twice_and_stored(ask, kind):
    replies, bill = ask(ServerFault(kind, rate=1.0), rows=6, max_retries=12)
    assert [reply.failure for reply in replies] == ["empty"] * 6
    assert (bill.as_if_cold.calls, bill.unanswered.calls, bill.paid.calls) == (6, 6, 12)
    again, second = ask(ServerFault(kind, rate=1.0), rows=6)
    assert [reply.failure for reply in again] == ["empty"] * 6 and second.paid.calls == 0


@pytest.mark.parametrize("kind", sorted(STOPPING))
def test_a_lasting_fault_stops_at_the_first_and_says_what_to_do(ask, kind):
    with pytest.raises(TeacherError, match=STOPPING[kind]):
        ask(ServerFault(kind, rate=0.5))


@pytest.mark.parametrize("kind", sorted(RECORDED))
def test_a_fault_of_one_answer_is_recorded_with_its_row(ask, kind):
    replies, bill = ask(ServerFault(kind, rate=0.3))
    hit = [
        reply
        for reply in replies
        if (reply.finish_reason == "length" if kind == "length" else reply.failure == RECORDED[kind])
    ]
    assert 0 < len(hit) < 40 and bill.as_if_cold.calls == 40
    again, second = ask(ServerFault(kind, rate=0.3))
    assert second.paid.calls == 0 and {reply.row_id: reply.failure for reply in again} == {
        reply.row_id: reply.failure for reply in replies
    }


def test_a_rate_limit_is_waited_for_as_the_server_asks(ask):
    replies, _ = ask(ServerFault("rate_limit", first=1, retry_after=0.05))
    assert len(replies) == 40 and not any(reply.failure for reply in replies)
