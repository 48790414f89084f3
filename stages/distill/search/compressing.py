"""Shorter variants of the winner, kept only if the held-out score does not fall by more than a stated margin."""

from __future__ import annotations

from collections.abc import Sequence

from distill.rows.records import Example
from distill.search.arena import Arena, Candidate
from distill.search.candidates import CLOSE, OPEN
from distill.search.outcome import Compressed
from distill.search.scoring import difference
from distill.search.tryouts import LimitReached, Tryouts
from distill.teacher.exchange import Request
from distill.templates import Template

# A proposal is a prompt and its tags: two tokens a word at most, and some to spare for what is said around it.
TOKENS_A_WORD, TOKENS_AROUND = 2, 200


def compress(tryouts: Tryouts, winner: Candidate, rows: Sequence[Example], arena: Arena) -> Compressed:
    """Asks for `prompt.compress` shorter variants and tries those with fewer words on the held-out rows.

    The shortest one is taken whose score there is at most `prompt.compress_margin` below the winner's, and
    that parses and explains well enough where the winner does. A limit ends it without a change.
    """
    prompt, before = tryouts.settings.prompt, winner.held_out
    assert before
    words, variants = len(winner.template.user.split()), []
    try:
        for reply in tryouts.proposals(_requests(tryouts, winner.template)):
            template = arena.checked(reply.text)
            if template and len(template.user.split()) < words:
                variants.append(template)
        tries = {f"shorter {i}": (template, rows) for i, template in enumerate(variants)}
        answers = tryouts.answers(tries, "shorter prompts")
    except LimitReached as limit:
        print(f"no shorter prompt was sought: {limit}", flush=True)
        return Compressed(None, None, {"tried": 0, "words": words})
    kept, held_out, told = None, None, []
    for i, template in sorted(enumerate(variants), key=lambda item: (len(item[1].user.split()), item[0])):
        found = tryouts.score(answers[f"shorter {i}"], rows)
        fit = found.parsed >= min(prompt.least_parsed, before.parsed) and found.explained >= min(
            prompt.least_explained, before.explained
        )
        if fit and found.total >= before.total - prompt.compress_margin:
            kept, held_out, told = template, found, answers[f"shorter {i}"]
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
    return Compressed(kept, held_out, metrics, told)


def _requests(tryouts: Tryouts, template: Template) -> list[Request]:
    prompt = tryouts.settings.prompt
    needed = ", ".join(f"{{{name}}}" for name in sorted(template.placeholders()))
    text = (
        "You shorten the prompt that a language model is given for every row of a task, so that it costs fewer"
        f" tokens.\n\nThe task: {tryouts.card.description}\nA prompt must show the row through these placeholders,"
        f" written exactly so: {needed}\n\nThe prompt:\n\n{OPEN}\n{template.user}\n{CLOSE}\nScore: 100\n\nWrite it anew"
        " in fewer words. Leave out what is said twice or helps least; keep what it asks for and the form of the"
        f" answer. Put the shorter prompt between {OPEN} and {CLOSE}."
    )
    return [
        Request(
            row_id=f"shorter-{number}",
            messages=({"role": "user", "content": text},),
            model=prompt.model or tryouts.settings.teacher.model,
            temperature=prompt.temperature,
            top_p=1.0,
            max_tokens=TOKENS_A_WORD * prompt.max_words + TOKENS_AROUND,
            seed=prompt.seed * 1_000_000 + number,
            sample=number,
            purpose="propose",
        )
        for number in range(prompt.compress)
    ]
