"""What the teacher's answers cost; few-shot beside zero-shot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from distill.report.run import MetricsSection, Run
from distill.report.tables import ReportTable
from distill.report.wording import as_count, as_dollars, as_interval, as_percent

_SPLITS = {
    "train": "answers to training rows",
    "validation": "answers to validation rows, to choose the cascade",
    "test": "answers to test rows, for the comparison alone",
}


def money_table(run: Run) -> ReportTable:
    """A row a purpose, as if cold; what was paid when is no fact of a run, and stands in metrics/runtime.json."""
    costs = run.annotate["cost"]
    rows = [_row("search for the prompt", run.search["cost"])]
    rows += [_row(why, costs[split]) for split, why in _SPLITS.items() if (costs.get(split) or {}).get("calls")]
    rows += [_row("all answers", _sum(costs.values())), _row("all", _sum([run.search["cost"], *costs.values()]))]
    if not run.search["cost"].get("calls"):
        del rows[0], rows[-1]
    header = ("", "calls", "tokens in", "tokens out", "as if cold")
    return ReportTable("What the teacher's answers cost", header, rows, _note(run))


def few_shot_table(run: Run) -> ReportTable | None:
    """A few-shot prompt beside the zero-shot one, where the search compared them."""
    few_shot = run.search.get("few_shot")
    if not few_shot:
        return None
    rows = []
    for name, key in ((f"few-shot, {few_shot['demonstrations']} examples", "few_shot"), ("zero-shot", "zero_shot")):
        prompt, cost = few_shot[key], few_shot[key]["cost_per_row"]
        usd = None if cost["usd"] is None else 1000 * cost["usd"]
        rows.append(
            [
                name,
                as_percent(prompt["label"]["accuracy"]),
                as_interval(prompt["label"]),
                f"{cost['tokens_in']:.0f}",
                f"{cost['tokens_out']:.0f}",
                as_dollars(usd),
            ]
        )
    header = ("", "accuracy on held-out rows", "95 % interval", "tokens in a row", "tokens out a row", "per 1,000 rows")
    return ReportTable("A few-shot prompt against the zero-shot one", header, rows, _few_shot_note(few_shot))


def _few_shot_note(few_shot: MetricsSection) -> str:
    tokens, usd = few_shot["tokens_saved_share"], few_shot.get("usd_saved_share")
    rows = few_shot["break_even_rows"]["usd"]
    text = (
        f"With the zero-shot prompt a row takes {as_percent(abs(tokens))} {'fewer' if tokens >= 0 else 'more'} tokens"
    )
    if usd is not None:
        text += f" and costs {as_percent(abs(usd))} {'less' if usd >= 0 else 'more'}"
    if usd is not None and usd <= 0:
        return text + ". The search never pays for itself by its price."
    if rows is None:
        return text + ". It is not known after how many rows the search has paid for itself."
    return text + f". The search has paid for itself after {as_count(rows)} rows."


def _row(name: str, cost: MetricsSection) -> list[str]:
    counts = [as_count(cost.get(part)) for part in ("calls", "tokens_in", "tokens_out")]
    return [name, *counts, as_dollars(cost.get("usd"))]


def _sum(parts: Iterable[MetricsSection]) -> dict[str, Any]:
    """The sum of costs; what is unknown in one part is unknown in the sum."""
    parts, keys = list(parts), ("usd", "calls", "tokens_in", "tokens_cached", "tokens_out", "tokens_reasoning")
    return {
        key: None if any(part.get(key) is None for part in parts) else sum(part[key] for part in parts) for key in keys
    }


def _cached(run: Run) -> str:
    """What share of the tokens in the provider read from its cache; nothing where no provider could."""
    tokens = _sum([run.search["cost"], *run.annotate["cost"].values()])
    if run.settings.teacher.provider != "openai" or not tokens["tokens_in"] or tokens["tokens_cached"] is None:
        return ""
    share = as_percent(tokens["tokens_cached"] / tokens["tokens_in"])
    return f" The provider read {share} of the tokens in from its cache of prompts’ beginnings."


def _thoughts(run: Run) -> str:
    """How many of the tokens out were a reasoning model's thoughts; nothing where none are known."""
    tokens = _sum([run.search["cost"], *run.annotate["cost"].values()])
    if not tokens.get("tokens_reasoning"):
        return ""
    return (
        f" Of the tokens out, {as_count(tokens['tokens_reasoning'])} were the model’s thoughts, which are billed too."
    )


def _note(run: Run) -> str:
    if not run.has_teacher:
        return "No teacher was asked in this run. What people's labels cost is not known here."
    text = (
        "“As if cold” is what these answers cost somebody who has none of them yet, by answers and prices alone; an"
        " answer that both the search and the annotation need counts in both. An answer that is stored is never paid"
        " for twice: what a clone paid, and when, stands in its metrics/runtime.json."
    )
    text += _cached(run) + _thoughts(run)
    if run.simulated:
        text += " The prices are made up, of the order of a small commercial model's."
    if _sum([run.search["cost"], *run.annotate["cost"].values()])["usd"] is None:
        text += " “Unknown” means that a price or a count of tokens is not known; it does not mean nothing."
    return text
