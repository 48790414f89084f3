"""Which field carries the limit of an answer's tokens is learnt from the server, once; the key stays the same."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from fake_batches import FakeBatchEndpoint
from fake_endpoint import completion, error, question

from distill.teacher import TeacherError, open_teacher
from distill.teacher.store import Store
from distill.teacher.transfer import verify

WANTS_OTHER = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    "max_tokens is deprecated; please set max_completion_tokens",
    "this deployment needs max_completion_tokens: use max_completion_tokens",
    "'max_tokens' isn't supported here, instead send max_completion_tokens",
)


def reasoning(message: str):
    """A server that takes max_completion_tokens alone."""
    return lambda body, times: error(400, "unsupported_parameter", message) if "max_tokens" in body else completion()


def ask(settings, count=1, **changed):
    with open_teacher(settings, "annotate") as teacher:
        return list(teacher.ask([question(str(number), **changed) for number in range(count)])), teacher.bill


@pytest.mark.parametrize("message", WANTS_OTHER)
def test_the_other_field_is_learnt_once_and_said_once(endpoint, settings, store_path, capsys, message):
    endpoint.answer = reasoning(message)
    replies, bill = ask(settings(concurrency=1, max_retries=0), 5)
    assert [reply.failure for reply in replies] == [None] * 5 and bill.paid.calls == 5
    assert endpoint.total == 6 and [body.get("max_completion_tokens") for body in endpoint.bodies] == [None, *[50] * 5]
    err = capsys.readouterr().err
    assert err.count("annotate: this model wants max_completion_tokens in place of max_tokens") == 1
    assert "asked again" not in err
    assert verify(Store(store_path)) == []


def test_calls_in_flight_together_learn_it_together(endpoint, settings, capsys):
    endpoint.answer, endpoint.until_at_once = reasoning(WANTS_OTHER[0]), 4
    replies, _ = ask(settings(concurrency=4, max_retries=0), 4)
    assert [reply.failure for reply in replies] == [None] * 4 and endpoint.total == 8
    assert capsys.readouterr().err.count("this model wants") == 1


def test_the_key_is_that_of_max_tokens(endpoint, settings):
    ask(settings({"max_tokens_field": "max_tokens"}))
    endpoint.answer = reasoning(WANTS_OTHER[0])
    replies, _ = ask(settings())
    assert replies[0].from_store and endpoint.total == 1


def test_the_rest_of_the_request_is_sent_as_it_was(endpoint, settings):
    endpoint.answer = reasoning(WANTS_OTHER[0])
    ask(settings(), extra={"reasoning": {"max_tokens": 9}, "greeting": "grüß dich"}, temperature=None)
    before, after = endpoint.bodies
    assert after.pop("max_completion_tokens") == before.pop("max_tokens") == 50
    assert after == before and after["reasoning"] == {"max_tokens": 9}


def test_a_server_that_takes_neither_is_asked_twice_and_no_more(endpoint, settings):
    endpoint.answer = lambda body, times: error(400, "unsupported_parameter", WANTS_OTHER[0])
    with pytest.raises(TeacherError, match=r"refused request.*teacher.max_tokens_field to max_completion_tokens"):
        ask(settings(concurrency=1), 3)
    assert endpoint.total == 2


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_a_field_that_is_named_is_sent_as_it_is(endpoint, settings, field):
    endpoint.answer = lambda body, times: error(400, "unsupported_parameter", WANTS_OTHER[0])
    with pytest.raises(TeacherError):
        ask(settings({"max_tokens_field": field}))
    assert [field in body for body in endpoint.bodies] == [True]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "'max_tokens' or 'max_completion_tokens' is too large: 5000. The model has 4096 tokens."),
        (500, WANTS_OTHER[0]),
        (400, "max_tokens is not supported"),
    ],
)
def test_other_words_teach_nothing(endpoint, settings, status, message):
    endpoint.answer = lambda body, times: error(status, "", message)
    with suppress(TeacherError):
        ask(settings(max_retries=0))
    assert endpoint.total == 1 and "max_tokens" in endpoint.bodies[0]


def test_a_batch_whose_rows_want_the_other_field_says_to_name_it(settings):
    with FakeBatchEndpoint(answer=reasoning(WANTS_OTHER[0])) as endpoint:
        asked = settings({"base_url": endpoint.base_url, "mode": "batch"})
        with pytest.raises(
            TeacherError, match=r"refused request.*set teacher.max_tokens_field to max_completion_tokens"
        ):
            ask(asked, 3)
        named = settings({"base_url": endpoint.base_url, "mode": "batch", "max_tokens_field": "max_completion_tokens"})
        assert [reply.failure for reply in ask(named, 3)[0]] == [None] * 3


def test_what_is_null_is_not_sent(endpoint, settings):
    ask(settings(), temperature=None, top_p=None, seed=None)
    assert set(endpoint.bodies[0]) == {"messages", "model", "max_tokens"}


def test_effort_and_extra_are_sent_and_part_of_the_key(endpoint, settings):
    plain = question("a")
    asked = [
        plain,
        replace(plain, reasoning_effort="low"),
        replace(plain, reasoning_effort="high"),
        replace(plain, extra={"top_k": 1}),
        replace(plain, extra={"top_k": 2}),
    ]
    with open_teacher(settings(), "annotate") as teacher:
        assert [next(teacher.ask([request])).from_store for request in asked] == [False] * 5
        assert next(teacher.ask([replace(plain, extra={})])).from_store
    assert [body.get("reasoning_effort") for body in endpoint.bodies] == [None, "low", "high", None, None]
    assert [body.get("top_k") for body in endpoint.bodies] == [None, None, None, 1, 2]
