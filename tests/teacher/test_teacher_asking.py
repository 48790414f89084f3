from __future__ import annotations

import io
import json
import math
import time
import zlib
from dataclasses import replace
from decimal import Decimal
from functools import partial

import pytest
from fake_endpoint import Said, completion, error, question

from distill.progress import Progress
from distill.teacher import TeacherError, Usage, open_teacher
from distill.teacher.exchange import Token
from distill.teacher.opening import is_local
from distill.teacher.store import Store


def ask(settings, requests, stage="annotate"):
    with open_teacher(settings, stage) as teacher:
        return sorted(teacher.ask(requests), key=lambda reply: (reply.row_id, reply.sample)), teacher.bill


def test_a_reply_carries_text_model_usage_and_costs(endpoint, settings):
    [reply], bill = ask(settings(), [question("a")])
    assert (reply.row_id, reply.sample, reply.text, reply.finish_reason, reply.model) == (
        "a",
        0,
        "Answer: yes",
        "stop",
        "fake-2026-01-01",
    )
    assert (reply.usage, reply.failure, reply.from_store) == (Usage(10, 4, 5, "reported", 0), None, False)
    # 6 tokens at 1.00, 4 cached at 0.50 and 5 out at 2.00 dollars a million
    assert bill.as_if_cold.usd == bill.paid.usd == Decimal("0.000018")
    assert bill.saved.usd == 0 and bill.saved.calls == 0
    assert bill.metrics() == {
        "usd": 0.000018,
        "calls": 1,
        "tokens_in": 10,
        "tokens_cached": 4,
        "tokens_out": 5,
        "tokens_reasoning": 0,
    }


def test_what_is_stored_is_never_asked_again_and_costs_the_same_as_if_cold(endpoint, settings):
    rows = [question(str(number)) for number in range(300)]
    _, cold = ask(settings(), rows)
    again, warm = ask(settings(), [*rows, question("new")])
    assert endpoint.total == 301
    assert [reply.from_store for reply in again] == [reply.row_id != "new" for reply in again]
    assert (cold.paid.calls, cold.saved.calls) == (300, 0)
    assert (warm.paid.calls, warm.saved.calls, warm.as_if_cold.calls) == (1, 300, 301)
    assert warm.saved.usd == cold.as_if_cold.usd


def test_identical_requests_are_asked_once_and_counted_once(endpoint, settings):
    twins = [question("same", row_id=f"row {number}") for number in range(50)]
    replies, bill = ask(settings(), twins * 10)
    assert len(replies) == 500 and endpoint.total == 1
    assert bill.as_if_cold.calls == bill.paid.calls == 1


def test_samples_of_one_question_are_separate_calls(endpoint, settings):
    replies, _ = ask(settings(), [question("a", sample=number) for number in range(3)])
    assert [reply.sample for reply in replies] == [0, 1, 2] and endpoint.total == 3


def test_concurrency_is_bounded(endpoint, settings):
    endpoint.until_at_once = 4
    ask(settings(concurrency=4), [question(str(number)) for number in range(100)])
    assert endpoint.most_at_once == 4


def test_requests_stream_with_a_bounded_look_ahead(endpoint, settings):
    read = 0

    def many():
        nonlocal read
        for number in range(1500):
            read += 1
            yield question(str(number))

    furthest = 0
    with open_teacher(settings(), "annotate") as teacher:
        for given, _ in enumerate(teacher.ask(many()), 1):
            furthest = max(furthest, read - given)
    assert given == 1500 and furthest <= 3 * 256


def test_a_consumer_that_leaves_early_keeps_what_was_bought(endpoint, settings):
    rows = [question(str(number)) for number in range(200)]
    with open_teacher(settings(), "annotate") as teacher:
        for _ in teacher.ask(rows):
            break
    bought = endpoint.total
    ask(settings(), rows)
    assert endpoint.total == 200 and bought < 200


