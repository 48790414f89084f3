"""GEPA (Agrawal et al. 2025, arXiv 2507.19457) through its own library: prompts evolve along a Pareto front of rows,
each from one parent and what it got wrong on a few rows.

The library chooses parents and rows and accepts or drops; asking, scoring, checking and the limits are those of
every optimizer here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from distill.errors import UserError
from distill.rows.records import Annotation, Example, TaskCard
from distill.search.arena import Arena, Candidate
from distill.search.proposals import CLOSE, OPEN, needed_placeholders, proposal_block, proposal_request, row_as_shown
from distill.settings import Settings
from distill.settings.prompt import PromptSettings
from distill.teacher.exchange import Request
from distill.templates import Template

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
        self.tryouts, self.card = arena.tryouts, arena.tryouts.card
        self.propose_new_texts = self._propose
        self.proposed = 0
        # Why asking cannot go on. The library catches what its adapter raises.
        self.ended: UserError | None = None
        self.answers: dict[str, dict[str, Annotation]] = {
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
            stop_callbacks=lambda state: self.ended is not None or self.proposed >= most,
            logger=SimpleNamespace(log=lambda message: None),
            seed=self.prompt.seed,
            raise_on_exception=False,
        )
        self._remember()
        if self.ended:
            raise self.ended

    @staticmethod
    def longest_requests(
        start: Template, longest: Template, rows: Sequence[Example], card: TaskCard, settings: Settings
    ) -> Iterator[Request]:
        """All questions for proposals, each from a parent as long as `longest` and the rows that take most words."""
        prompt = settings.prompt
        most_words = sorted(rows, key=lambda row: len(row_as_shown(row, card)), reverse=True)[:_MINIBATCH]
        records = [_record(row, "x" * _SHOWN, _faults(row.label, None, 10**6, prompt), card) for row in most_words]
        question = _meta_prompt(longest.user, 1.0, records, start, card, prompt)
        for number in range(1, prompt.steps * prompt.candidates + 1):
            yield _question(question, number, settings)

    def evaluate(self, batch: list[Example], candidate: dict[str, str], capture_traces: bool = False) -> Any:
        """The score of each row of a batch under a prompt, and the answers where they are to be learnt from."""
        text = candidate[_PART]
        answers = self.answers.setdefault(text, {})
        missing = [row for row in batch if row.id not in answers]
        if missing:
            try:
                name = f"candidate {len(self.answers) - 1}"
                tries = {name: (Template(self.arena.start.system, text), missing)}
                new = self.tryouts.answers(tries, f"proposal {self.proposed}")[name]
            except UserError as error:
                self.ended = error
                raise
            answers |= {answer.id: answer for answer in new}
        of_batch = [answers[row.id] for row in batch]
        score = self.tryouts.score(of_batch, self.arena.rows)
        traces = list(zip(batch, of_batch, strict=True)) if capture_traces else None
        from gepa.core.adapter import EvaluationBatch

        return EvaluationBatch(outputs=of_batch, scores=[score.by_row[row.id] for row in batch], trajectories=traces)

    def make_reflective_dataset(
        self, candidate: dict[str, str], eval_batch: Any, components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """What each row of a minibatch got, in words."""
        return {_PART: [self._feedback(row, answer) for row, answer in eval_batch.trajectories]}

    def _feedback(self, row: Example, answer: Annotation) -> dict[str, str]:
        right = answer.id in self.tryouts.score([answer], [row]).right
        words = len((answer.rationale or "").split())
        faults = _faults(None if right else row.label, answer.label, words, self.prompt)
        return _record(row, answer.response or "", faults, self.card)

    def _propose(
        self,
        candidate: dict[str, str],
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: list[str],
    ) -> dict[str, str]:
        """A new prompt from one parent and its feedback; the parent itself where the proposal is not worth a call."""
        self.proposed += 1
        text, records = candidate[_PART], reflective_dataset[_PART]
        total = self.tryouts.score(list(self.answers[text].values()), self.arena.rows).total
        question = _meta_prompt(text, total, records, self.arena.start, self.card, self.prompt)
        try:
            reply = self.tryouts.proposals([_question(question, self.proposed, self.tryouts.settings)])[0]
        except UserError as error:
            self.ended = error
            raise
        template = self.arena.checked(reply)
        return {_PART: template.user if template else text}

    def _remember(self) -> None:
        """Every prompt that was tried becomes a candidate; what the library took on saw all search rows."""
        for text, by_row in self.answers.items():
            if text == self.arena.start.user or not by_row:
                continue
            answers = sorted(by_row.values(), key=lambda answer: answer.id)
            score = self.tryouts.score(answers, self.arena.rows)
            number = len(self.arena.candidates)
            partial = len(answers) < len(self.arena.rows)
            template = Template(self.arena.start.system, text)
            self.arena.candidates.append(Candidate(number, number, template, score, dropped=partial, answers=answers))


def _question(question: str, number: int, settings: Settings) -> Request:
    return proposal_request(question, f"proposal-{number}", number=number, sample=number, settings=settings)


def _faults(missed: str | None, label: str | None, words: int, prompt: PromptSettings) -> str:
    """What was wrong with an answer that gave `label` and explained in so many words; `missed` is the gold label where
    it gave another."""
    low, high = prompt.rationale_words
    faults = ["The answer is right." if missed is None else f"The right answer: {missed}."]
    if label is None:
        faults.append("No answer could be found in the text.")
    if not words:
        faults.append("It explains nothing.")
    elif not low <= words <= high:
        faults.append(f"The explanation has {words} words; {low} to {high} are wanted.")
    return " ".join(faults)


def _record(row: Example, response: str, faults: str, card: TaskCard) -> dict[str, str]:
    return {"Inputs": row_as_shown(row, card), "Generated Outputs": response[:_SHOWN], "Feedback": faults}


def _meta_prompt(
    text: str,
    total: float,
    records: Sequence[Mapping[str, Any]],
    start: Template,
    card: TaskCard,
    prompt: PromptSettings,
) -> str:
    rows = "\n\n".join(
        f"Row:\n{r['Inputs']}\nAnswer:\n{r['Generated Outputs']}\nFeedback: {r['Feedback']}" for r in records
    )
    return (
        "You improve the prompt that a language model is given for every row of a task.\n\n"
        f"The task: {card.description}\n"
        f"A prompt must show the row through these placeholders, written exactly so: {needed_placeholders(start)}\n\n"
        "The prompt and its score, of 100 at most:\n\n"
        f"{proposal_block(text, total)}\n\n"
        "What it was answered on some rows:\n\n"
        f"{rows}\n\n"
        "Say to yourself what went wrong, and write a prompt that avoids it on rows like these, in at most"
        f" {prompt.max_words} words. Put it between {OPEN} and {CLOSE}."
    )
