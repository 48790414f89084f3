"""What determines an answer is in the key; what does not is not."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from fake_endpoint import FakeEndpoint, question

from distill.teacher import open_teacher
from distill.teacher.keys import SeenKeys, request_body, request_key

BASE = replace(question("a"), messages=({"role": "system", "content": "Be brief."}, {"role": "user", "content": "a"}))
DETERMINES = {
    "model": {"model": "other"},
    "system prompt": {"messages": ({"role": "system", "content": "Be long."}, BASE.messages[1])},
    "message": {"messages": (BASE.messages[0], {"role": "user", "content": "b"})},
    "temperature": {"temperature": 0.5},
    "top_p": {"top_p": 0.9},
    "max tokens": {"max_tokens": 51},
    "seed": {"seed": 2},
    "no seed": {"seed": None},
    "response format": {"response_format": {"type": "json_object"}},
    "stop": {"stop": ("\n",)},
    "sample index": {"sample": 1},
}
LEAVES = {"row id": {"row_id": "other"}, "source": {"source": "train/3"}, "purpose": {"purpose": "label"}}


def asked(settings, request):
    with open_teacher(settings, "annotate") as teacher:
        [reply] = teacher.ask([request])
    return not reply.from_store


@pytest.mark.parametrize("name", DETERMINES)
def test_a_change_of_what_determines_the_answer_is_a_miss(settings, name):
    assert asked(settings(), BASE)
    assert asked(settings(), replace(BASE, **DETERMINES[name]))
    assert not asked(settings(), BASE)


@pytest.mark.parametrize("name", LEAVES)
def test_a_change_of_what_only_names_the_row_is_a_hit(settings, name):
    assert asked(settings(), BASE)
    assert not asked(settings(), replace(BASE, **LEAVES[name]))


def test_another_endpoint_is_a_miss(settings):
    assert asked(settings(), BASE)
    with FakeEndpoint() as other:
        assert asked(settings({"base_url": other.base_url}), BASE)
    assert not asked(settings({"base_url": settings().teacher.base_url + "/"}), BASE)


@pytest.mark.parametrize("name, value", [("logprobs", True), ("max_tokens_field", "max_completion_tokens")])
def test_a_change_of_what_is_sent_with_every_request_is_a_miss(endpoint, settings, name, value):
    assert asked(settings(), BASE)
    assert asked(settings({name: value}), BASE)
    assert endpoint.bodies[0] != endpoint.bodies[1]


def test_key_time_outs_and_concurrency_are_hits(endpoint, settings, monkeypatch):
    assert asked(settings(), BASE)
    monkeypatch.setenv("OTHER_KEY", "sk-other")
    for change in (
        {"key_env": "OTHER_KEY"},
        {"timeout_s": 9.0},
        {"concurrency": 3},
        {"max_retries": 0},
        {"requests_per_minute": 60},
    ):
        assert not asked(settings(**change), BASE)
    assert endpoint.total == 1


def test_the_key_is_pinned():
    """A change of this value would make everybody pay again."""
    sent = request_body(BASE)
    assert sent == (
        b'{"max_tokens":50,"messages":[{"content":"Be brief.","role":"system"},{"content":"a","role":"user"}],'
        b'"model":"fake","seed":1,"temperature":0.0,"top_p":1.0}'
    )
    assert (
        request_key("http://e/v1", sent, 0).hex() == "8afd31c506049273f0e3f8b6d56fa3ba4f6be183f6cdc320229cef4f07337c08"
    )


def test_text_is_hashed_as_it_is_sent():
    assert "ü".encode() in request_body(replace(BASE, messages=({"role": "user", "content": "ü"},)))


def hashed(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def test_every_key_is_new_once_and_the_table_grows():
    seen = SeenKeys()
    assert all(seen.add(hashed(number)) for number in range(5000))
    assert not any(seen.add(hashed(number)) for number in range(5000))
    assert len(seen) == 5000 and seen.add(hashed(5000))


def test_it_stays_small():
    seen = SeenKeys()
    for number in range(20_000):
        seen.add(hashed(number))
    assert seen._table.itemsize * len(seen._table) == 8 * 32_768


def test_a_key_that_begins_with_zeros_is_a_key():
    seen = SeenKeys()
    assert seen.add(bytes(32)) and not seen.add(bytes(32))
