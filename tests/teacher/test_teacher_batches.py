from __future__ import annotations

import os
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from unittest import mock

import pytest
from fake_batches import FakeBatchEndpoint
from fake_endpoint import completion, error, question

from distill.teacher import TeacherError, open_teacher
from distill.teacher.asking import Asking
from distill.teacher.batch_ledger import open_batches, record_batch
from distill.teacher.budget import BudgetReached
from distill.teacher.keys import request_body, request_key
from distill.teacher.reservations import held_back
from distill.teacher.session import Job
from distill.teacher.store import Store

ROWS = [question(f"row {number}") for number in range(30)]


@pytest.fixture
def endpoint():
    with FakeBatchEndpoint() as server:
        yield server


@pytest.fixture
def batch(settings):
    """Settings with teacher.mode: batch."""
    return lambda **runtime: settings({"mode": "batch"}, **runtime)


def ask(settings, rows=ROWS):
    with open_teacher(settings, "annotate") as teacher:
        return {reply.row_id: reply for reply in teacher.ask(rows)}, teacher.bill


def test_a_batch_answers_all_rows_at_half_the_price_and_into_the_store(endpoint, batch, settings, store_path, capsys):
    replies, bill = ask(batch())
    assert {reply.text for reply in replies.values()} == {"Answer: yes"} and len(replies) == 30
    assert (endpoint.batched, endpoint.total, bill.paid.calls) == (30, 0, 30)
    assert bill.paid.usd == bill.as_if_cold.usd == 30 * Decimal("0.000009")
    with Store(store_path) as store:
        assert store.select("SELECT mode, count(*) FROM answers GROUP BY mode") == [("batch", 30)]
        assert store.select("SELECT stage, calls, picodollars FROM payments") == [("annotate", 30, 30 * 9_000_000)]
        assert open_batches(store) == [] and store.select("SELECT count(*) FROM claims") == [(0,)]
    assert "annotate: batch batch-0: 30 rows sent" in capsys.readouterr().err
    replies, bill = ask(settings())
    assert all(reply.from_store for reply in replies.values()) and bill.as_if_cold.usd == 30 * Decimal("0.000009")


def test_answers_are_joined_by_id_and_not_by_order(endpoint, batch):
    endpoint.answer = lambda body, times: completion(f"answer to {body['messages'][0]['content']}")
    replies, _ = ask(batch())
    assert all(reply.text == f"answer to {row}" for row, reply in replies.items())


def test_an_unfinished_batch_is_taken_up_by_a_later_run(endpoint, batch, store_path):
    endpoint.polls = 10**9
    with open_teacher(batch(), "annotate") as teacher:
        asking = teacher.ask(ROWS)
        teacher_stops_when(lambda: endpoint.looks.get("batch-0", 0) > 1, asking)
    with Store(store_path) as store:
        [waiting] = open_batches(store)
        assert (waiting.id, waiting.rows, len(store)) == ("batch-0", 30, 0)
    endpoint.polls = 0
    replies, bill = ask(batch(), [*ROWS, question("new")])
    assert len(replies) == 31 and not any(reply.failure for reply in replies.values())
    assert (endpoint.batched, len(endpoint.batches), bill.paid.calls) == (31, 2, 31)


def teacher_stops_when(condition, asking):
    """Leaves an iteration that would wait for ever, as a killed stage does."""
    passes, raised = [], []

    class Noted(Asking):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            passes.append(self)

    def run():
        try:
            next(asking)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    with mock.patch("distill.teacher.teacher.Asking", Noted):
        thread.start()
        while not condition():
            thread.join(0.005)
    passes[0]._workers.stop()
    thread.join(20)
    assert [type(error) for error in raised] == [RuntimeError]


def test_a_batch_whose_id_was_lost_is_found_by_its_number(endpoint, batch, settings, store_path):
    endpoint.lose_answer_to_create = True
    with pytest.raises(TeacherError, match="batch: refused request"):
        ask(batch())
    replies, _ = ask(batch())
    assert len(replies) == 30 and endpoint.batched == 30 and len(endpoint.batches) == 1


