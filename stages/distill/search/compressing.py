"""Shorter variants of the winner. One takes its place if the held-out score falls by no more than a margin."""

from __future__ import annotations

from collections.abc import Sequence

from distill.rows.records import Example, TaskCard
from distill.search.arena import Arena, Candidate
from distill.search.outcome import Compressed
from distill.search.proposals import CLOSE, OPEN, needed_placeholders, proposal_block, proposal_request
from distill.search.scoring import difference
from distill.search.tryouts import LimitReached, Tryouts
from distill.settings import Settings
from distill.teacher.exchange import Request
from distill.templates import Template


def compress(tryouts: Tryouts, winner: Candidate, rows: Sequence[Example], arena: Arena) -> Compressed:
    """Asks for `prompt.compress` shorter variants and tries those with fewer words on the held-out rows.

    The shortest one is taken whose score there is at most `prompt.compress_margin` below the winner's, and
    that parses and explains well enough where the winner does. A limit ends it without a change.
    """
    prompt, before = tryouts.settings.prompt, winner.held_out
    assert before
    words, variants = len(winner.template.user.split()), []
    try:
        for reply in tryouts.proposals(shortening_requests(winner.template, tryouts.card, tryouts.settings)):
            template = arena.checked(reply)
            if template and len(template.user.split()) < words:
                variants.append(template)
        tries = {f"shorter {i}": (template, rows) for i, template in enumerate(variants)}
        answers = tryouts.answers(tries, "shorter prompts")
    except LimitReached as limit:
        print(f"no shorter prompt was tried: {limit}", flush=True)
        return Compressed(None, None, {"tried": 0, "words": words})
    least_parsed = min(prompt.least_parsed, before.parsed)
    least_explained = min(prompt.least_explained, before.explained)
    kept, held_out, held_out_answers = None, None, []
    for i, template in sorted(enumerate(variants), key=lambda item: (len(item[1].user.split()), item[0])):
        score = tryouts.score(answers[f"shorter {i}"], rows)
        fit = score.parsed >= least_parsed and score.explained >= least_explained
        if fit and score.total >= before.total - prompt.compress_margin:
            kept, held_out, held_out_answers = template, score, answers[f"shorter {i}"]
            break
    metrics = {
        "tried": len(variants),
        "words_before": words,
        "words": len((kept or winner.template).user.split()),
        "score_before": before.total,
    }
    if held_out:
        metrics["difference"] = difference(held_out, before, prompt.confidence).metrics()
        metrics["tokens_per_row_before"], metrics["tokens_per_row"] = before.tokens, held_out.tokens
    return Compressed(kept, held_out, metrics, held_out_answers)


def shortening_requests(template: Template, card: TaskCard, settings: Settings) -> list[Request]:
    """`prompt.compress` questions for a shorter variant of a prompt."""
    question = (
        "You shorten the prompt that a language model is given for every row of a task, so that it costs fewer"
        " tokens.\n\n"
        f"The task: {card.description}\n"
        f"A prompt must show the row through these placeholders, written exactly so: {needed_placeholders(template)}\n"
        "\nThe prompt:\n\n"
        f"{proposal_block(template.user, 1.0)}\n\n"
        "Write it anew in fewer words. Leave out what is said twice or helps least; keep what it asks for and the form"
        f" of the answer. Put the shorter prompt between {OPEN} and {CLOSE}."
    )
    return [
        proposal_request(question, f"shorter-{number}", number=number, sample=number, settings=settings)
        for number in range(settings.prompt.compress)
    ]
