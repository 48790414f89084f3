"""A local teacher for real: SmolLM2-135M, served by llama.cpp, asked by the client that asks every teacher."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import urllib.error
import urllib.request

import pytest
from fake_endpoint import question
from small_model import MODEL, SHA256, small_model

from distill.settings.runtime import LocalServerSettings
from distill.settings.teacher import LocalModelSettings
from distill.teacher import open_teacher
from distill.teacher.exchange import TeacherError
from distill.teacher.local.model import LocalModel
from distill.teacher.store import Store

SCHEMA = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": ["larger", "smaller"]}},
    "required": ["label"],
    "additionalProperties": False,
}


@pytest.fixture
def local(settings):
    """Settings that ask the small model; keywords replace those of teacher.local and the section teacher."""
    file = small_model()

    def make(sha256=SHA256, context_tokens=256, path=file, slots=2, **teacher):
        asked = {"provider": "local", "model": MODEL, "local": LocalModelSettings(sha256, context_tokens)}
        return settings(asked | teacher, prices={}, local=LocalServerSettings(str(path), slots, threads=1))

    return make


def ask(settings, *texts, **kwargs):
    with open_teacher(settings, "annotate") as teacher:
        requests = [question(text, model=MODEL, **{"max_tokens": 6, **kwargs}) for text in texts]
        return {reply.row_id: reply for reply in teacher.ask(requests)}


@pytest.fixture
def servers(monkeypatch):
    """The processes of all servers that the test starts."""
    started, start = [], LocalModel._start

    def noting(self, what):
        address = start(self, what)
        started.append(self._process)
        return address

    monkeypatch.setattr(LocalModel, "_start", noting)
    return started


def test_rows_are_asked_once_and_the_server_ends_with_the_block(local, servers, store_path, capsys, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # nobody is there
    texts = [f"Is a mouse larger than {number} houses?" for number in range(4)]
    replies = ask(local(), *texts)
    assert set(replies) == set(texts)
    for reply in replies.values():
        assert reply.failure is None and reply.text and reply.finish_reason in ("stop", "length")
        assert reply.usage.tokens_from == "reported" and reply.usage.tokens_in > 30 and reply.usage.tokens_out <= 6
        assert reply.model.startswith(f"{MODEL} sha256:{SHA256[:12]} xllamacpp:")
    assert [process.returncode for process in servers] == [-signal.SIGKILL]
    file = small_model()
    assert f"annotate: llama.cpp loads {file}: 2 slots of 256 tokens, threads: 1\n" in capsys.readouterr().err

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)  # as without xllamacpp
    again = ask(local(path="gone.gguf"), *texts)
    assert all(reply.from_store for reply in again.values()) and len(servers) == 1
    assert {key: reply.text for key, reply in again.items()} == {key: reply.text for key, reply in replies.items()}
    with Store(store_path) as store:
        assert store.select("SELECT DISTINCT endpoint FROM answers") == [(f"gguf sha256:{SHA256} context:256",)]


def test_the_server_is_on_loopback_and_answers_nobody_without_its_key(local):
    with LocalModel(local()) as model:
        client = model.client(print)
        assert client._url.startswith("http://127.0.0.1:")
        body = json.dumps({"messages": [{"role": "user", "content": "Is a mouse large?"}]}).encode()
        request = urllib.request.Request(client._url, body, {"Content-Type": "application/json"})
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(request)


def test_an_answer_follows_a_schema_and_has_log_probabilities(local):
    form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}
    (reply,) = ask(
        local(logprobs=True), "Is a mouse larger or smaller than a house?", max_tokens=40, response_format=form
    ).values()
    assert json.loads(reply.text)["label"] in ("larger", "smaller") and reply.finish_reason == "stop"
    # llama.cpp cuts the marks of a code block off the text, and leaves them among the tokens.
    assert reply.logprob < 0 and reply.text in "".join(token.text for token in reply.tokens)
    assert all(0 < token.probability <= 1 and len(token.likeliest) == 5 for token in reply.tokens)


def test_a_prompt_that_is_too_long_is_counted_the_others_go_on_and_a_larger_context_takes_it(local, capsys):
    long = "mouse " * 250
    replies = ask(local(), long, "Is a mouse large?")
    assert {text: reply.failure for text, reply in replies.items()} == {
        long: "context_length",
        "Is a mouse large?": None,
    }
    assert "rows without a usable answer: context_length 1" in capsys.readouterr().err
    assert ask(local(context_tokens=512, slots=1), long)[long].failure is None


def test_a_truncated_file_ends_in_one_line_with_llama_cpps_reason(local, tmp_path):
    content = small_model().read_bytes()[:50_000_000]
    short = tmp_path / "short.gguf"
    short.write_bytes(content)
    with pytest.raises(TeacherError) as error:
        ask(local(sha256=hashlib.sha256(content).hexdigest(), path=short), "Is a mouse large?")
    assert f"runtime.local.file: {short} cannot be served: tensor '" in str(error.value)
    assert "is not within the file bounds, model is corrupted or incomplete" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_server_that_is_killed_stops_the_stage_and_says_so(local, monkeypatch):
    start = LocalModel._start

    def killed(self, what):
        address = start(self, what)
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
        return address

    monkeypatch.setattr(LocalModel, "_start", killed)
    with pytest.raises(TeacherError) as error:
        ask(local(), "Is a mouse large?")
    assert str(error.value).startswith(
        "the local model's server ended: signal 9, perhaps for want of memory: lower runtime.local.slots."
    )