def test_a_batch_is_looked_for_before_it_is_sent_again_as_it_would_be_paid_twice(endpoint, batch, monkeypatch):
    monkeypatch.setattr("distill.teacher.batch_api._PAUSE_S", 0.0)
    endpoint.cut_answers_to_create = 1
    replies, _ = ask(batch())
    assert len(replies) == 30 and endpoint.batched == 30 and len(endpoint.batches) == 1


def test_a_batch_that_a_busy_server_did_not_take_is_sent_again(endpoint, batch, monkeypatch):
    monkeypatch.setattr("distill.teacher.batch_api._PAUSE_S", 0.0)
    endpoint.refusals_to_create = 2
    assert len(ask(batch(max_retries=2))[0]) == 30 and len(endpoint.batches) == 1
    endpoint.refusals_to_create = 3
    with pytest.raises(TeacherError, match=r"batch: server error \(503\): overloaded"):
        ask(batch(max_retries=2), [question("another")])
    assert endpoint.refusals_to_create == 0 and len(ask(batch(), [question("another")])[0]) == 1


def test_a_batch_that_was_never_made_is_forgotten_and_sent_anew(endpoint, batch, settings, store_path):
    sent = request_body(ROWS[0])
    job = Job(request_key(settings().teacher.base_url, sent, 0), sent, [ROWS[0]], 1, 1)
    with Store(store_path) as store:
        record_batch(store, "never", settings().teacher.base_url, "annotate", [job])
    replies, _ = ask(batch())
    assert len(replies) == 30 and endpoint.batched == 30


def test_rows_of_the_error_file_follow_the_table_of_failures(endpoint, batch):
    special = {
        "row 3": error(500),
        "row 4": error(400, "content_filter"),
        "row 5": completion(None, refusal="no"),
        "row 6": completion("cut", "length"),
    }
    endpoint.answer = lambda body, times: special.get(body["messages"][0]["content"], completion())
    replies, _ = ask(batch())
    assert {row: reply.failure for row, reply in replies.items() if reply.failure} == {
        "row 3": "failed: server error (500): no", "row 4": "content_filter", "row 5": "refusal"
    }  # fmt: skip
    assert replies["row 6"].finish_reason == "length"
    special.clear()
    replies, bill = ask(batch())
    assert replies["row 3"].failure is None and endpoint.batched == 31 and bill.paid.calls == 1


def test_a_lasting_failure_in_the_error_file_stops_and_keeps_the_rest(endpoint, batch, store_path):
    endpoint.answer = lambda body, times: (
        error(400, "unsupported_value") if body["messages"][0]["content"] == "row 3" else completion()
    )
    with pytest.raises(TeacherError, match=r"refused request.*compare the teacher settings"):
        ask(batch())
    assert len(Store(store_path)) == 29


def test_a_cancelled_batch_gives_what_it_has_and_the_rest_is_asked_next_time(endpoint, batch, tmp_path, store_path):
    endpoint.polls = 10**9
    with open_teacher(batch(), "annotate") as teacher:
        teacher_stops_when(lambda: endpoint.looks.get("batch-0", 0) > 1, teacher.ask(ROWS))
    root = Path(__file__).parents[2]
    params = (root / "params.yaml").read_text()
    params = params.replace("provider: simulated\n", "provider: openai\n").replace(
        "base_url:\n", f"base_url: {endpoint.base_url}\n"
    )
    (tmp_path / "params.yaml").write_text(params)

    def front_door(*arguments):
        command = [sys.executable, root / "stages" / "batch.py", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, timeout=60)

    assert front_door("list").stdout == "batch-0: annotate, 30 rows, in_progress, 0/30 rows answered\n"
    assert front_door("cancel", "batch-0").stdout == "batch-0: cancelled, 1/30 rows answered\n"
    replies, _ = ask(batch())
    assert sum(reply.failure is None for reply in replies.values()) == 1
    assert replies["row 9"].failure == "failed: batch cancelled: no result for this row"
    endpoint.polls = 0
    replies, bill = ask(batch())
    assert bill.paid.calls == 29 and not any(reply.failure for reply in replies.values())
    assert front_door("list").stdout == ""


def test_live_calls_do_not_pay_for_what_a_batch_is_asked(endpoint, batch, settings):
    endpoint.polls = 10**9
    with open_teacher(batch(), "annotate") as teacher:
        teacher_stops_when(lambda: endpoint.looks.get("batch-0", 0) > 1, teacher.ask(ROWS))
    with pytest.raises(TeacherError, match="or more rows are in a batch that is not fetched yet"):
        ask(settings())
    assert endpoint.total == 0


