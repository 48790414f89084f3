"""What a prompt search found: the winner, metrics, the trace as a plot and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from distill.rows.records import Annotation
from distill.search.arena import Arena, Candidate
from distill.search.confirmation import Confirmation, cross_fitted
from distill.search.proposals import REJECTIONS
from distill.search.scoring import Difference, Score
from distill.templates import Template

_SHOWN = 160  # characters of a prompt in the table


@dataclass
class Compressed:
    """The shorter prompt that took the winner's place (None: none did), and metrics.

    `held_out` and `chosen_again` are cross-fitted, as an outcome's, over the choice of a finalist and of a shorter
    prompt; None where none was tried. `answers` are the shorter prompt's own, to all held-out rows.
    """

    template: Template | None
    metrics: dict[str, Any]
    held_out: Score | None = None
    answers: list[Annotation] = field(default_factory=list)
    chosen_again: float | None = None


@dataclass
class Outcome:
    """All that a search found. `lead` is the winner's over the hand-written prompt on the held-out rows, by intervals
    that hold for all finalists at once; `crossed` is its cross-fitted score there, and `chosen_again` is the share of
    those rows that it judges: the others' parts chose another (distill.search.confirmation).
    """

    winner: Candidate
    candidates: list[Candidate]
    rejected: Counter[str]
    lead: Difference
    cost: dict[str, dict[str, Any]]
    crossed: Score
    chosen_again: float
    compressed: Compressed | None = None
    few_shot: dict[str, Any] | None = field(default=None)

    @property
    def template(self) -> Template:
        """The prompt to use."""
        return (self.compressed and self.compressed.template) or self.winner.template

    @property
    def held_out(self) -> Score:
        """Its cross-fitted score on the held-out rows: that of rows that did not choose what they judge."""
        return (self.compressed and self.compressed.held_out) or self.crossed

    @property
    def held_out_answers(self) -> list[Annotation]:
        """The teacher's answers to the very prompt to use, by which its tokens and price are known: the cross-fitted
        score may hold answers to other prompts."""
        return (self.compressed and self.compressed.answers) or self.winner.held_out_answers

    def metrics(self) -> dict[str, Any]:
        """The winner, cross-fitted, and the hand-written prompt on the held-out rows. `optimism` is how far the search
        rows flattered the winner, `held_out_optimism` how far the held-out rows would have, had they judged it too.
        """
        first, winner = self.candidates[0], self.winner
        assert first.held_out and winner.held_out
        again = self.compressed.chosen_again if self.compressed else None
        metrics = {
            "winner": self.held_out.metrics()
            | {
                "step": winner.step,
                "words": len(self.template.user.split()),
                "chosen_again": self.chosen_again if again is None else again,
            },
            "hand_written": first.held_out.metrics() | {"words": len(first.template.user.split())},
            "lead": self.lead.metrics(),
            "optimism": winner.search.total - self.crossed.total,
            "held_out_optimism": winner.held_out.total - self.crossed.total,
            "candidates": {
                "proposed": len(self.candidates) - 1 + self.rejected.total(),
                "scored": len(self.candidates) - 1,
                "dropped": sum(candidate.dropped for candidate in self.candidates),
                "answers_on_search_rows": sum(len(candidate.answers) for candidate in self.candidates),
                "rejected": {reason: self.rejected[reason] for reason in REJECTIONS},
            },
        }
        if self.compressed:
            metrics["compress"] = self.compressed.metrics
        if self.few_shot:
            metrics["few_shot"] = self.few_shot
        return metrics

    def closing_line(self) -> str:
        """What became of the proposals, and which prompt stands."""
        tried = len(self.candidates) - 1
        words = [f"{self.rejected[reason]} {text}" for reason, text in REJECTIONS.items() if self.rejected[reason]]
        winner = f"candidate {self.winner.number}" if self.winner.number else "the hand-written prompt"
        line = f"{tried + self.rejected.total()} proposals: {', '.join([f'{tried} tried', *words])}; {winner} is taken"
        if not tried and self.rejected:
            advice = "set prompt.model to a stronger one"
            if self.rejected["cut"] == max(self.rejected.values()):
                advice = "raise prompt.proposal_tokens, as the thoughts of a reasoning model count"
            line += f". The proposing model never gave a prompt that can be used: {advice}"
        return line

    def origin(self, optimizer: str) -> dict[str, Any]:
        """Where the winner comes from, for data/prompt.yaml."""
        parts = ("total", "accuracy", "parsed", "explained", "in_band")
        held_out = {name: round(getattr(self.held_out, name), 4) for name in parts}
        return {"optimizer": optimizer, "step": self.winner.step, "held_out": held_out}

    def trace(self) -> list[dict[str, Any]]:
        """A row a scored candidate: step, parts of the score, rows used, cost, the best so far, held-out
        score, text.
        """
        rows, best = [], float("-inf")
        for candidate in self.candidates:
            best = best if candidate.dropped else max(best, candidate.search.total)
            held_out = candidate.held_out.total if candidate.held_out else None
            rows.append(
                {
                    "candidate": candidate.number,
                    "step": candidate.step,
                    "best_score": best,
                    "dropped": candidate.dropped,
                    "spent_tokens": candidate.tokens,
                }
                | candidate.search.parts()
                | {"held_out_score": held_out, "prompt": candidate.template.user}
            )
        return rows


def confirmed_outcome(confirmation: Confirmation, arena: Arena, spent: dict[str, Any]) -> Outcome:
    """What a search has found once its finalists are confirmed; `spent` is what it cost until then."""
    crossed, judged = cross_fitted(confirmation.answers, confirmation.rows, confirmation.chosen)
    return Outcome(
        confirmation.winner,
        arena.candidates,
        arena.rejected,
        confirmation.choice.lead,
        {"search": spent},
        confirmation.tryouts.score(crossed, confirmation.rows),
        judged[confirmation.names[confirmation.choice.place]] / len(confirmation.rows),
    )


def unsearched(template: Template, source: str) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """(origin, metrics, trace) of `prompt.optimizer: fixed`: nothing is asked, so there are no scores.

    The trace has the fields of a search's, so that its plot can be drawn.
    """
    cost = dict.fromkeys(("usd", "calls", "tokens_in", "tokens_cached", "tokens_out", "tokens_reasoning"), 0)
    metrics = {"candidates": {"proposed": 0, "scored": 0}, "cost": cost}
    trace = [{"candidate": 0, "step": 0, "score": None, "held_out_score": None, "prompt": template.user}]
    return {"optimizer": "fixed", "from": source, "step": 0}, metrics, trace


def trace_table(trace: Sequence[Mapping[str, Any]]) -> str:
    """The trace in Markdown, the best first: finalists by their held-out score, then the rest by their search score."""
    lines = [
        (
            "| candidate | step | held-out score | search score | accuracy | parsed | explained | in band | rows |"
            " tokens a row | prompt |"
        ),
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]

    def rank(row: Mapping[str, Any]) -> tuple[Any, ...]:
        held_out, score = row["held_out_score"], row["score"]
        return (held_out is None, -(held_out or 0), bool(row.get("dropped")), -(score or 0), row["candidate"])

    def number(value: Any, form: str = ".3f") -> str:
        return "" if value is None else format(value, form)

    for row in sorted(trace, key=rank):
        text = " ".join(row["prompt"].split()).replace("|", "\\|")
        cells = [
            str(row["candidate"]) + (" (hand-written)" if row["candidate"] == 0 else ""),
            str(row["step"]),
            number(row["held_out_score"]),
            number(row["score"]) + (" (dropped)" if row.get("dropped") else ""),
            *(number(row.get(name), ".2f") for name in ("accuracy", "parsed", "explained", "in_band")),
            number(row.get("rows"), "d"),
            number(row.get("tokens"), ".0f"),
            text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
