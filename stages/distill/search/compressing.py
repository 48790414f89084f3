"""Shorter variants of the winner. One takes its place if the held-out score falls by no more than a margin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from distill.rows.records import Annotation, TaskCard
from distill.search.arena import Arena
from distill.search.confirmation import Confirmation, cross_fitted
from distill.search.outcome import Compressed
from distill.search.proposals import CLOSE, OPEN, needed_placeholders, proposal_block, proposal_request
from distill.search.scoring import Score, difference
from distill.search.tryouts import LimitReached, Tryouts
from distill.settings import Settings
from distill.settings.prompt import PromptSettings
from distill.teacher.exchange import Request
from distill.templates import Template


def compress(tryouts: Tryouts, confirmation: Confirmation, before: Score, arena: Arena) -> Compressed:
    """Asks for `prompt.compress` shorter variants of the winner and tries those with fewer words on the held-out rows.

    `before` is the winner's cross-fitted score. The figures after it are cross-fitted too, over both choices: of a
    finalist and, where it is the winner, of a variant. A limit ends it without a change.
    """
    prompt, winner, rows = tryouts.settings.prompt, confirmation.winner, confirmation.rows
    words, variants = len(winner.template.user.split()), []
    try:
        for reply in tryouts.proposals(shortening_requests(winner.template, tryouts.card, tryouts.settings)):
            template = arena.checked(reply)
            if template and len(template.user.split()) < words:
                variants.append(template)
        variants.sort(key=lambda template: len(template.user.split()))
        tries = {f"shorter {i}": (template, rows) for i, template in enumerate(variants)}
        answers = tryouts.answers(tries, "shorter prompts")
    except LimitReached as limit:
        print(f"no shorter prompt was tried: {limit}", flush=True)
        return Compressed(None, {"tried": 0, "words": words})
    winners = confirmation.names[confirmation.choice.place]

    def chosen(some: Mapping[str, Sequence[Annotation]], finalist: str | None = None) -> str:
        finalist = finalist or confirmation.chosen(some)
        scores = {name: tryouts.score(some[name], rows) for name in (finalist, *tries)}
        return finalist if finalist != winners else _shortest(scores, prompt)

    everything = confirmation.answers | answers
    taken = chosen(everything, winners)
    crossed, judged = cross_fitted(everything, rows, chosen)
    held_out, kept = tryouts.score(crossed, rows), tries[taken][0] if taken in tries else None
    metrics = {
        "tried": len(variants),
        "words_before": words,
        "words": len((kept or winner.template).user.split()),
        "score_before": before.total,
    }
    if kept:
        metrics["difference"] = difference(held_out, before, prompt.confidence).metrics()
        own = {name: tryouts.score(everything[name], rows).tokens for name in (winners, taken)}
        metrics["tokens_per_row_before"], metrics["tokens_per_row"] = own[winners], own[taken]
    return Compressed(kept, metrics, held_out, answers.get(taken, []), judged[taken] / len(rows))


def _shortest(scores: Mapping[str, Score], prompt: PromptSettings) -> str:
    """The first name, of the winner's score and those of variants from the shortest on, whose score is at most
    `prompt.compress_margin` below the winner's, and that parses and explains well enough where the winner does; the
    winner's where none is."""
    winner, *variants = scores
    before = scores[winner]
    for name in variants:
        score = scores[name]
        fit = score.parsed >= min(prompt.least_parsed, before.parsed) and score.explained >= min(
            prompt.least_explained, before.explained
        )
        if fit and score.total >= before.total - prompt.compress_margin:
            return name
    return winner


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
