from __future__ import annotations

import email.utils
import time
from dataclasses import replace

import pytest
from fake_endpoint import completion, error, question

from distill.teacher import open_teacher
from distill.teacher.limits import Bucket, Pace, duration, retry_after


def test_a_bucket_holds_a_second_of_its_rate_and_refills():
    bucket = Bucket(per_minute=120, now=0.0)
    for _ in range(2):
        assert bucket.wait(0.0) == 0
        bucket.take(1)
    assert bucket.wait(0.0) == pytest.approx(0.5)
    assert bucket.wait(0.5) == 0


def test_a_bucket_in_debt_waits_for_all_of_it():
    bucket = Bucket(per_minute=60, now=0.0)
    bucket.take(4)
    assert bucket.wait(0.0) == pytest.approx(4.0)


def test_the_requests_of_a_minute_are_spread():
    pace, now, started = Pace(100, 600, None, 0.0), 0.0, 0
    while now < 60:
        wait = pace.wait(now)
        if wait:
            now += wait
        else:
            pace.start(0)
            started += 1
    assert 600 <= started <= 612


def test_tokens_are_reserved_and_corrected_by_what_was_used():
    pace = Pace(10, None, 6000, 0.0)
    pace.start(300)
    assert pace.wait(0.0) == pytest.approx(2.01)
    pace.answered({}, 300, 100, 0.0)
    assert pace.wait(0.0) == pytest.approx(0.01)


def test_a_burst_of_429_cuts_once_and_good_answers_climb_again():
    pace = Pace(64, None, None, 0.0)
    for _ in range(20):
        pace.throttled({}, started=1.0, now=2.0)
    assert pace.limit == 32
    pace.throttled({}, started=3.0, now=4.0)
    assert pace.limit == 16
    for _ in range(16):
        pace.answered({}, 0, None, 5.0)
    assert 16.9 < pace.limit < 17
    for _ in range(5000):
        pace.answered({}, 0, None, 6.0)
    assert pace.limit == 64


def test_the_wait_that_a_server_asks_for_holds_all_calls():
    pace = Pace(8, None, None, 0.0)
    assert pace.throttled({"retry-after": "3"}, 0.0, 1.0) == 3
    assert (pace.wait(1.0), pace.wait(3.5), pace.wait(4.0)) == (3.0, 0.5, 0.0)


def test_an_allowance_that_is_used_up_is_waited_for():
    pace = Pace(8, None, None, 0.0)
    pace.answered({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m2s"}, 0, None, 10.0)
    assert pace.wait(10.0) == 62


def test_durations_and_dates():
    assert [duration(text) for text in ("1s", "6m0s", "20ms", "1h2m3.5s", "7", "", "soon")] == [
        1,
        360,
        0.02,
        3723.5,
        7,
        0,
        0,
    ]
    assert retry_after({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    assert 58 < retry_after({"retry-after": email.utils.formatdate(time.time() + 60, usegmt=True)}) <= 60
    assert retry_after({"retry-after": "86400"}) == 120
    assert retry_after({"retry-after": "in a while"}) == 0


@pytest.mark.parametrize("text", ["1e400s", "1e400", "inf", "nan", "-5", "-5s", "5s ago", "9" * 400 + "s", "1 s", "٣s"])
def test_a_duration_that_is_none_is_no_pause(text):
    pace = Pace(8, None, None, 0.0)
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": text}
    assert pace.answered(headers, 0, None, 10.0) == 0 and pace.wait(10.0) == 0
    assert pace.throttled({**headers, "retry-after-ms": text}, 0.0, 10.0) == 0 and pace.wait(10.0) == 0


@pytest.mark.parametrize("text", ["8h", "1e30", "9" * 30 + "d"])
def test_a_long_pause_is_two_minutes(text):
    pace = Pace(8, None, None, 0.0)
    headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": text}
    assert pace.answered(headers, 0, None, 10.0) == 120 and pace.wait(10.0) == 120


def test_headers_without_sense_stall_no_run(endpoint, settings):
    headers = {
        "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1e400s",
        "x-ratelimit-limit-requests": "9" * 23, "x-ratelimit-remaining-tokens": "-1",
    }  # fmt: skip
    endpoint.answer = lambda body, times: replace(completion(), headers=headers)
    with open_teacher(settings(concurrency=1), "annotate") as teacher:
        assert [reply.failure for reply in teacher.ask([question("a"), question("b")])] == [None, None]


def test_a_pause_that_a_server_asks_for_is_told(endpoint, settings, capsys, monkeypatch):
    monkeypatch.setattr("distill.teacher.limits._LONG_PAUSE_S", 0.001)
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1ms"}
    endpoint.answer = lambda body, times: replace(completion(), headers=headers)
    with open_teacher(settings(), "annotate") as teacher:
        list(teacher.ask([question("a"), question("b")]))
    said = "annotate: the server asks for a pause of 0 s, as its rate limit is reached: no call starts meanwhile."
    assert capsys.readouterr().err.count(said) == 1


def test_a_rate_limited_run_over_http_is_answered_in_full(endpoint, settings):
    endpoint.answer = lambda body, times: error(429, retry_after_ms="1") if times == 1 else completion()
    with open_teacher(settings(), "annotate") as teacher:
        replies = list(teacher.ask([question(str(number)) for number in range(40)]))
    assert len(replies) == 40 and not any(reply.failure for reply in replies)
    assert endpoint.total == 80 and teacher.bill.paid.calls == 40
