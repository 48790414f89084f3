"""docs/refusals.md row by row: what servers say no with, and what becomes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_endpoint import Said, completion, error, question

from distill.teacher import TeacherError, open_teacher
from distill.teacher.failures import RECORDED, judge_failure, symptom_of_error, symptom_of_status
from distill.teacher.reading import Unusable, read_completion

PAGE = Path(__file__).parents[2] / "docs" / "refusals.md"
TABLE = [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in PAGE.read_text().splitlines()]
BODIES = [row for row in TABLE if len(row) == 4 and row[1].isdigit()]
ENDINGS = [row for row in TABLE if len(row) == 2 and row[0].startswith("`")]


def judged(status: int, body: bytes) -> str:
    """What the client makes of a response, by the name that the page gives it."""
    if status != 200:
        failure = judge_failure(symptom_of_status(status, body))
        return RECORDED.get(failure.name, failure.name)
    try:
        return {"stopped": "answer broken off"}.get(read_completion(body).failure, "an answer")
    except Unusable as unusable:
        return judge_failure(symptom_of_error(unusable.error)).name


@pytest.mark.parametrize("server, status, body, becomes", BODIES, ids=[f"{row[0]}-{row[1]}" for row in BODIES])
def test_every_body_of_the_page_becomes_what_the_page_says(server, status, body, becomes):
    assert judged(int(status), body.strip("`").encode()) == becomes


@pytest.mark.parametrize("row", BODIES, ids=[f"{row[0]}-{row[1]}" for row in BODIES])
def test_the_client_does_with_it_what_its_section_says(endpoint, settings, row):
    _, status, body, becomes = row
    refused = Said(body.strip("`").encode(), int(status))
    endpoint.answer = lambda body, times: refused if body["messages"][0]["content"] == "bad" else completion()
    asked = settings(max_retries=1, concurrency=1)
    with open_teacher(asked, "annotate") as teacher:
        try:
            replies = {reply.row_id: reply.failure for reply in teacher.ask([question("bad"), question("good")])}
        except TeacherError as stop:
            assert "What to do: " in str(stop) and endpoint.total == 1
            assert judge_failure(symptom_of_status(int(status), refused.body)).action == "stop" or status == "200"
            return
    assert replies["good"] is None
    if becomes in RECORDED.values():
        assert replies["bad"] == becomes and endpoint.calls["bad"] == 1
    else:
        assert endpoint.calls["bad"] == 2
        assert replies["bad"] == "stopped" or replies["bad"].startswith(f"failed: {becomes}")


def test_the_page_has_every_row_error_and_ending():
    assert {row[3] for row in BODIES} >= {"content_filter", "context_length", "rate limit", "quota", "refused request"}
    assert len(BODIES) > 35 and len(ENDINGS) == 5


@pytest.mark.parametrize("reasons, read_as", ENDINGS, ids=[row[1] for row in ENDINGS])
def test_every_ending_of_the_page_is_read_as_it_says(reasons, read_as):
    for reason in [*(part.strip("` ") for part in reasons.split(",") if part.strip().startswith("`"))]:
        reading = read_completion(completion("Answer: yes", reason).body)
        ends = (reading.text, reading.finish_reason, reading.failure)
        assert ends == {
            "a whole answer": ("Answer: yes", "stop", None),
            "an answer that was cut": ("Answer: yes", "length", None),
            "content_filter": (None, "content_filter", "content_filter"),
            "refusal": (None, "stop", "refusal"),
        }.get(read_as, (None, f"stopped: {reason}", "stopped")), reason


def test_an_unknown_refusal_is_a_rows_own_where_a_setting_says_so(endpoint, settings):
    endpoint.answer = lambda body, times: (
        error(400, "bad", "This TEXT cannot be processed") if body["messages"][0]["content"] == "bad" else completion()
    )
    with (
        open_teacher(settings(), "annotate") as teacher,
        pytest.raises(TeacherError, match=r"put words of this message into teacher\.row_errors"),
    ):
        list(teacher.ask([question("bad"), question("good")]))
    with open_teacher(settings({"row_errors": ("text cannot be",)}), "annotate") as teacher:
        replies = {reply.row_id: reply.failure for reply in teacher.ask([question("bad"), question("good")])}
    assert replies == {"bad": "row_error", "good": None}


@pytest.mark.parametrize("status, code", [(401, "key"), (402, "quota"), (404, "unknown model")])
def test_no_pattern_turns_a_key_a_quota_or_a_missing_model_into_a_rows_error(status, code):
    symptom = symptom_of_status(status, json.dumps({"error": {"message": "x"}}).encode())
    failure = judge_failure(symptom, (".",))
    assert failure.name == code and failure.action == "stop"


@pytest.mark.parametrize(
    "message",
    ["Model overloaded", "You have no access to this project", "Unsupported value: 'temperature'", "invalid json"],
)
def test_what_concerns_every_row_is_no_rows_own(message):
    body = json.dumps({"error": {"message": message, "code": "invalid_request_error"}}).encode()
    assert judge_failure(symptom_of_status(400, body)).action == "stop"
