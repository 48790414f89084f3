"""Every cell of the table of failures, on the real client over HTTP."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from fake_endpoint import Said, completion, error, question

from distill.teacher import TeacherError, Usage, open_teacher
from distill.teacher.failures import FAILURES, Symptom, judge_failure, symptom_of_error, symptom_of_status
from distill.teacher.store import Store

PAGE = Path(__file__).parents[2] / "docs" / "teachers.md"
RETRIED = {
    "connection": Said(cut=True),
    "torn JSON": Said(b'{"choices": [{"mess'),
    "empty answer": Said(b'{"choices": []}'),
    "request timeout": error(408),
    "conflict": error(409),
    "rate limit": error(429, "rate_limit_exceeded", "slow down"),
    "server error": error(503),
}
STOPPING = {
    "quota": (error(429, "insufficient_quota", "You exceeded your current quota"), "add credit"),
    "key": (error(401, "invalid_api_key"), "runtime.key_env"),
    "permission": (error(403), "rights at the provider"),
    "unknown model": (error(404, "model_not_found"), "check teacher.model"),
    "redirect": (Said(status=307, headers={"Location": "https://b.example/v1"}), "to https://b.example/v1.*set it"),
    "refused request": (error(400, "bad_request", "no such thing here"), "compare the teacher settings"),
}
RECORDED = {
    "oversized body": (Said(b'{"a": 1}, ' * 200_000), "oversized"),
    "context length": (error(400, "context_length_exceeded", "maximum context length is 4096"), "context_length"),
    "content filter": (error(400, "content_filter"), "content_filter"),
    "content filter in the answer": (completion("", "content_filter"), "content_filter"),
    "refusal": (completion(None, refusal="I cannot help with that"), "refusal"),
}


def ask(settings, requests):
    with open_teacher(settings, "annotate") as teacher:
        return {reply.row_id: reply for reply in teacher.ask(requests)}, teacher.bill


def failing_first(answer, times):
    """Row "bad" fails so many times before it is answered."""
    return lambda body, asked: answer if body["messages"][0]["content"] == "bad" and asked <= times else completion()


def test_the_tests_below_cover_the_whole_table():
    tested = {"timeout", "answer broken off", *RETRIED, *STOPPING, *RECORDED} - {
        "content filter in the answer",
        "refusal",
    }
    assert tested == {failure.name for failure in FAILURES}
    assert {failure.name for failure in FAILURES if failure.action == "stop"} == set(STOPPING)
    assert all(failure.advice for failure in FAILURES if failure.action == "stop")


def test_the_readme_has_the_same_table():
    rows = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    said = {name.strip(): row[3] for row in rows for name in row[1].split(",")}
    words = {"retry": " retried", "stop": " stops the run", "record": " stored with its status"}
    for failure in FAILURES:
        assert said[failure.name].startswith(words[failure.action]), failure.name


@pytest.mark.parametrize("name", RETRIED)
def test_a_passing_failure_is_asked_again_until_it_passes(endpoint, settings, capsys, name):
    endpoint.answer = failing_first(RETRIED[name], 2)
    capsys.readouterr()
    replies, bill = ask(settings(max_retries=2), [question("good"), question("bad")])
    assert {row: reply.failure for row, reply in replies.items()} == {"good": None, "bad": None}
    billed = 2 if name in ("connection", "torn JSON") else 0  # what a vendor may bill, though no answer came
    assert (endpoint.calls["bad"], endpoint.calls["good"], bill.paid.calls) == (3, 1, 2 + billed)
    assert (bill.unanswered.calls, bill.lost) == (billed, billed)
    assert f"annotate: asked again: {name} 2" in capsys.readouterr().err


@pytest.mark.parametrize("name", RETRIED)
def test_a_failure_that_does_not_pass_fails_its_row_alone_and_stores_nothing(endpoint, settings, store_path, name):
    endpoint.answer = failing_first(RETRIED[name], 99)
    replies, bill = ask(settings(max_retries=1, concurrency=1), [question("good"), question("bad")])
    assert replies["good"].failure is None
    assert replies["bad"].failure.startswith(f"failed: {name}") and replies["bad"].failure.endswith("2 attempts")
    assert (endpoint.calls["bad"], bill.as_if_cold.calls, len(Store(store_path))) == (2, 1, 1)


def test_a_time_out_is_a_passing_failure(endpoint, settings):
    endpoint.hold.clear()
    replies, _ = ask(settings(timeout_s=0.02, max_retries=1), [question("bad")])
    assert replies["bad"].failure == "failed: timeout: no answer within 0.02 s, 2 attempts"
    assert endpoint.calls["bad"] == 2


@pytest.mark.parametrize("name", STOPPING)
def test_a_lasting_failure_stops_at_once_and_says_what_to_do(endpoint, settings, store_path, name):
    answer, advice = STOPPING[name]
    endpoint.answer = failing_first(answer, 99)
    rows = [question("good"), question("bad"), *(question(str(number)) for number in range(500))]
    with pytest.raises(TeacherError, match=f"row 'bad': {name}.*{advice}.*answered and stored; missing: bad,"):
        ask(settings(concurrency=1), rows)
    assert endpoint.calls == {"good": 1, "bad": 1} and len(Store(store_path)) == 1


@pytest.mark.parametrize("name", RECORDED)
def test_a_failure_of_one_row_is_stored_with_its_status_and_not_paid_again(endpoint, settings, name):
    answer, status = RECORDED[name]
    endpoint.answer = failing_first(answer, 99)
    for _ in range(2):
        replies, _ = ask(settings(max_body_mb=1), [question("good"), question("bad")])
        assert (replies["bad"].failure, replies["bad"].text) == (status, None)
        assert replies["good"].failure is None
    assert endpoint.total == 2


def test_an_answer_cut_by_length_is_an_answer_that_says_so(endpoint, settings, capsys):
    endpoint.answer = lambda body, times: completion("The answer is", "length")
    replies, _ = ask(settings(), [question("a")])
    assert (replies["a"].failure, replies["a"].finish_reason, replies["a"].text) == (None, "length", "The answer is")
    assert "annotate: 1 rows without a usable answer: cut at max_tokens 1" in capsys.readouterr().err


def test_an_error_without_json_is_still_understood(endpoint, settings):
    endpoint.answer = lambda body, times: Said(b"<html>Bad Gateway</html>", 502)
    replies, _ = ask(settings(max_retries=0), [question("a")])
    assert replies["a"].failure == "failed: server error (502): <html>Bad Gateway</html>, 1 attempts"


def test_a_server_that_is_not_there_stops_the_run(settings):
    with pytest.raises(
        TeacherError, match=r"http://127\.0\.0\.1:9/v1: connection.*start the server, or check teacher.base_url"
    ):
        ask(settings({"base_url": "http://127.0.0.1:9/v1"}, max_retries=1), [question("a")])


def test_a_call_that_found_no_connection_costs_nothing(endpoint, settings, monkeypatch, store_path):
    """A server that takes connections and never says its half of TLS; a proxy that opens no tunnel; a closed port."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mute = f"https://127.0.0.1:{silent.getsockname()[1]}/v1"
        for base_url, proxy, why in (
            (mute, "", "no connection within 0.05 s"),
            ("https://teacher.invalid/v1", endpoint.base_url.removesuffix("/v1"), ""),
            ("http://127.0.0.1:9/v1", "", ""),
        ):
            monkeypatch.setenv("https_proxy", proxy)
            with pytest.raises(TeacherError, match=f"connection: .*{why}.*start the server.*nothing is paid twice"):
                ask(settings({"base_url": base_url}, max_retries=1, timeout_s=0.05), [question("a")])
    with Store(store_path) as store:
        assert store.select("SELECT count(*) FROM payments") == [(0,)]


