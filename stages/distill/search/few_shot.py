"""The zero-shot winner beside a few-shot prompt, on the same held-out rows: what the search saves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from distill.answers.choices import with_letter
from distill.prompts.asking import usage_of, usd_of
from distill.rows.records import Annotation, Example, TaskCard
from distill.search.outcome import Outcome
from distill.search.proposals import row_as_shown
from distill.search.scoring import Score, difference
from distill.search.tryouts import LimitReached, Spent, Tryouts
from distill.settings.runtime import Price
from distill.templates import Template


def demonstrations(
    rows: Iterable[Example], answers: Iterable[Annotation], count: int, card: TaskCard
) -> tuple[tuple[str, str], ...]:
    """Up to `count` labelled rows with their rationale and label, as (a user's message, the answer to it).

    The rationale is the row's own, else the teacher's where its answer was right. Labels take turns, in the
    order of rows.
    """
    by_id = {answer.id: answer for answer in answers}
    by_label: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        teachers = by_id.get(row.id)
        rationale = row.rationale or (teachers.rationale if teachers and teachers.label == row.label else None)
        if row.label is None or not rationale:
            continue
        answer = f"{rationale} So the answer is {with_letter(row.label, row.choices)}."
        # Where rows have choices of their own, all take turns as one.
        by_label.setdefault("" if row.choices else row.label, []).append((row_as_shown(row, card), answer))
    queues, taken = [list(reversed(some)) for some in by_label.values()], []
    while len(taken) < count and any(queues):
        for queue in queues:
            if queue and len(taken) < count:
                taken.append(queue.pop())
    return tuple(taken)


def compare_few_shot(
    tryouts: Tryouts, outcome: Outcome, search_rows: Sequence[Example], held_out_rows: Sequence[Example]
) -> dict[str, Any] | None:
    """Accuracy, tokens and US dollars a row of the hand-written prompt with demonstrations, beside the winner's, both
    on the held-out rows, and the number of rows after which the search has paid for itself.

    None where a limit forbids it, or no search row can be a demonstration.
    """
    first = outcome.candidates[0]
    wanted = tryouts.settings.prompt.few_shot
    shots = demonstrations(search_rows, outcome.winner.answers, wanted, tryouts.card)
    if len(shots) < wanted:
        print(f"prompt.few_shot is {wanted}; only {len(shots)} search rows have a label and a rationale", flush=True)
    if not shots:
        return None
    template = Template(first.template.system, first.template.user, shots)
    try:
        answers = tryouts.answers({"few-shot": (template, held_out_rows)}, "few-shot prompt")["few-shot"]
    except LimitReached as limit:
        print(f"no few-shot prompt was tried: {limit}", flush=True)
        return None
    score = tryouts.score(answers, held_out_rows)
    model, prices = tryouts.settings.teacher.model, tryouts.settings.runtime.prices
    rows = cost_of_row(answers, model, prices), cost_of_row(outcome.held_out_answers, model, prices)
    confidence = tryouts.settings.prompt.confidence
    compared = few_shot_saving(score, outcome.held_out, *rows, outcome.cost["confirmed"], confidence)
    return {"demonstrations": len(shots)} | compared


def cost_of_row(answers: Sequence[Annotation], model: str, prices: dict[str, Price]) -> dict[str, float | None]:
    """Tokens in and out and US dollars of one row, on average; US dollars are null where a price is unknown.

    `model` is the name that was asked for.
    """
    spent = Spent()
    for answer in answers:
        spent.add(usage_of(answer), usd_of(answer, model, prices))
    usd = None if spent.usd is None else float(spent.usd) / spent.calls
    return {"tokens_in": spent.tokens_in / spent.calls, "tokens_out": spent.tokens_out / spent.calls, "usd": usd}


def few_shot_saving(
    few: Score,
    zero: Score,
    few_row: dict[str, Any],
    zero_row: dict[str, Any],
    search: dict[str, Any],
    confidence: float,
) -> dict[str, Any]:
    """Few-shot and zero-shot side by side. `break_even_rows`: the number of rows after which the search has paid for
    itself, in money and in tokens; null where zero-shot is not cheaper, or a price is unknown."""

    def rows(spent: float | None, more: float | None, less: float | None) -> int | None:
        if spent is None or more is None or less is None or more <= less:
            return None
        return math.ceil(spent / (more - less))

    few_tokens, zero_tokens = (row["tokens_in"] + row["tokens_out"] for row in (few_row, zero_row))
    return {
        "few_shot": few.metrics() | {"cost_per_row": few_row},
        "zero_shot": zero.metrics() | {"cost_per_row": zero_row},
        "zero_less_few": difference(zero, few, confidence).metrics(),
        "tokens_saved_share": 1 - zero_tokens / few_tokens,
        "usd_saved_share": (
            None if few_row["usd"] is None or not few_row["usd"] else 1 - zero_row["usd"] / few_row["usd"]
        ),
        "search_cost": search,
        "break_even_rows": {
            "usd": rows(search["usd"], few_row["usd"], zero_row["usd"]),
            "tokens": rows(search["tokens_in"] + search["tokens_out"], few_tokens, zero_tokens),
        },
    }
