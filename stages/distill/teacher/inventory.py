"""What is in the store, and what was paid for it, in a few lines for people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from distill.teacher.money import dollars, from_picodollars
from distill.teacher.store import Store


def store_report(store: Store) -> str:
    """Size, answers by endpoint and model, payments by stage, work in flight."""
    size = store.path.stat().st_size
    lines = [f"{store.path}: {len(store):,} answers, {size / 2**20:,.1f} MiB"]
    for endpoint, model, mode, returned, answers, failed, cut, tokens_in, tokens_out, last in store.select(
        "SELECT endpoint, model, mode, count(DISTINCT returned_model), count(*), sum(failure IS NOT NULL),"
        " sum(finish_reason IS 'length'), sum(tokens_in), sum(tokens_out), max(answered_at) FROM answers"
        " GROUP BY endpoint, model, mode ORDER BY endpoint, model, mode"
    ):
        lines.append(
            f"  {model} at {endpoint} ({mode}): {answers:,} answers, {failed:,} without an answer, {cut:,} cut, "
            f"{tokens_in or 0:,} tokens in, {tokens_out or 0:,} out, last {_day(last)}"
            + (f"; {returned} versions of the model answered" if returned > 1 else "")
        )
    lines += ["paid:"]
    lines += [f"  {_paid(*row)}" for row in paid_by_stage(store)] or ["  nothing"]
    claims = store.select("SELECT count(*) FROM claims")[0][0]
    if claims:
        lines.append(f"in flight, or left by a run that was killed: {claims:,}")
    return "\n".join(lines)


def forget_failures(store: Store) -> int:
    """Drops the answers that have no text (refused, filtered, empty, too long), so that their rows are asked again.

    What was paid for them stays booked. Returns how many there were.
    """
    with store.writing() as db:
        return db.execute("DELETE FROM answers WHERE failure IS NOT NULL").rowcount


def paid_by_stage(store: Store) -> list[tuple[Any, ...]]:
    """The payments, one row for each stage and model.

    (stage, model, simulated, calls, tokens in, tokens out, picodollars, calls without a price, lost calls)
    """
    return store.select(
        "SELECT stage, model, simulated, sum(calls), sum(tokens_in), sum(tokens_out), coalesce(sum(picodollars), 0),"
        " sum(CASE WHEN picodollars IS NULL THEN calls ELSE 0 END), sum(lost) FROM payments"
        " GROUP BY stage, model, simulated ORDER BY 1, 2, 3"
    )


def _paid(
    stage: str,
    model: str,
    simulated: int,
    calls: int,
    tokens_in: int,
    tokens_out: int,
    picodollars: int,
    unpriced: int,
    lost: int,
) -> str:
    money = dollars(from_picodollars(picodollars))
    if unpriced == calls:
        money = dollars(None)
    elif unpriced:
        money += f" and {unpriced:,} calls at an unknown price"
    if lost:
        money += f"; {lost:,} calls without an answer are counted at the most that they may have cost"
    name = f"{stage}, {model}{', simulated' if simulated else ''}"
    return f"{name}: {calls:,} calls, {tokens_in:,} tokens in, {tokens_out:,} out, {money}"


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