def test_a_budget_limits_what_is_sent(endpoint, batch):
    with (
        open_teacher(batch(budget_calls=10), "annotate") as teacher,
        pytest.raises(BudgetReached, match="budget_calls"),
    ):
        got = []
        for reply in teacher.ask(ROWS):
            got.append(reply)
    assert len(got) == endpoint.batched == 10


def test_a_plan_of_batches_is_at_half_the_price(batch, settings):
    plans = {}
    for mode, asked in (("live", settings()), ("batch", batch())):
        with open_teacher(asked, "annotate") as teacher:
            plans[mode] = teacher.plan(ROWS).to_pay
    assert plans["batch"].calls == plans["live"].calls == 30
    assert (2 * plans["batch"].usd_low, 2 * plans["batch"].usd_high) == (plans["live"].usd_low, plans["live"].usd_high)


def test_identical_rows_are_sent_once(endpoint, batch):
    replies, _ = ask(batch(), [question("same", row_id=f"row {number}") for number in range(9)])
    assert len(replies) == 9 and endpoint.batched == 1


def test_lines_of_no_row_and_a_second_answer_to_one_are_said_and_not_paid(endpoint, batch, store_path, capsys):
    finish = endpoint.finish

    def finish_oddly(name, *how, **only):
        finish(name, *how, **only)
        output = endpoint.batches[name]["output_file_id"]
        lines = endpoint.files[output].splitlines()
        stray = [b'{"custom_id": "00ff", "response": null}', b"{", b"[1]", b'{"custom_id": 7}', b'{"custom_id": "xy"}']
        endpoint.files[output] = b"\n".join([*stray, lines[0], *lines])

    endpoint.finish = finish_oddly
    replies, bill = ask(batch())
    assert not any(reply.failure for reply in replies.values()) and bill.paid.calls == 30
    with Store(store_path) as store:
        assert store.select("SELECT sum(calls), sum(tokens_out) FROM payments") == [(30, 150)]
    err = capsys.readouterr().err
    assert "5 lines answer no row of it" in err and "answers a row twice: the first answer counts" in err


def test_an_open_batch_is_held_back_from_the_budget_of_all(endpoint, batch, settings, store_path):
    endpoint.polls = 10**9
    with open_teacher(batch(budget_calls=40), "annotate") as teacher:
        teacher_stops_when(lambda: endpoint.looks.get("batch-0", 0) > 1, teacher.ask(ROWS))
    with Store(store_path) as store:
        assert held_back(store, simulated=False)[2].calls == 30
    others = [question(f"other {number}") for number in range(20)]
    with (
        open_teacher(settings(budget_calls=40), "annotate") as teacher,
        pytest.raises(BudgetReached, match=r"budget_calls \(40; 10 made\); 30 calls more are in open batches"),
    ):
        list(teacher.ask(others))
    assert endpoint.total == 10
    endpoint.polls = 0
    replies, _ = ask(batch(budget_calls=40))
    assert len(replies) == 30 and endpoint.batched == 30


@pytest.mark.parametrize(
    "odd",
    [
        {"request_counts": {"completed": None, "failed": None, "total": None}},
        {"request_counts": None, "errors": [{"message": "late"}]},
        {"errors": {"data": [{"code": None, "message": None}, 7]}},
        {"status": "COMPLETED"},
        {"status": "done", "request_counts": {"completed": 30, "failed": 0, "total": 30}},
    ],
)
def test_a_batch_in_another_dialect_is_fetched_all_the_same(endpoint, batch, odd):
    finish = endpoint.finish

    def finish_oddly(name, *how, **only):
        finish(name, *how, **only)
        endpoint.batches[name] |= odd
        output = endpoint.batches[name]["output_file_id"]
        endpoint.files[output] = endpoint.files[output].replace(b'"status_code": 200', b'"status_code": "200"')

    endpoint.finish = finish_oddly
    replies, bill = ask(batch())
    assert {reply.text for reply in replies.values()} == {"Answer: yes"} and bill.paid.calls == 30
