"""What the teacher's answers cost, were paid and were spared; few-shot beside zero-shot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from distill.report.facts import Facts, Metrics
from distill.report.tables import Table
from distill.report.wording import count, dollars, interval, percent

_SPLITS = {
    "train": "answers to training rows",
    "validation": "answers to validation rows, to choose the cascade",
    "test": "answers to test rows, for the comparison alone",
}


def money(facts: Facts) -> Table:
    """A row a purpose: as if cold, and, where this clone knows them, what was paid and what the store saved."""
    costs = facts.annotate["cost"]
    search, annotate = (facts.runtime.get(stage) or {} for stage in ("optimize_prompt", "annotate"))
    known = "paid" in search or "paid" in annotate
    rows = [_row("search for the prompt", facts.search["cost"], search)]
    rows += [_row(why, costs[split]) for split, why in _SPLITS.items() if (costs.get(split) or {}).get("calls")]
    rows.append(_row("all answers", _sum(costs.values()), annotate))
    rows.append(_row("all", _sum([facts.search["cost"], *costs.values()]), _both(search, annotate)))
    if not facts.search["cost"].get("calls"):
        del rows[0], rows[-1]
    header = ("", "calls", "tokens in", "tokens out", "as if cold", "paid", "saved by the store")
    wide = len(header) if known else 5
    return Table("What the teacher's answers cost", header[:wide], [row[:wide] for row in rows], _note(facts, known))


def few_shot(facts: Facts) -> Table | None:
    """A few-shot prompt beside the zero-shot one, where the search compared them."""
    found = facts.search.get("few_shot")
    if not found:
        return None
    rows = []
    for name, key in ((f"few-shot, {found['demonstrations']} examples", "few_shot"), ("zero-shot", "zero_shot")):
        one, row = found[key], found[key]["cost_per_row"]
        usd = None if row["usd"] is None else 1000 * row["usd"]
        rows.append(
            [
                name,
                percent(one["label"]["accuracy"]),
                interval(one["label"]),
                f"{row['tokens_in']:.0f}",
                f"{row['tokens_out']:.0f}",
                dollars(usd),
            ]
        )
    header = ("", "accuracy on held-out rows", "95 % interval", "tokens in a row", "tokens out a row", "per 1,000 rows")
    return Table("A few-shot prompt against the zero-shot one", header, rows, _few_shot_note(found))


def _few_shot_note(found: Metrics) -> str:
    tokens, usd, rows = found["tokens_saved_share"], found.get("usd_saved_share"), found["break_even_rows"]["usd"]
    said = (
        f"Zero-shot {'spares' if tokens >= 0 else 'takes'} {percent(abs(tokens))} {'of the' if tokens >= 0 else 'more'}"
        " tokens of a row"
    )
    if usd is not None:
        said += f" and {'spares' if usd >= 0 else 'costs'} {percent(abs(usd))} {'of its price' if usd >= 0 else 'more'}"
    if rows is None:
        return said + "; how many rows it takes until the search has paid for itself cannot be said."
    return said + f"; the search has paid for itself after {count(rows)} rows."


def _row(name: str, cost: Metrics, bill: Metrics | None = None) -> list[str]:
    row = [
        name,
        count(cost.get("calls")),
        count(cost.get("tokens_in")),
        count(cost.get("tokens_out")),
        dollars(cost.get("usd")),
    ]
    return row + [dollars(bill[part]["usd"]) if bill and part in bill else "" for part in ("paid", "saved")]


def _both(one: Metrics, other: Metrics) -> dict[str, Any]:
    return {part: _sum([one[part], other[part]]) for part in ("paid", "saved") if part in one and part in other}


def _sum(parts: Iterable[Metrics]) -> dict[str, Any]:
    """The sum of costs; what is unknown in one part is unknown in the sum."""
    parts, keys = list(parts), ("usd", "calls", "tokens_in", "tokens_out")
    return {
        key: None if any(part.get(key) is None for part in parts) else sum(part[key] for part in parts) for key in keys
    }


def _note(facts: Facts, known: bool) -> str:
    if not facts.asked:
        return "No teacher was asked in this run. What people's labels cost is not known here."
    said = (
        "“As if cold” is what these answers cost somebody who has none of them yet; it depends on the answers and the"
        " prices alone."
    )
    if known:
        said += (
            " “Paid” and “saved by the store” tell of the last time that the stage ran in the clone that made this"
            " page; an answer that is stored is never paid for twice."
        )
    if facts.simulated:
        said += " The prices are made up, of the order of a small commercial model's."
    if _sum([facts.search["cost"], *facts.annotate["cost"].values()])["usd"] is None:
        said += " “Unknown” means that a price or a count of tokens is not known; it does not mean nothing."
    return said
