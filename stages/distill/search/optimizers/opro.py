"""OPRO (Yang et al. 2023, arXiv 2309.03409): a model reads earlier prompts with their scores, in
ascending order, beside a few labelled rows, and writes a better one."""

from __future__ import annotations

import random
from collections.abc import Sequence

from distill.search.arena import Arena
from distill.search.candidates import CLOSE, OPEN
from distill.search.scoring import Score
from distill.teacher.exchange import Request
from distill.templates import Template, render

# A proposal is a prompt and its tags: four tokens to three words, and some to spare for what a model says around it.
TOKENS_A_WORD, TOKENS_AROUND = 2, 200


class Opro:
    """Proposes prompts from those scored so far."""

    def __init__(self, arena: Arena):
        self.arena, self.card, self.start, self.exemplars = arena, arena.tryouts.card, arena.start, arena.rows
        self.settings, self.prompt = arena.tryouts.settings, arena.prompt

    def search(self) -> None:
        """`prompt.steps` rounds of `prompt.candidates` proposals; each round's race together."""
        for step in range(1, self.prompt.steps + 1):
            replies = self.arena.tryouts.proposals(self.requests(self.scored(), step))
            templates = [template for reply in replies if (template := self.arena.checked(reply.text))]
            self.arena.race(templates, step)
            best = self.arena.best
            tried = len(self.arena.candidates) - 1
            print(
                f"step {step}/{self.prompt.steps}: {tried} tried, best {best.search.total:.3f} (from step {best.step})",
                flush=True,
            )

    def scored(self) -> list[tuple[Template, Score]]:
        """What the next proposals are made from."""
        return [(one.template, one.search) for one in self.arena.candidates]

    def requests(self, scored: Sequence[tuple[Template, Score]], step: int) -> list[Request]:
        """One request a wanted proposal: the same meta-prompt, each with a seed of its own."""
        messages = ({"role": "user", "content": self.meta_prompt(scored, step)},)
        return [
            Request(
                row_id=f"proposal-{step}-{number}",
                messages=messages,
                model=self.prompt.model or self.settings.teacher.model,
                temperature=self.prompt.temperature,
                top_p=1.0,
                max_tokens=TOKENS_A_WORD * self.prompt.max_words + TOKENS_AROUND,
                seed=self.prompt.seed * 1_000_000 + step * 1_000 + number,
                sample=number,
                purpose="propose",
            )
            for number in range(self.prompt.candidates)
        ]

    def meta_prompt(self, scored: Sequence[tuple[Template, Score]], step: int) -> str:
        """What the optimizer model reads: the best `prompt.history` prompts, worst first, and new exemplars."""
        best = sorted(scored, key=lambda item: item[1].total)[-self.prompt.history :]
        earlier = "\n\n".join(
            f"{OPEN}\n{template.user}\n{CLOSE}\nScore: {round(100 * found.total)}" for template, found in best
        )
        picks = random.Random(f"{self.prompt.seed}/{step}").sample(
            self.exemplars, min(self.prompt.exemplars, len(self.exemplars))
        )
        shown = "\n\n".join(f"{render(self._input(), row.fields)}\nRight answer: {row.label}" for row in picks)
        needed = ", ".join(f"{{{name}}}" for name in sorted(self.start.placeholders()))
        answers = f"The allowed answers are: {', '.join(self.card.classes)}.\n" if self.card.classes else ""
        low, high = self.prompt.rationale_words
        return (
            "You write the prompt that a language model is given for every row of a task.\n\nThe task:"
            f" {self.card.description}\n{answers}A prompt must show the row through these placeholders, written exactly"
            f" so: {needed}\nA good prompt gets the right answer, an explanation of {low} to {high} words for every"
            " row, and an answer that a program can find in the text.\n\nEarlier prompts and their scores, of 100 at"
            f" most, worst first:\n\n{earlier}\n\n"
            + (f"Some rows with their right answers:\n\n{shown}\n\n" if shown else "")
            + "Write one new prompt that differs from all of these and scores higher, in at most"
            f" {self.prompt.max_words} words. Put it between {OPEN} and {CLOSE}."
        )

    def _input(self) -> str:
        return "\n".join(f"{{{name}}}" for name in self.card.fields)