def test_a_row_that_fails_for_good_is_reported_and_asked_again_next_time(endpoint, settings):
    endpoint.answer = lambda body, times: (
        error(500) if body["messages"][0]["content"] == "bad" and times <= 3 else completion()
    )
    replies, bill = ask(settings(max_retries=2), [question("good"), question("bad")])
    assert replies[0].failure == "failed: server error (500): no, 3 attempts" and replies[0].text is None
    assert replies[1].failure is None and bill.as_if_cold.calls == 1
    replies, bill = ask(settings(max_retries=2), [question("good"), question("bad")])
    assert [reply.failure for reply in replies] == [None, None]
    assert (bill.paid.calls, bill.saved.calls) == (1, 1)


def test_an_unknown_price_is_null_and_never_zero(endpoint, settings):
    _, bill = ask(settings(prices={}), [question("a")])
    assert bill.metrics()["usd"] is None and bill.runtime()["paid"]["usd"] is None
    assert bill.runtime()["saved"]["usd"] == 0
    assert "as if cold unknown (no price) (1 calls)" in bill.closing_line()


def test_a_remote_server_without_a_key_is_refused_before_any_call(settings):
    with pytest.raises(
        TeacherError, match=r"api.openai.com/v1 needs a key: set the environment variable OPENAI_API_KEY"
    ):
        ask(settings({"base_url": None}), [question("a")])


