"""The simulated teacher over HTTP: the API as the `openai` client sees it, faults, and the process."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import openai
import pytest

from distill.settings.loader import SettingsError
from distill.teacher.simulated import ServerFault, serve
from distill.teacher.simulated.faults import ERRORS, FaultSchedule, faults_from

ROOT = Path(__file__).parents[2]
FILE = ROOT / "data/examples/practice.yaml"
QUESTION = "How big is a fork next to a stadium?"
ASK = (
    "Step by step, state the usual size of the first and of the second in one short sentence. Double-check it. "
    'End your answer with exactly "So the answer is X.", where X is one of "larger", "smaller" or "similar".'
)
ASKED = [{"role": "user", "content": f"{QUESTION} {ASK}"}]


def post(server, body, path="/chat/completions", headers=()):
    """(status, headers, body) of a request; a dict is sent as JSON."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    request = urllib.request.Request(
        server.base_url + path, data=data, headers={"Content-Type": "application/json", **dict(headers)}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, response.headers, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.loads(error.read()) if "json" in error.headers["Content-Type"] else {}


def asked(**changes):
    return {"model": "simulated-1", "messages": ASKED, "temperature": 0, "max_tokens": 100, **changes}


@pytest.fixture(scope="module")
def server():
    with serve(FILE) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    with openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=0, timeout=5) as made:
        yield made


def test_the_openai_client_reads_an_answer(server, client):
    before = server.calls
    answer = client.chat.completions.create(**asked())
    assert server.calls == before + 1
    choice = answer.choices[0]
    assert (
        choice.message.content
        == "The first is hand sized and the second is street sized, so the first is smaller. So the answer is smaller."
    )
    assert (choice.message.role, choice.message.refusal, choice.finish_reason, choice.index, choice.logprobs) == (
        "assistant",
        None,
        "stop",
        0,
        None,
    )
    assert answer.model == "simulated-1" and answer.object == "chat.completion"
    assert answer.system_fingerprint == f"simulated-{server.identity[:8]}"
    # Pieces of up to six letters; 4 a message and 3 a prompt are added.
    assert (
        answer.usage.prompt_tokens == 78 and answer.usage.completion_tokens == 26 and answer.usage.total_tokens == 104
    )
    assert answer.usage.prompt_tokens_details.cached_tokens == 0


def test_the_same_request_gets_the_same_answer(server):
    one, other = (post(server, asked(temperature=1, seed=3))[2] for _ in range(2))
    assert one | {"created": 0} == other | {"created": 0}


def test_models(client):
    assert [model.id for model in client.models.list()] == ["simulated-1"]


@pytest.mark.parametrize(
    ("body", "status", "param", "code"),
    [
        (b"{", 400, None, None),
        (b"[]", 400, None, None),
        ({"model": "simulated-1"}, 400, "messages", "missing_required_parameter"),
        (asked(messages=[]), 400, "messages", "missing_required_parameter"),
        ({"messages": ASKED}, 400, "model", None),
        (asked(model="gpt-4o"), 404, "model", "model_not_found"),
        (asked(messages=[{"role": "robot", "content": "x"}]), 400, "messages[0].role", "invalid_value"),
        (asked(messages=[{"role": "user", "content": 3}]), 400, "messages[0].content", "invalid_value"),
        (asked(temperature=2.5), 400, "temperature", "invalid_value"),
        (asked(temperature="0"), 400, "temperature", "invalid_value"),
        (asked(max_tokens=0), 400, "max_tokens", "invalid_value"),
        (asked(n=17), 400, "n", "invalid_value"),
        (asked(stop=["a"] * 5), 400, "stop", "invalid_value"),
        (asked(stream=True), 400, "stream", "unsupported_value"),
        (asked(best_of=2), 400, "best_of", "unknown_parameter"),
        (asked(response_format={"type": "xml"}), 400, "response_format.type", "invalid_value"),
        (asked(response_format={"type": "json_object"}), 400, "messages", None),
        (asked(messages=[{"role": "user", "content": "word " * 17_000}]), 400, "messages", "context_length_exceeded"),
    ],
)
def test_a_bad_request_gets_the_apis_own_error(server, body, status, param, code):
    got, _, answer = post(server, body)
    error = answer["error"]
    assert (got, error["type"], error["param"], error["code"]) == (status, "invalid_request_error", param, code)
    assert error["message"]


