from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest
from fake_endpoint import Said, completion, question

from distill.settings.runtime import Price
from distill.teacher import TeacherError, open_teacher
from distill.teacher.budget import BudgetReached
from distill.teacher.store import Store

# A call of these is reserved at 7 tokens in and 50 out and then costs 10 in (4 cached) and 5 out: $0.000018.
ROWS = [question(f"question {number:03d}") for number in range(100)]
COST = Decimal("0.000018")


def ask(settings, rows=ROWS, stage="annotate"):
    with open_teacher(settings, stage) as teacher:
        return list(teacher.ask(rows))


def answered(settings, rows=ROWS, stage="annotate"):
    """Replies until the budget stopped the run, and what it said."""
    got = []
    with open_teacher(settings, stage) as teacher, pytest.raises(BudgetReached) as raised:
        for reply in teacher.ask(rows):
            got.append(reply)
    return got, str(raised.value)


def test_a_budget_of_calls_is_spent_to_the_last_and_not_passed(endpoint, settings, store_path):
    got, said = answered(settings(budget_calls=30))
    assert (len(got), endpoint.total, len(Store(store_path))) == (30, 30, 30)
    assert "the next call could pass runtime.budget_calls (30; 30 made)" in said
    assert (
        "30 rows of this pass are answered and stored; missing: question 030," in said
        and "(70 calls, about 490 tokens in" in said
    )


def test_a_budget_of_tokens_stops_before_the_call_that_could_pass_it(endpoint, settings):
    got, said = answered(settings(budget_tokens=200, concurrency=1))
    # After n calls 15 n tokens are used, and the next may use 57: it starts as long as 15 n + 57 <= 200.
    assert len(got) == endpoint.total == 10
    assert "runtime.budget_tokens (200; 150 used)" in said


def test_a_budget_of_money_counts_what_was_paid_and_is_never_passed(endpoint, settings, store_path):
    got, said = answered(settings(budget_usd=Decimal("0.001")))
    # The next call may cost 7 in and 50 out, $0.000107: n * 0.000018 + 0.000107 <= 0.001 up to n = 49.
    assert len(got) == endpoint.total == 50
    assert Decimal("0.001") >= 50 * COST and "budget_usd ($0.0010; $0.0009 spent)" in said
    assert sum(row[0] for row in Store(store_path).select("SELECT picodollars FROM payments")) == 50 * 18_000_000


def test_what_is_in_flight_is_reserved(endpoint, settings):
    endpoint.hold.clear()
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(answered, settings(budget_tokens=150, concurrency=8))
        while endpoint.in_flight < 2:
            pass
        at_first = endpoint.in_flight
        endpoint.hold.set()
        got, _ = run.result()
    # Two reservations of 57 fit into 150, a third does not, until the first have cost 15 each.
    assert at_first == 2 and len(got) == endpoint.total == 7


def test_the_budget_is_that_of_the_whole_pipeline(endpoint, settings):
    ask(settings(budget_calls=30), ROWS[:20], "optimize_prompt")
    got, _ = answered(settings(budget_calls=30), ROWS)
    assert endpoint.total == 30 and len(got) == 30


def test_stored_answers_cost_no_budget(endpoint, settings):
    ask(settings(), ROWS)
    assert len(ask(settings(budget_calls=100), ROWS)) == 100


def test_a_later_start_forgets_what_was_paid_before(endpoint, settings):
    ask(settings(), ROWS[:50])
    assert len(ask(settings(budget_calls=50, budget_since="2999-01-01"), ROWS)) == 100


def test_raising_the_budget_goes_on_where_it_stopped(endpoint, settings):
    answered(settings(budget_calls=30))
    assert len(ask(settings(budget_calls=100))) == 100 and endpoint.total == 100


@pytest.mark.parametrize("prices", [{}, {"fake": Price(Decimal(1), None, Decimal(1), "2026-01-01", "a test")}])
def test_a_money_budget_with_an_unknown_price_is_an_error_before_the_first_call(endpoint, settings, prices):
    with pytest.raises(TeacherError, match=r"runtime.prices has no .*tokens_cached.* for 'fake': nothing was asked"):
        ask(settings(budget_usd=Decimal(1), prices=prices))
    assert endpoint.total == 0


def test_a_price_listed_without_the_models_date_keeps_a_money_budget(endpoint, settings):
    rows = [replace(row, model="fake-2026-01-01") for row in ROWS]
    got, said = answered(settings(budget_usd=20 * COST, concurrency=1), rows)
    assert 0 < len(got) == endpoint.total <= 20 and "runtime.budget_usd" in said


def test_an_earlier_payment_at_an_unknown_price_is_priced_now_or_refused(endpoint, settings):
    ask(settings(prices={}), ROWS[:10])
    got, _ = answered(settings(budget_usd=10 * COST), ROWS[10:])
    assert got == []
    ask(settings(prices={}), [replace(question("other model"), model="unpriced")])
    with pytest.raises(TeacherError, match="1 calls to 'unpriced' were paid at an unknown price"):
        ask(settings(budget_usd=Decimal(1)), ROWS[10:])


def test_a_call_that_failed_frees_what_was_reserved_for_it(endpoint, settings):
    endpoint.answer = lambda body, times: completion() if times > 2 else replace(completion(), status=500)
    assert len(ask(settings(budget_tokens=15 * 19 + 60, concurrency=1), ROWS[:20])) == 20


def test_an_answer_longer_than_its_limit_passes_a_budget_by_two_calls_at_most(endpoint, settings):
    """As of a server that does not count thoughts against max_tokens."""
    usage = {"prompt_tokens": 60, "completion_tokens": 10, "total_tokens": 5060}
    body = json.dumps({**json.loads(completion().body), "usage": usage}).encode()
    endpoint.answer = lambda *_: Said(body)
    got, _ = answered(settings(budget_tokens=8000, concurrency=32))
    assert len(got) == endpoint.total == 2
    endpoint.calls.clear()
    got, said = answered(settings(budget_tokens=50_000, concurrency=32))
    assert endpoint.total <= 7 and "budget_tokens (50,000; " in said


def test_what_was_paid_until_a_stop_is_said(endpoint, settings, capsys):
    with pytest.raises(BudgetReached):
        ask(settings(budget_calls=30))
    assert "annotate: until it stopped: teacher: as if cold $0.0005 (30 calls), paid now" in capsys.readouterr().err
