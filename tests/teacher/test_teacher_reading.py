"""What servers send that no API describes: every body is read, or is a failure of the table."""

from __future__ import annotations

import json

import pytest
from fake_endpoint import Said, completion, question

from distill.teacher import open_teacher
from distill.teacher.exchange import Usage
from distill.teacher.exported import checked_export
from distill.teacher.reading import Unusable, answer_thought, read_completion
from distill.teacher.store import Store
from distill.teacher.transfer import export_answers, import_answers, verify

ROWS = [question(f"question {number}") for number in range(3)]


def changed(**fields):
    """A completion with other fields at its top."""
    return json.dumps({**json.loads(completion().body), **fields}).encode()


def ask(settings, rows=ROWS):
    with open_teacher(settings, "annotate") as teacher:
        return {reply.row_id: reply for reply in teacher.ask(rows)}


def test_half_an_emoji_is_replaced_and_the_answer_kept(endpoint, settings, store_path, tmp_path):
    endpoint.answer = lambda body, times: completion("It grins \ud83d", finish="length")
    assert b"\\ud83d" in completion("It grins \ud83d").body
    found = ask(settings())
    assert [found[row.row_id].text for row in ROWS] == ["It grins ?"] * 3
    assert ask(settings()) and endpoint.total == 3
    with Store(store_path) as store, Store(tmp_path / "other.sqlite") as other:
        assert verify(store) == []
        export_answers(store, tmp_path / "answers.jsonl")
        assert import_answers(other, checked_export(tmp_path / "answers.jsonl")).added == 3 and verify(other) == []


def test_a_whole_emoji_stays():
    assert read_completion(completion("It grins \U0001f600").body).text == "It grins \U0001f600"


def test_fields_of_another_type_count_as_missing(endpoint, settings):
    strange = json.loads(changed(system_fingerprint={"a": 1}, model=["fake"]))
    strange["choices"][0]["finish_reason"] = None
    endpoint.answer = lambda body, times: Said(json.dumps(strange).encode())
    reply = ask(settings())["question 1"]
    assert (reply.text, reply.finish_reason, reply.model, reply.failure) == ("Answer: yes", None, None, None)


def test_a_deeply_nested_body_is_asked_for_again(endpoint, settings):
    endpoint.answer = lambda body, times: Said(b"[" * 200_000) if times == 1 else completion()
    assert [reply.text for reply in ask(settings()).values()] == ["Answer: yes"] * 3
    assert endpoint.total == 6


def test_a_body_in_another_encoding_is_torn():
    with pytest.raises(Unusable) as raised:
        read_completion('{"choices": "é"}'.encode("latin-1"))
    assert raised.value.broke == "torn"


@pytest.mark.parametrize(
    "wrong", [{"prompt_tokens": -1}, {"completion_tokens": -5}, {"completion_tokens": 10**30}, {"prompt_tokens": True}]
)
def test_impossible_token_counts_are_not_reported(wrong):
    assert read_completion(changed(usage={"prompt_tokens": 10, "completion_tokens": 5, **wrong})).usage == Usage()


@pytest.mark.parametrize("cached, kept", [(-4, 0), (4, 4), (11, 10), ("4", 0)])
def test_cached_tokens_are_a_part_of_those_in(cached, kept):
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": cached}}
    assert read_completion(changed(usage=usage)).usage == Usage(10, kept, 5, "reported", 0)


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning_content": "It rains."},
        {"reasoning": "It rains."},
        {"thinking": "It rains."},
        {"reasoning_content": " ", "reasoning": "It rains."},
        {"reasoning_details": [{"type": "reasoning.text", "text": "It rains."}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "It rains."}]}]},
    ],
)
def test_the_thought_beside_an_answer_is_read_from_every_servers_field(message):
    body = json.loads(completion().body)
    body["choices"][0]["message"] |= message
    assert answer_thought(json.dumps(body).encode()) == "It rains."


def test_no_thought_is_none():
    assert answer_thought(completion().body) is None
    assert answer_thought(completion(reasoning_content=None, reasoning=7, reasoning_details=[3]).body) is None