def test_an_unknown_address_is_a_404(server):
    status, _, body = post(server, asked(), path="/completions")
    assert status == 404 and body["error"]["message"] == "Invalid URL (POST /v1/completions)"


def test_n_choices(server):
    body = post(server, asked(n=3, temperature=1.5))[2]
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    one = post(server, asked(temperature=1.5))[2]
    assert body["usage"]["prompt_tokens"] == one["usage"]["prompt_tokens"]
    assert body["usage"]["completion_tokens"] > one["usage"]["completion_tokens"]


def test_max_tokens_and_stop_cut(server):
    whole = post(server, asked())[2]["choices"][0]["message"]["content"]
    body = post(server, asked(max_tokens=5))[2]
    assert body["choices"][0]["message"]["content"] == "The first is hand sized"
    assert (body["choices"][0]["finish_reason"], body["usage"]["completion_tokens"]) == ("length", 5)
    stopped = post(server, asked(stop=", so"))[2]["choices"][0]
    assert stopped["message"]["content"] == whole.split(", so")[0] and stopped["finish_reason"] == "stop"


def test_the_sample_index_draws_again_unless_temperature_is_0(server):
    def texts(temperature):
        bodies = (
            post(server, asked(temperature=temperature), headers={"X-Sample-Index": str(i)})[2] for i in range(20)
        )
        return {body["choices"][0]["message"]["content"] for body in bodies}

    assert len(texts(0)) == 1
    assert len(texts(1)) > 3


@pytest.mark.parametrize("kind", sorted(ERRORS))
def test_each_error_is_told_in_the_apis_own_form(kind):
    status, type_, code, message = ERRORS[kind]
    with serve(FILE, faults=[ServerFault(kind, first=1)]) as server:
        got, _, body = post(server, asked())
        assert (got, body["error"]) == (status, {"message": message, "type": type_, "param": None, "code": code})
        assert post(server, asked())[0] == 200, "the second try is answered"
        assert server.calls == 2


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("timeout_408", openai.APIStatusError),
        ("conflict_409", openai.ConflictError),
        ("rate_limit", openai.RateLimitError),
        ("unauthorized", openai.AuthenticationError),
        ("forbidden", openai.PermissionDeniedError),
        ("model_not_found", openai.NotFoundError),
        ("context_length", openai.BadRequestError),
        ("server_error", openai.InternalServerError),
        ("bad_gateway", openai.InternalServerError),
        ("unavailable", openai.InternalServerError),
        ("cut", openai.APIConnectionError),
        ("torn_body", openai.APIConnectionError),
        ("hang", openai.APITimeoutError),
    ],
)
def test_the_client_sees_each_failure_for_what_it_is(kind, seen):
    with (
        serve(FILE, faults=[ServerFault(kind, rate=1.0)]) as server,
        openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=0, timeout=0.3) as client,
        pytest.raises(seen),
    ):
        client.chat.completions.create(**asked())


@pytest.mark.parametrize(
    ("kind", "content", "refusal", "finish"),
    [
        ("null_content", None, None, "stop"),
        ("refusal", None, "I'm sorry, I can't assist with that request.", "stop"),
        ("content_filter", "", None, "content_filter"),
        ("length", "The first is hand sized and the second is street sized", None, "length"),
    ],
)
def test_answers_that_hold_none_or_a_part(kind, content, refusal, finish):
    with serve(FILE, faults=[ServerFault(kind, rate=1.0)]) as server:
        choice = post(server, asked())[2]["choices"][0]
    message = choice["message"]
    assert (message["refusal"], choice["finish_reason"]) == (refusal, finish)
    assert message["content"] == content or (kind == "length" and message["content"].startswith(content))


def test_empty_choices_and_torn_json():
    with serve(FILE, faults=[ServerFault("empty_choices", first=1), ServerFault("torn_json", rate=1.0)]) as server:
        assert post(server, asked())[2]["choices"] == []
        with pytest.raises(json.JSONDecodeError):
            post(server, asked())


def test_a_rate_limit_says_when_to_come_back():
    with serve(
        FILE, faults=[ServerFault("rate_limit", first=1, retry_after=0.25), ServerFault("rate_limit", first=2)]
    ) as server:
        _, headers, _ = post(server, asked())
        assert headers["Retry-After"] == "0.25" and headers["x-ratelimit-reset-requests"] == "250ms"
        assert headers["x-ratelimit-remaining-tokens"] == "0"
        _, headers, _ = post(server, asked())
        assert "Retry-After" not in headers and "x-ratelimit-reset-requests" not in headers


