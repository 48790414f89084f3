"""What servers send that no API describes: every body is read, or is a failure of the table."""

from __future__ import annotations

import json

import pytest
from fake_endpoint import Said, completion, question
from hypothesis import given
from hypothesis import strategies as st

from distill.teacher import open_teacher
from distill.teacher.batch_api import _result
from distill.teacher.exchange import Usage
from distill.teacher.exported import checked_export
from distill.teacher.failures import judge_failure, symptom_of_error, symptom_of_status
from distill.teacher.reading import Unusable, answer_thought, answer_tokens, parsed_json, read_completion
from distill.teacher.store import Store
from distill.teacher.transfer import export_answers, import_answers, verify

NAMES = st.sampled_from(
    ["choices", "message", "content", "finish_reason", "usage", "error", "logprobs", "logprob", "token", "code", "type",
     "prompt_tokens", "completion_tokens", "total_tokens", "reasoning_content", "refusal", "text", "base_resp", "model"]
)  # fmt: skip
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


DEEP = {
    "lists": "[" * 5000 + "]" * 5000,
    "very deep": "[" * 200_000 + "]" * 200_000,
    "objects": '{"a": ' * 5000 + "1" + "}" * 5000,
    "brackets in strings": '["]]}}\\\\", "\\"[[{", ' * 3000 + "[]" + "]" * 3000,
    "several": "[" + ", ".join(["[" * 2000 + "]" * 2000] * 3) + ', "[", {}]',
}


@pytest.mark.parametrize("name", DEEP)
def test_an_answer_beside_a_value_nested_too_deeply_to_be_parsed_is_stored(
    endpoint, settings, store_path, tmp_path, name
):
    body = changed(x="DEEP", seen={"a": ["[", {}]}).replace(b'"DEEP"', DEEP[name].encode())
    endpoint.answer = lambda *_: Said(body)
    for _ in range(2):
        replies = ask(settings())
        assert [reply.text for reply in replies.values()] == ["Answer: yes"] * 3
    assert endpoint.total == 3
    reading = read_completion(body)
    assert (reading.finish_reason, reading.usage, reading.odd) == ("stop", Usage(10, 4, 5, "reported", 0), ())
    with Store(store_path) as store, Store(tmp_path / "other.sqlite") as other:
        assert verify(store) == []
        assert store.select("SELECT sum(calls), sum(lost) FROM payments") == [(3, 0)]
        export_answers(store, tmp_path / "answers.jsonl")
        assert import_answers(other, checked_export(tmp_path / "answers.jsonl")).added == 3 and verify(other) == []


@pytest.mark.parametrize("name", DEEP)
def test_a_line_of_a_batch_with_a_value_nested_too_deeply_keeps_its_answer(name):
    line = {"custom_id": "ab" * 32, "response": {"status_code": 200, "body": json.loads(changed(x="DEEP"))}}
    result = _result(json.dumps(line).replace('"DEEP"', DEEP[name]).encode())
    assert (result.key, read_completion(result.body).text) == (bytes.fromhex("ab" * 32), "Answer: yes")


@pytest.mark.parametrize("opened, closed", [(5000, 4999), (5000, 4000), (5000, 5001), (5000, 0)])
def test_a_deep_body_whose_brackets_do_not_match_is_torn(opened, closed):
    body = changed(x="DEEP").replace(b'"DEEP"', b"[" * opened + b"]" * closed)
    with pytest.raises(Unusable, match="not JSON") as raised:
        read_completion(body)
    assert raised.value.broke == "torn"


@given(st.recursive(st.none() | st.text('a"\\[]{}'), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_values_within_a_hundred_levels_are_kept_beside_a_deep_one(value):
    text = json.dumps([value, "DEEP", value], ensure_ascii=False).replace('"DEEP"', "[" * 5000 + "]" * 5000)
    first, cut, last = parsed_json(text)
    assert (first, last) == (value, value)
    for _ in range(98):
        (cut,) = cut
    assert cut == [None]


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


@pytest.mark.parametrize("reason", [2, {"type": "abort"}, ["length"], True, "SAFETY_CHECK"])
def test_an_ending_of_another_kind_is_no_full_answer(reason):
    body = json.loads(completion().body)
    body["choices"][0]["finish_reason"] = reason
    assert read_completion(json.dumps(body).encode()).failure == "stopped"


@pytest.mark.parametrize("reason", [None, "", False, 0])
def test_no_ending_is_taken_for_an_answer(reason):
    body = json.loads(completion().body)
    body["choices"][0]["finish_reason"] = reason
    assert read_completion(json.dumps(body).encode()).text == "Answer: yes"


@pytest.mark.parametrize("content", ["Answer: yes", ["Answer: ", "yes"], [{"text": "Answer: "}, "yes", None, 7]])
def test_the_text_of_an_answer_in_every_form(content):
    assert read_completion(changed(choices=[{"message": {"content": content}}])).text == "Answer: yes"


def test_an_error_beside_a_text_is_an_error():
    for body in (
        changed(error={"code": 502}),
        changed(choices=[{"message": {"content": "x"}, "error": {"code": 502}}]),
    ):
        with pytest.raises(Unusable) as raised:
            read_completion(body)
        assert raised.value.broke == "error" and raised.value.usage.tokens_in == 10


@pytest.mark.parametrize("number", ["1" + "0" * 400, "-1" + "0" * 400, "NaN", "-Infinity", "1e999"])
def test_a_log_probability_that_is_no_finite_number_is_said(number):
    body = changed(choices=[{"message": {"content": "yes"}, "logprobs": {"content": [{"token": "a", "logprob": 77}]}}])
    reading = read_completion(body.replace(b"77", number.encode()))
    assert (reading.text, reading.logprob, len(reading.odd)) == ("yes", None, 1)
    assert answer_tokens(body.replace(b"77", number.encode())) == ()


def test_tokens_by_their_other_names_are_counted_and_a_prompt_of_none_is_not_believed():
    assert read_completion(changed(usage={"input_tokens": 7, "output_tokens": 3})).usage == Usage(
        7, 0, 3, "reported", 0
    )
    zero = read_completion(changed(usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}))
    assert zero.usage == Usage() and "tokens are counted here" in zero.odd[0]


def test_a_stream_that_nobody_asked_for_is_named():
    with pytest.raises(Unusable, match=r"a stream, though none was asked for: b'data: \{\}'"):
        read_completion(b"data: {}")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, ANYTHING, max_size=5))
def test_no_body_is_a_traceback(fields):
    body = json.dumps(fields).encode()
    try:
        reading = read_completion(body)
    except Unusable as unusable:
        if unusable.error:
            judge_failure(symptom_of_error(unusable.error))
    else:
        assert reading.failure or isinstance(reading.text, str)
        if reading.failure is None:
            answer_tokens(body), answer_thought(body)
    judge_failure(symptom_of_status(400, body))
