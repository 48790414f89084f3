"""OPRO (Yang et al. 2023, arXiv 2309.03409): a model reads earlier prompts with their scores, in
ascending order, beside a few labelled rows, and writes a better one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from distill.rows.records import Example, TaskCard
from distill.search.arena import Arena
from distill.search.proposals import CLOSE, OPEN, needed_placeholders, proposal_block, proposal_request, row_as_shown
from distill.settings import Settings
from distill.settings.prompt import PromptSettings
from distill.teacher.exchange import Request
from distill.templates import Template


class Opro:
    """Proposes prompts from those scored so far."""

    def __init__(self, arena: Arena):
        self.arena, self.prompt = arena, arena.prompt

    def search(self) -> None:
        """`prompt.steps` rounds of `prompt.candidates` proposals; each round's race together."""
        tryouts = self.arena.tryouts
        for step in range(1, self.prompt.steps + 1):
            question = meta_prompt(self.scored(), step, self.arena.start, self.arena.rows, tryouts.card, self.prompt)
            replies = tryouts.proposals(_round(question, step, tryouts.settings))
            templates = [template for reply in replies if (template := self.arena.checked(reply))]
            self.arena.race(templates, step)
            best = self.arena.best
            print(
                f"step {step}/{self.prompt.steps}: {len(self.arena.candidates) - 1} tried, best"
                f" {best.search.total:.3f} (from step {best.step})",
                flush=True,
            )

    def scored(self) -> list[tuple[Template, float]]:
        """The prompts that the next proposals are made from, each with its score."""
        return [(candidate.template, candidate.search.total) for candidate in self.arena.candidates]

    @staticmethod
    def longest_requests(
        start: Template, longest: Template, rows: Sequence[Example], card: TaskCard, settings: Settings
    ) -> Iterator[Request]:
        """All questions for proposals, each round's with as many earlier prompts as it can show, all as long as
        `longest` but the first."""
        prompt = settings.prompt
        for step in range(1, prompt.steps + 1):
            scored = [(start, 1.0)] + [(longest, 1.0)] * min(prompt.history, (step - 1) * prompt.candidates)
            yield from _round(meta_prompt(scored, step, start, rows, card, prompt), step, settings)


def _round(question: str, step: int, settings: Settings) -> list[Request]:
    """One request a wanted proposal: the same question, each with a seed of its own."""
    return [
        proposal_request(
            question, f"proposal-{step}-{number}", number=step * 1_000 + number, sample=number, settings=settings
        )
        for number in range(settings.prompt.candidates)
    ]


def meta_prompt(
    scored: Sequence[tuple[Template, float]],
    step: int,
    start: Template,
    rows: Sequence[Example],
    card: TaskCard,
    prompt: PromptSettings,
) -> str:
    """What the optimizer model reads: of the prompts with their scores the best `prompt.history`, worst first, and
    `prompt.exemplars` of the rows, others each step."""
    best = sorted(scored, key=lambda item: item[1])[-prompt.history :]
    earlier = "\n\n".join(proposal_block(template.user, total) for template, total in best)
    picks = random.Random(f"{prompt.seed}/{step}").sample(rows, min(prompt.exemplars, len(rows)))
    exemplars = "\n\n".join(f"{row_as_shown(row, card)}\nRight answer: {row.label}" for row in picks)
    answers = f"The allowed answers are: {', '.join(card.classes)}.\n" if card.classes else ""
    low, high = prompt.rationale_words
    return (
        "You write the prompt that a language model is given for every row of a task.\n\n"
        f"The task: {card.description}\n"
        f"{answers}"
        f"A prompt must show the row through these placeholders, written exactly so: {needed_placeholders(start)}\n"
        f"A good prompt gets the right answer, an explanation of {low} to {high} words for every row, and an answer"
        " that a program can find in the text.\n\n"
        "Earlier prompts and their scores, of 100 at most, worst first:\n\n"
        f"{earlier}\n\n"
        + (f"Some rows with their right answers:\n\n{exemplars}\n\n" if exemplars else "")
        + "Write one new prompt that differs from all of these and scores higher, in at most"
        f" {prompt.max_words} words. Put it between {OPEN} and {CLOSE}."
    )
