from __future__ import annotations

from decimal import Decimal

import pytest

from distill.settings.runtime import Price
from distill.teacher.exchange import Usage
from distill.teacher.money import Bill, cost, dollars, from_picodollars, picodollars

PRICES = {
    "m": Price(Decimal("0.15"), Decimal("0.075"), Decimal("0.60"), "2026-01-01", "a test"),
    "no cache": Price(Decimal("0.15"), None, Decimal("0.60"), "2026-01-01", "a test"),
}


@pytest.mark.parametrize(
    "usage, model, mode, expected",
    [
        (Usage(1_000_000, 0, 1_000_000), "m", "live", "0.75"),
        (Usage(1_000_000, 400_000, 0), "m", "live", "0.12"),
        (Usage(1_000_000, 0, 1_000_000), "m", "batch", "0.375"),
        (Usage(1, 0, 0), "m", "live", "0.00000015"),
        (Usage(10, None, 10), "no cache", "live", "0.0000075"),
        (Usage(10, 5, 10), "no cache", "live", None),
        (Usage(10, 0, None), "m", "live", None),
        (Usage(10, 0, 10), "unlisted", "live", None),
        (Usage(1_000_000, 0, 0), "m-2026-01-31", "live", "0.15"),
        (Usage(1_000_000, 0, 0), "m-0613", "live", "0.15"),
        (Usage(1_000_000, 0, 0), "m-mini", "live", None),
    ],
)
def test_a_cost_is_exact_or_unknown(usage, model, mode, expected):
    assert cost(usage, model, PRICES, mode) == (None if expected is None else Decimal(expected))


def test_picodollars_lose_nothing_of_a_token():
    usd = cost(Usage(1, 1, 0), "m", PRICES)
    assert picodollars(usd) == 75_000 and from_picodollars(75_000) == usd and picodollars(None) is None


def test_money_is_written_for_people():
    assert [dollars(usd) for usd in (Decimal("0.00123"), Decimal("1234.5"), None)] == [
        "$0.0012",
        "$1,234.50",
        "unknown (no price)",
    ]


def test_the_three_costs_stay_apart_and_one_unknown_price_makes_only_its_own_unknown():
    bill = Bill()
    bill.add(Usage(100, 10, 20), Decimal("0.5"), from_store=False)
    bill.add(Usage(100, 0, 20), None, from_store=True)
    assert bill.as_if_cold.usd is None and bill.paid.usd == Decimal("0.5") and bill.saved.usd is None
    assert bill.metrics() == {
        "usd": None, "calls": 2, "tokens_in": 200, "tokens_cached": 10, "tokens_out": 40, "tokens_reasoning": 0,
    }  # fmt: skip
    assert bill.closing_line() == (
        "teacher: as if cold unknown (no price) (2 calls), paid now $0.5000 (1 calls), saved by the store unknown (no "
        "price) (1 calls)"
    )


def test_cached_tokens_are_never_more_than_all_that_went_in():
    assert Usage(100, 250, 20).tokens_cached == 100 and Usage(None, 250, 20).tokens_cached == 250
    prices = {"m": Price(Decimal("1"), Decimal("0.1"), Decimal("10"), "2026-01-01", "a test")}
    assert cost(Usage(100, 250, 0), "m", prices) == Decimal("0.00001"), "and never less than nothing"