def test_a_summary_counts_rows_without_an_answer_by_cause(endpoint, settings, capsys):
    endpoint.answer = lambda body, times: error(500) if "bad" in body["messages"][0]["content"] else completion()
    ask(settings(max_retries=0), [question("good"), question("bad 1"), question("bad 2")])
    assert "annotate: 2 rows without a usable answer: server error 2" in capsys.readouterr().err


def test_usage_without_a_report_is_estimated_and_says_so(endpoint, settings):
    endpoint.answer = lambda body, times: completion("four", usage=False)
    replies, _ = ask(settings(), [question("twelve bytes")])
    # 12 bytes are 3 tokens, and the chat format adds 4
    assert replies["twelve bytes"].usage == Usage(7, 0, 1, "estimate")


def test_the_first_fitting_row_of_the_table_decides():
    assert judge_failure(Symptom(status=429, code="insufficient_quota")).action == "stop"
    assert judge_failure(Symptom(status=429, message="Rate limit reached")).action == "retry"
    assert judge_failure(Symptom(status=404)).name == "unknown model"
    assert judge_failure(Symptom(status=418)).name == "refused request"


@pytest.mark.parametrize("levels", [50, 400, 900])
def test_an_error_nested_deeply_is_judged_by_what_can_be_read(levels):
    """Writing what is nested takes more of Python's stack than reading it did."""
    deep = json.loads('{"a":' * levels + "1" + "}" * levels)
    for nested in ({"code": "429", "message": deep}, {"code": "429", "detail": [deep]}):
        assert judge_failure(symptom_of_error(nested)).action == "retry"
    assert judge_failure(symptom_of_error([deep])).name == "server error"
    body = b'{"error":' * levels + b'"rate limit"' + b"}" * levels
    assert judge_failure(symptom_of_status(429, body)).action == "retry"


@pytest.mark.parametrize("word", ["9" * 5000, "a." * 2500, "unknown field " * 400, "'a" * 2500])
def test_a_long_code_or_message_is_judged_by_its_beginning(word):
    """The patterns for parameters took minutes on a code of 5,000 digits, as the fuzzer found."""
    failure = judge_failure(symptom_of_status(400, json.dumps({"error": {"code": word, "message": word}}).encode()))
    assert failure.name == "refused request"
    assert len(symptom_of_error({"code": word, "message": word}).code) == 500
