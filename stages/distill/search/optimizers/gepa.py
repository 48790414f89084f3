"""GEPA (Agrawal et al. 2025, arXiv 2507.19457) through its own library: prompts evolve along a Pareto front of rows,
each from one parent and what it got wrong on a few rows.

The library chooses parents and rows and accepts or drops; asking, scoring, checking and the limits are those of
every optimizer here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from distill.errors import UserError
from distill.rows.records import Annotation, Example
from distill.search.arena import Arena, Candidate
from distill.search.candidates import CLOSE, OPEN
from distill.search.optimizers.opro import TOKENS_A_WORD, TOKENS_AROUND
from distill.search.tryouts import LimitReached
from distill.teacher.exchange import Request
from distill.templates import Template, render

_PART = "prompt"
_MINIBATCH = 5  # rows that a proposal is made from, and accepted on
_SHOWN = 600  # characters of an answer that the optimizer model reads


class Gepa:
    """Evolves the hand-written prompt. Raises UserError where the package is missing."""

    def __init__(self, arena: Arena):
        try:
            import gepa
        except ImportError as error:
            raise UserError(
                "prompt.optimizer: is gepa, whose package is not installed: pip install -r requirements-gepa.txt, or"
                " set it to opro"
            ) from error
        self.library, self.arena, self.prompt = gepa, arena, arena.prompt
        self.propose_new_texts = self._propose
        self.proposed = 0
        self.limit: LimitReached | None = None
        self.tried: dict[str, dict[str, Annotation]] = {
            arena.start.user: {a.id: a for a in arena.candidates[0].answers}
        }

    def search(self) -> None:
        """As many proposals as OPRO makes in its rounds, within the search's limits."""
        rows, most = list(self.arena.rows), self.prompt.steps * self.prompt.candidates
        self.library.optimize(
            {_PART: self.arena.start.user},
            trainset=rows,
            valset=rows,
            adapter=self,
            skip_perfect_score=False,
            reflection_minibatch_size=min(_MINIBATCH, len(rows)),
            stop_callbacks=lambda state: self.limit is not None or self.proposed >= most,
            logger=SimpleNamespace(log=lambda message: None),
            seed=self.prompt.seed,
            raise_on_exception=False,
        )
        self._remember()
        if self.limit:
            raise self.limit

    def evaluate(self, batch: list[Example], candidate: dict[str, str], capture_traces: bool = False) -> Any:
        """The score of each row of a batch under a prompt, and the answers where they are to be learnt from."""
        text = candidate[_PART]
        known = self.tried.setdefault(text, {})
        missing = [row for row in batch if row.id not in known]
        if missing:
            try:
                name = f"candidate {len(self.tried) - 1}"
                tries = {name: (Template(self.arena.start.system, text), missing)}
                found = self.arena.tryouts.answers(tries, f"proposal {self.proposed}")[name]
            except LimitReached as limit:
                self.limit = limit
                raise
            known |= {answer.id: answer for answer in found}
        answers = [known[row.id] for row in batch]
        score = self.arena.tryouts.score(answers, self.arena.rows)
        traces = list(zip(batch, answers, strict=True)) if capture_traces else None
        from gepa.core.adapter import EvaluationBatch

        return EvaluationBatch(outputs=answers, scores=[score.by_row[row.id] for row in batch], trajectories=traces)

    def make_reflective_dataset(
        self, candidate: dict[str, str], eval_batch: Any, components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """What each row of a minibatch got, in words."""
        return {_PART: [self._feedback(row, answer) for row, answer in eval_batch.trajectories]}

    def _feedback(self, row: Example, answer: Annotation) -> dict[str, str]:
        low, high = self.prompt.rationale_words
        words = len((answer.rationale or "").split())
        said = []
        said.append(
            "The answer is right."
            if answer.id in self.arena.tryouts.score([answer], [row]).right
            else f"The right answer: {row.label}."
        )
        said += [] if answer.label is not None else ["No answer could be found in the text."]
        said += [] if words else ["It explains nothing."]
        said += (
            [f"The explanation has {words} words; {low} to {high} are wanted."]
            if words and not low <= words <= high
            else []
        )
        shown = render("\n".join(f"{{{name}}}" for name in self.arena.tryouts.card.fields), row.fields)
        return {"Inputs": shown, "Generated Outputs": (answer.response or "")[:_SHOWN], "Feedback": " ".join(said)}

    def _propose(
        self,
        candidate: dict[str, str],
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: list[str],
    ) -> dict[str, str]:
        """A new prompt from one parent and its feedback; the parent itself where the proposal is not worth a call."""
        self.proposed += 1
        text, records = candidate[_PART], reflective_dataset[_PART]
        request = Request(
            row_id=f"proposal-{self.proposed}",
            messages=({"role": "user", "content": self._meta_prompt(text, records)},),
            model=self.prompt.model or self.arena.tryouts.settings.teacher.model,
            temperature=self.prompt.temperature,
            top_p=1.0,
            max_tokens=TOKENS_A_WORD * self.prompt.max_words + TOKENS_AROUND,
            seed=self.prompt.seed * 1_000_000 + self.proposed,
            sample=self.proposed,
            purpose="propose",
        )
        try:
            reply = self.arena.tryouts.proposals([request])[0]
        except LimitReached as limit:
            self.limit = limit
            raise
        template = self.arena.checked(reply.text)
        return {_PART: template.user if template else text}

    def _meta_prompt(self, text: str, records: Sequence[Mapping[str, Any]]) -> str:
        score = self.arena.tryouts.score(list(self.tried[text].values()), self.arena.rows)
        needed = ", ".join(f"{{{name}}}" for name in sorted(self.arena.start.placeholders()))
        shown = "\n\n".join(
            f"Row:\n{r['Inputs']}\nAnswer:\n{r['Generated Outputs']}\nFeedback: {r['Feedback']}" for r in records
        )
        return (
            "You improve the prompt that a language model is given for every row of a task.\n\nThe task:"
            f" {self.arena.tryouts.card.description}\nA prompt must show the row through these placeholders, written"
            f" exactly so: {needed}\n\nThe prompt and its score, of 100 at most:\n\n{OPEN}\n{text}\n{CLOSE}\nScore:"
            f" {round(100 * score.total)}\n\nWhat it was answered on some rows:\n\n{shown}\n\nSay to yourself what went"
            f" wrong, and write a prompt that avoids it on rows like these, in at most {self.prompt.max_words} words."
            f" Put it between {OPEN} and {CLOSE}."
        )

    def _remember(self) -> None:
        """Every prompt that was tried becomes a candidate; what the library took on saw all search rows."""
        for text, known in self.tried.items():
            if text == self.arena.start.user or not known:
                continue
            answers = sorted(known.values(), key=lambda a: a.id)
            score = self.arena.tryouts.score(answers, self.arena.rows)
            number = len(self.arena.candidates)
            partial = len(answers) < len(self.arena.rows)
            self.arena.candidates.append(
                Candidate(
                    number, number, Template(self.arena.start.system, text), score, dropped=partial, answers=answers
                )
            )