def test_faults_repeat_with_the_request_and_the_try():
    def kinds(fault):
        schedule = FaultSchedule([fault])
        return [schedule.next(b"%d" % (i % 50)) is not None for i in range(1000)]

    assert kinds(ServerFault("server_error", rate=0.3)) == kinds(ServerFault("server_error", rate=0.3))
    assert 250 < sum(kinds(ServerFault("server_error", rate=0.3))) < 350
    assert kinds(ServerFault("server_error", first=2)) == [True] * 100 + [False] * 900
    assert kinds(ServerFault("server_error", rate=1.0, containing="7")).count(True) == 5 * 20  # 7, 17, 27, 37, 47


def test_of_several_faults_the_first_that_applies_is_given():
    schedule = FaultSchedule([ServerFault("cut", first=1), ServerFault("hang", rate=1.0, containing="a")])
    assert [
        fault and fault.kind
        for fault in (schedule.next(b"a"), schedule.next(b"a"), schedule.next(b"b"), schedule.next(b"b"))
    ] == ["cut", "hang", "cut", None]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"kind": "earthquake", "rate": 1}, "is 'earthquake'; allowed: timeout_408, "),
        ({"kind": "cut"}, "rate is 0.0 and first is 0"),
        ({"kind": "cut", "rate": 1.5}, "rate is 1.5"),
        ({"kind": "cut", "chance": 0.1}, "unknown key 'chance'; known: kind, rate, first"),
    ],
)
def test_a_fault_that_means_nothing_is_refused(value, message):
    with pytest.raises(ValueError, match=message):
        faults_from([value])


def test_latency_is_waited_for():
    with serve(FILE, latency_ms=50) as server:
        started = time.perf_counter()
        post(server, asked())
        assert time.perf_counter() - started >= 0.05


def test_a_server_closes_over_hanging_requests_and_frees_its_port():
    with serve(FILE, faults=[ServerFault("hang", rate=1.0)]) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("POST", "/v1/chat/completions", json.dumps(asked()))
        port = server.port
    with serve(FILE, port=port) as again:
        assert again.base_url == f"http://127.0.0.1:{port}/v1"
        with pytest.raises(OSError), serve(FILE, port=port):
            pass
    connection.close()


def test_the_identity_is_of_the_file_and_nothing_else(tmp_path, server):
    other = tmp_path / "other.yaml"
    other.write_bytes(FILE.read_bytes())
    with serve(other) as copy:
        assert copy.identity == server.identity and len(copy.identity) == 16
    other.write_text(FILE.read_text().replace("slips: 0.19", "slips: 0.18"))
    with serve(other) as changed:
        assert changed.identity != server.identity


def test_a_file_that_it_cannot_know_is_an_error_before_anything_starts(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.yaml: cannot be read"), serve(tmp_path / "none.yaml"):
        pass
    (tmp_path / "odd.yaml").write_text("kind: riddle")
    with (
        pytest.raises(SettingsError, match=r"odd\.yaml: kind: is 'riddle'; allowed: comparison, keywords"),
        serve(tmp_path / "odd.yaml"),
    ):
        pass


def test_it_runs_as_a_process_until_it_is_told_to_stop():
    faults = json.dumps([{"kind": "unavailable", "first": 1, "retry_after": 1}])
    command = [sys.executable, "-m", "distill.teacher.simulated", "--path", str(FILE), "--faults", faults]
    with subprocess.Popen(command, cwd=ROOT / "stages", stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[0]

        class At:
            base_url = address

        assert post(At, asked())[0] == 503
        assert post(At, asked())[0] == 200
        process.terminate()
        assert process.wait(timeout=10) == 0


def test_as_a_process_it_names_a_bad_fault():
    command = [
        sys.executable,
        "-m",
        "distill.teacher.simulated",
        "--path",
        str(FILE),
        "--faults",
        '[{"kind": "x", "rate": 1}]',
    ]
    done = subprocess.run(command, cwd=ROOT / "stages", capture_output=True, text=True)
    assert done.returncode == 2 and "kind of fault is 'x'; allowed: " in done.stderr
