"""Servers whose answers are odd, useless or another model's: what is said, and when nothing more is asked."""

from __future__ import annotations

import json

import pytest
from fake_endpoint import Said, completion, error, question

from distill.teacher import TeacherError, open_teacher


def test_what_cannot_be_believed_in_an_answer_is_said_once(endpoint, settings, capsys):
    strange = json.loads(completion().body)
    strange["model"] = "another-1"
    strange["usage"] = {"prompt_tokens": -1, "completion_tokens": "5"}
    strange["choices"][0]["logprobs"] = {"content": [{"token": "yes", "logprob": float("-inf")}]}
    endpoint.answer = lambda body, times: Said(json.dumps(strange).encode())
    with open_teacher(settings({"logprobs": True}), "annotate") as teacher:
        replies = list(teacher.ask([question(str(number)) for number in range(20)]))
    assert [(reply.text, reply.logprob, reply.tokens) for reply in replies] == [("Answer: yes", None, ())] * 20
    err = capsys.readouterr().err
    assert err.count("asked for 'fake', and the server says that 'another-1' answered") == 1
    assert err.count("cannot be read: tokens are counted here") == 1
    assert err.count("a log probability is no finite number") == 1


@pytest.mark.parametrize("name", ["fake", "fake-2026-01-01", "vendor/FAKE", "/models/fake.gguf", "fake:latest"])
def test_a_servers_own_name_of_the_same_model_is_no_news(endpoint, settings, capsys, name):
    body = json.dumps({**json.loads(completion().body), "model": name}).encode()
    endpoint.answer = lambda *_: Said(body)
    with open_teacher(settings(), "annotate") as teacher:
        list(teacher.ask([question("a")]))
    assert "the server says" not in capsys.readouterr().err


def test_after_thirty_empty_answers_and_no_other_none_is_asked_twice(endpoint, settings):
    endpoint.answer = lambda body, times: completion(None)
    rows = [question(str(number), temperature=1.0) for number in range(60)]
    with open_teacher(settings(max_retries=6, concurrency=4), "annotate") as teacher:
        assert {reply.failure for reply in teacher.ask(rows)} == {"empty"}
    assert 60 <= endpoint.total <= 60 + 34 and teacher.bill.paid.calls == endpoint.total


def test_a_server_of_pages_is_left_after_thirty(endpoint, settings):
    endpoint.answer = lambda body, times: Said(b"<html>Welcome</html>")
    with (
        open_teacher(settings(concurrency=4), "annotate") as teacher,
        pytest.raises(TeacherError, match=r"30 answers are no completions.*Welcome.*teacher\.base_url is the address"),
    ):
        list(teacher.ask([question(str(number)) for number in range(60)]))
    assert endpoint.total <= 34


def test_a_short_dummy_key_is_no_word_of_a_message(endpoint, settings, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    endpoint.answer = lambda body, times: error(400, "context_length_exceeded", "maximum context length")
    with open_teacher(settings(), "annotate") as teacher:
        assert [reply.failure for reply in teacher.ask([question("a")])] == ["context_length"]


def test_what_is_in_flight_when_the_asking_is_given_up_is_on_the_bill(endpoint, settings):
    endpoint.until_at_once = 8
    with open_teacher(settings(concurrency=8), "annotate") as teacher:
        replies = teacher.ask([question(str(number)) for number in range(100)])
        next(replies)
        replies.close()
        assert teacher.bill.paid.calls == endpoint.total >= 8