def test_what_is_stored_needs_no_key(endpoint, settings, store_path, monkeypatch):
    monkeypatch.setattr("distill.teacher.opening.is_local", lambda base_url: False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-1")
    ask(settings(), [question("a")])
    assert endpoint.keys == ["Bearer sk-test-1"]
    monkeypatch.delenv("OPENAI_API_KEY")
    [reply], _ = ask(settings(), [question("a")])
    assert reply.from_store


@pytest.mark.parametrize("address, local", [
    ("http://localhost:8000/v1", True), ("http://127.0.0.1:1/v1", True), ("http://10.1.2.3:8000/v1", True),
    ("http://gpu-box:8000/v1", True),
    ("https://api.openai.com/v1", False), ("https://8.8.8.8/v1", False),
    ("https://name.openai.azure.com/openai/v1", False),
])  # fmt: skip
def test_only_addresses_of_this_machine_or_network_need_no_key(address, local):
    assert is_local(address) is local


def test_offline_reads_the_store_and_names_the_row_that_it_lacks(endpoint, settings, store_path):
    ask(settings(), [question("a")])
    before = store_path.read_bytes()
    [reply], bill = ask(settings(offline=True), [question("a")])
    assert reply.text == "Answer: yes" and bill.saved.calls == 1
    with pytest.raises(
        TeacherError, match=r"row 'b' \(explain, fake\) has no answer in .*, and runtime.offline is true"
    ):
        ask(settings(offline=True), [question("a"), question("b")])
    assert endpoint.total == 1 and store_path.read_bytes() == before


def test_a_plan_counts_calls_stored_ones_and_money_without_asking(endpoint, settings):
    ask(settings(), [question("one"), question("two")])
    with open_teacher(settings(), "annotate") as teacher:
        plan = teacher.plan(
            [question("one"), question("two"), question("three"), question("three", row_id="again"), question("four")]
        )
        assert (plan.calls, plan.stored, plan.to_pay.calls) == (4, 2, 2)
        # Two prompts of 6 and 5 tokens; answers of 5 tokens as those stored, at most of 50
        assert (plan.to_pay.tokens_in, plan.to_pay.tokens_out_low, plan.to_pay.tokens_out_high) == (11, 10, 100)
        assert (plan.to_pay.usd_low, plan.to_pay.usd_high) == (Decimal("0.000031"), Decimal("0.000211"))
        assert teacher.bill.as_if_cold.calls == 0
    assert endpoint.total == 2


def test_the_estimate_is_measured_against_what_was_paid(endpoint, settings):
    _, bill = ask(settings(), [question("abcd"), question("efgh")])
    # Expected: 5 tokens in a call and 12 (a quarter of 50) to 50 out; paid: 10 in (4 cached) and 5 out.
    assert bill.runtime()["estimate"] == {
        "usd_low": 0.000058, "usd_high": 0.00021, "tokens_in_error": -0.5, "tokens_out_low_error": 1.4,
        "usd_low_error": pytest.approx(58 / 36 - 1), "usd_high_error": pytest.approx(210 / 36 - 1),
    }  # fmt: skip


def test_provenance_is_stored_with_each_answer(endpoint, settings, store_path):
    endpoint.answer = lambda body, times: error(500) if times == 1 else completion()
    ask(settings(), [question("a")], "optimize_prompt")
    with Store(store_path) as store:
        [row] = store.select(
            "SELECT endpoint, model, returned_model, fingerprint, sample, purpose, finish_reason, attempts, "
            "tokens_from, mode,"
            " answered_at >= asked_at, request, body FROM answers"
        )
        assert store.select("SELECT stage, model, simulated FROM payments") == [("optimize_prompt", "fake", 0)]
    assert row[:11] == (
        endpoint.base_url,
        "fake",
        "fake-2026-01-01",
        "fp-1",
        0,
        "explain",
        "stop",
        2,
        "reported",
        "live",
        1,
    )
    assert json.loads(zlib.decompress(row[11])) == endpoint.bodies[-1]
    assert zlib.decompress(row[12]) == completion().body


def test_logprobs_are_asked_for_and_become_a_confidence(endpoint, settings):
    likeliest = [{"token": "yes", "logprob": -0.5}, {"token": "no", "logprob": -2.0}, {"token": 7, "logprob": None}]
    chosen = {
        "content": [{"token": "yes", "logprob": -0.5, "top_logprobs": likeliest}, {"token": ".", "logprob": -0.1}]
    }
    answered = json.loads(completion().body)
    answered["choices"][0]["logprobs"] = chosen
    endpoint.answer = lambda body, times: Said(json.dumps(answered).encode())
    for from_store in (False, True):
        [reply], _ = ask(settings({"logprobs": True}), [question("a")])
        assert reply.logprob == pytest.approx(-0.3) and reply.from_store is from_store
        assert reply.tokens == (
            Token("yes", math.exp(-0.5), (("yes", math.exp(-0.5)), ("no", math.exp(-2.0)))),
            Token(".", math.exp(-0.1)),
        )
    assert (endpoint.bodies[0]["logprobs"], endpoint.bodies[0]["top_logprobs"]) == (True, 5)
    [reply], _ = ask(settings(), [question("a")])
    assert reply.tokens == () and "top_logprobs" not in endpoint.bodies[1]


def test_a_thought_comes_with_the_reply_where_the_rationale_is_to_be_one_and_is_read_from_the_store(endpoint, settings):
    endpoint.answer = lambda body, times: completion(reasoning_content="It rains.")
    [reply], _ = ask(settings(), [question("a")])
    assert reply.thought is None
    base = settings()
    thinking = replace(base, annotate=replace(base.annotate, rationale_from="thought"))
    [reply], _ = ask(thinking, [question("a")])
    assert (reply.thought, reply.from_store, endpoint.total) == ("It rains.", True, 1)


def test_a_change_of_the_model_within_one_run_is_warned_of(endpoint, settings, capsys):
    other = completion().body.replace(b"fake-2026-01-01", b"fake-2026-02-02")
    endpoint.answer = lambda body, times: Said(other) if body["messages"][0]["content"] == "3" else completion()
    with open_teacher(settings(), "annotate") as teacher:
        for rows in (range(2), range(2, 5)):
            list(teacher.ask([question(str(number)) for number in rows]))
    assert (
        "warning: the answers of fake come from more than one version of it (fake-2026-01-01 4, fake-2026-02-02 1)"
        in capsys.readouterr().err
    )


def test_a_retry_runs_beside_first_tries(endpoint, settings):
    endpoint.answer = lambda body, times: (
        error(500) if body["messages"][0]["content"] == "0" and times == 1 else completion()
    )
    ask(settings(concurrency=1), [question(str(number)) for number in range(150)])
    asked = [body["messages"][0]["content"] for body in endpoint.bodies]
    assert asked.index("0") == 0 and 0 < asked[1:].index("0") < 140


def test_a_slow_consumer_stalls_no_call_in_flight(endpoint, settings, store_path):
    """The calls are answered and stored while the consumer still looks at its first reply."""
    with open_teacher(settings(concurrency=4), "annotate") as teacher, Store(store_path) as store:
        replies = teacher.ask([question(str(number)) for number in range(16)])
        next(replies)
        until = time.monotonic() + 30
        while len(store) < 16 and time.monotonic() < until:
            time.sleep(0.005)
        assert len(store) == 16 and len(list(replies)) == 15


def test_an_error_of_our_own_reaches_the_caller(settings, monkeypatch):
    def breaks(self, keys):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Store, "claim", breaks)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        ask(settings(), [question("a")])


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def pass_of(monkeypatch, settings):
    """Asks with a teacher that is open, and gives the last line of progress of a pass of ten seconds."""

    def run(teacher, rows, title):
        clock, stream = Clock(), io.StringIO()
        monkeypatch.setattr("distill.teacher.asking.Progress", partial(Progress, clock=clock, stream=stream))
        for _ in teacher.ask(rows, title=title):
            clock.now += 10 / len(rows)
        return stream.getvalue().splitlines()[-1]

    return run


