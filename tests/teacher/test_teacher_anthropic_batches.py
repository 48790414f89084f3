"""Anthropic's message batches: ledger, prices and promises as with OpenAI's, against a fake after its reference."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from decimal import Decimal

import pytest
from aiohttp import web
from fake_anthropic import MODEL, FakeAnthropic, errored, message
from fake_endpoint import question

from distill.teacher import TeacherError, open_teacher
from distill.teacher.batch_ledger import open_batches
from distill.teacher.opening import open_batch_api
from distill.teacher.store import Store
from distill.teacher.transfer import verify

ROWS = [question(f"row {number}", seed=None) for number in range(12)]


@pytest.fixture
def endpoint():
    with FakeAnthropic() as server:
        yield server


@pytest.fixture
def batch(settings, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-ant-of-tests-0123456789")
    return lambda teacher=None, **runtime: settings(
        {"mode": "batch", **(teacher or {})}, **{"batch_api": "anthropic", "max_retries": 0, **runtime}
    )


def ask(settings, rows=ROWS):
    with open_teacher(settings, "annotate") as teacher:
        return {reply.row_id: reply for reply in teacher.ask(rows)}, teacher.bill


def test_a_batch_answers_all_rows_at_half_the_price_and_into_the_store(endpoint, batch, settings, store_path, capsys):
    endpoint.result = lambda params: message(f"Answer: {params['messages'][0]['content']}\u2028", thought="Hmm.")
    replies, bill = ask(batch())
    assert {row: reply.text for row, reply in replies.items()} == {
        row.row_id: f"Answer: {row.row_id}\u2028" for row in ROWS
    }
    assert {(reply.model, reply.finish_reason, reply.mode) for reply in replies.values()} == {(MODEL, "stop", "batch")}
    # 6 tokens at a dollar and 4 cached at half of it, 5 out at 2 dollars, a million; half the price
    assert bill.paid.usd == 12 * Decimal("0.000009") and bill.paid.tokens_cached == 12 * 4
    assert set(endpoint.keys) == {"sk-ant-of-tests-0123456789"} and endpoint.total == 12
    assert "annotate: batch msgbatch_0: 12 rows sent" in capsys.readouterr().err
    with Store(store_path) as store:
        assert open_batches(store) == [] and verify(store) == []
        body = json.loads(zlib.decompress(store.select("SELECT body FROM answers LIMIT 1")[0][0]))
    assert body["original"]["content"][0]["signature"] == "c2ln" and body["original"]["stop_reason"] == "end_turn"
    assert all(reply.from_store for reply in ask(settings())[0].values()), "live, the same questions are answered"


def test_a_request_is_asked_in_the_form_of_messages(endpoint, batch):
    system = {"role": "system", "content": "Be brief."}
    row = replace(ROWS[0], messages=(system, *ROWS[0].messages), seed=7, stop=("END",), top_p=None)
    row = replace(row, extra={"thinking": {"type": "disabled"}})
    replies, _ = ask(batch(), [row])
    assert replies["row 0"].failure is None
    [request] = endpoint.requests["msgbatch_0"]
    assert request["params"] == {
        "model": "fake",
        "max_tokens": 50,
        "temperature": 0.0,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "row 0"}],
        "stop_sequences": ["END"],
        "thinking": {"type": "disabled"},
    }


@pytest.mark.parametrize(
    ("stop", "reply"),
    [
        ("end_turn", ("stop", None, "So")),
        ("stop_sequence", ("stop", None, "So")),
        ("max_tokens", ("length", None, "So")),
        ("refusal", ("content_filter", "content_filter", None)),
    ],
)
def test_a_reason_to_stop_is_read_as_what_it_is(endpoint, batch, stop, reply):
    endpoint.result = lambda params: message("So", stop)
    got = ask(batch(), ROWS[:1])[0]["row 0"]
    assert (got.finish_reason, got.failure, got.text) == reply


def test_a_row_that_errored_or_was_left_is_reported_and_asked_by_the_next_run(endpoint, batch, store_path):
    kinds = {"row 1": errored("api_error", "internal"), "row 2": {"type": "expired"}, "row 3": {"type": "canceled"}}
    endpoint.result = lambda params: kinds.get(params["messages"][0]["content"], message())
    replies, bill = ask(batch())
    failures = {row: reply.failure for row, reply in replies.items() if reply.failure}
    assert set(failures) == {"row 1", "row 2", "row 3"} and bill.paid.calls == 9
    assert "server error (500): internal" in failures["row 1"] and "expired" in failures["row 2"]
    kinds.clear()
    assert {reply.failure for reply in ask(batch())[0].values()} == {None}
    assert {row: endpoint.calls[row] for row in ("row 0", "row 1")} == {"row 0": 1, "row 1": 2}


def test_a_refused_parameter_stops_with_its_setting(endpoint, batch):
    both = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
    endpoint.result = lambda params: errored("invalid_request_error", both) if "top_p" in params else message()
    with pytest.raises(
        TeacherError, match=r"refused request \(400\): `temperature` and .*or set teacher.top_p to null"
    ):
        ask(batch())
    rows = [replace(row, top_p=None) for row in ROWS]
    assert {reply.failure for reply in ask(batch(), rows)[0].values()} == {None}


@pytest.mark.parametrize(
    ("changed", "teacher", "words"),
    [
        ({}, {"logprobs": True}, "teacher.logprobs: Anthropic gives no log probabilities: set it to false"),
        ({"reasoning_effort": "low"}, {}, "teacher.reasoning_effort: Anthropic's batches take it as teacher.extra"),
        ({"response_format": {"type": "json_object"}}, {}, "teacher.structured: is for live calls: set it to false"),
    ],
)
def test_what_message_batches_lack_is_refused_before_anything_is_sent(
    endpoint, batch, store_path, changed, teacher, words
):
    with pytest.raises(TeacherError, match=words):
        ask(batch(teacher), [replace(row, **changed) for row in ROWS])
    assert endpoint.batches == {}
    with Store(store_path) as store:
        assert open_batches(store) == []


def test_a_batch_whose_answer_was_lost_is_found_once_it_has_ended_and_not_sent_again(endpoint, batch, store_path):
    endpoint.lose_answer_to_create = True
    with pytest.raises(TeacherError, match="cannot be reached"):
        ask(batch())
    with pytest.raises(TeacherError, match="msgbatch_0 may be that batch, which shows once it has ended"):
        ask(batch())
    endpoint.end("msgbatch_0")
    replies, _ = ask(batch())
    assert {reply.failure for reply in replies.values()} == {None} and list(endpoint.batches) == ["msgbatch_0"]


def test_a_batch_that_was_lost_and_never_made_is_sent_again(endpoint, batch):
    with open_batch_api(batch()) as api:
        foreign = api.create("f" * 32, [(bytes(32), b'{"messages": [{"role": "user", "content": "x"}], "model": "m"}')])
    endpoint.end(foreign)
    endpoint.refuse = web.Response(status=500)
    with pytest.raises(TeacherError, match=r"server error \(500\)"):
        ask(batch())
    endpoint.refuse = None
    assert {reply.failure for reply in ask(batch())[0].values()} == {None}
    assert list(endpoint.batches) == ["msgbatch_0", "msgbatch_1"]


def test_a_batch_that_is_refused_is_forgotten_whatever_else_is_under_way(endpoint, batch, store_path):
    with open_batch_api(batch()) as api:
        api.create("f" * 32, [(bytes(32), b'{"messages": [{"role": "user", "content": "x"}], "model": "m"}')])
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": "requests: too many"}}
    endpoint.refuse = web.json_response(body, status=400)
    with pytest.raises(TeacherError, match=r"refused request \(400\): requests: too many"):
        ask(batch())
    with Store(store_path) as store:
        assert open_batches(store) == []


def test_a_batch_is_cancelled_and_what_was_answered_is_fetched(endpoint, batch):
    endpoint.polls = 10**6
    with open_batch_api(batch()) as api:
        assert api.cancel(api.create("0" * 32, [])).status == "canceling"
        assert api.state("msgbatch_0").ended and list(api.results(api.state("msgbatch_0"))) == []


def test_an_endpoint_without_message_batches_is_asked_live(endpoint, batch, capsys):
    endpoint.refuse = web.Response(status=404)
    assert {reply.failure for reply in ask(batch())[0].values()} == {None}
    assert "the endpoint has no batches (404): asking live, at the full price" in capsys.readouterr().err


@pytest.mark.parametrize("body", ["[]", "{}", "null", '{"id": 3}'])
def test_an_answer_that_is_no_batch_is_said(endpoint, batch, body):
    endpoint.refuse = web.Response(body=body.encode(), content_type="application/json")
    with pytest.raises(TeacherError, match="shows no message batch: check it"):
        ask(batch())


@pytest.mark.parametrize(
    ("address", "form", "kind"),
    [
        ("https://api.anthropic.com/v1", "auto", "AnthropicBatches"),
        ("https://api.openai.com/v1", "auto", "BatchApi"),
        ("http://localhost:4000/v1", "anthropic", "AnthropicBatches"),
        ("https://api.anthropic.com/v1", "openai", "BatchApi"),
    ],
)
def test_the_form_follows_the_address_unless_it_is_named(batch, address, form, kind):
    with open_batch_api(batch({"base_url": address}, batch_api=form)) as api:
        assert (type(api).__name__, api.endpoint) == (kind, address)