def test_the_progress_line_names_the_pass_and_says_what_was_paid_and_what_is_left_of_the_budget(
    endpoint, settings, pass_of
):
    endpoint.answer = lambda body, times: (
        error(500)
        if body["messages"][0]["content"] in "01" and (times == 1 or body["messages"][0]["content"] == "1")
        else completion()
    )
    rows = [question(str(number)) for number in range(20)]
    with open_teacher(settings(budget_usd=Decimal("0.5"), budget_calls=100, max_retries=1), "annotate") as teacher:
        assert pass_of(teacher, rows, "train") == (
            "annotate, train: 20/20 rows | 2.0 rows/s | 0:00 left | 190 tokens in, 95 out | $0.0003 paid, $0.0000 saved"
            " | 2 asked again | 1 without an answer | budget: $0.4997, 81 calls left"
        )
        assert pass_of(teacher, rows[2:], "") == (
            "annotate: 18/18 rows | 1.8 rows/s | 0:00 left | 190 tokens in, 95 out | $0.0003 paid, $0.0000 saved"
        )
    with open_teacher(settings(), "annotate") as teacher:
        assert pass_of(teacher, rows[2:], "test").endswith(" | 0 tokens in, 0 out | $0.0000 paid, $0.0003 saved")


def test_time_outs_are_said_once_when_they_begin_with_advice(endpoint, settings, capsys):
    endpoint.hold.clear()
    rows = [question(str(number)) for number in range(3)]
    capsys.readouterr()
    with open_teacher(settings(timeout_s=0.05, max_retries=1), "annotate") as teacher:
        replies = [*teacher.ask(rows), *teacher.ask([question("later")])]
    assert {reply.failure for reply in replies} == {"failed: timeout: no answer within 0.05 s, 2 attempts"}
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == (
        "annotate: timeout: no answer within 0.05 s. Such calls are asked again (runtime.max_retries: 1). "
        "If it goes on, see that the server is up and not overloaded, lower runtime.concurrency, or raise "
        "runtime.timeout_s"
    )
    assert [line for line in lines if "If it goes on" in line] == lines[:1]


def test_an_endpoint_without_batches_is_asked_live_with_a_clear_word(endpoint, settings, capsys):
    with open_teacher(settings({"mode": "batch"}), "annotate") as teacher:
        replies = list(teacher.ask([question(str(number)) for number in range(40)]))
    assert len(replies) == endpoint.total == 40 and not any(reply.failure for reply in replies)
    assert "annotate: the endpoint has no batches (404): asking live, at the full price" in capsys.readouterr().err
    assert teacher.bill.paid.usd == 40 * Decimal("0.000018")


@pytest.mark.parametrize("stage, mode", [("optimize_prompt", "live"), ("annotate", "batch")])
def test_only_the_search_is_asked_live_where_batches_are_wanted(settings, capsys, stage, mode):
    with open_teacher(settings({"mode": "batch"}), stage) as teacher:
        assert teacher.session.mode == mode
    assert ("optimize_prompt: asked live" in capsys.readouterr().out) is (mode == "live")
