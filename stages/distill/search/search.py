"""The search for the prompt: an optimizer proposes, candidates race on the search rows, and the winner is chosen on
held-out rows, which the search never saw. The hand-written prompt is always a finalist."""

from __future__ import annotations

from collections.abc import Sequence

from distill.errors import DataError
from distill.prompts.asking import Asks
from distill.prompts.prompt_file import hand_written
from distill.rows.permutation import seeded_order
from distill.rows.records import Example, TaskCard
from distill.search.arena import Arena, Candidate
from distill.search.compressing import compress
from distill.search.confirmation import Confirmation
from distill.search.few_shot import compare_few_shot
from distill.search.optimizers import optimizer
from distill.search.outcome import Outcome, confirmed_outcome
from distill.search.proposals import longest_candidate
from distill.search.tryouts import LimitReached, Most, Tryouts
from distill.settings import Settings
from distill.settings.prompt import PromptSettings
from distill.sizes import search_sizes


def slices(train: Sequence[Example], settings: PromptSettings) -> tuple[list[Example], list[Example]]:
    """(search rows, held-out rows): the first labelled train rows in seeded order, none in both.

    Raises DataError where too few rows have a label.
    """
    labelled = seeded_order((row for row in train if row.label is not None), settings.seed, "prompt search")
    search, held_out = search_sizes(settings.search_rows, settings.holdout_rows, len(labelled))
    if len(labelled) < search + held_out:
        raise DataError(
            f"the prompt search needs {search + held_out} labelled train rows (prompt.search_rows {search} + "
            f"prompt.holdout_rows {held_out}); there are {len(labelled)}: lower them, or set prompt.optimizer to fixed"
        )
    return labelled[:search], labelled[search : search + held_out]


class Search:
    """One search for the prompt that asks for label and rationale."""

    def __init__(self, teacher: Asks, card: TaskCard, train: Sequence[Example], settings: Settings):
        self.tryouts = Tryouts(teacher, card, settings)
        self.settings, self.prompt = settings, settings.prompt
        self.search_rows, self.held_out_rows = slices(train, self.prompt)
        self.start = hand_written(card, self.prompt)["explain"]

    def run(self) -> Outcome:
        """Raises DataError where too few rows are labelled, LimitReached where a limit is too low for any search."""
        self.tryouts.reserved = self._confirmation()
        try:
            arena = Arena(self.tryouts, self.start, self.search_rows)
        except LimitReached as limit:
            raise LimitReached(
                f"{limit}: too little for any search. Raise it, or lower prompt.search_rows, holdout_rows or finalists"
            ) from limit
        try:
            optimizer(self.prompt.optimizer)(arena).search()
        except LimitReached as limit:
            print(f"the search ends here: {limit}", flush=True)
        spent = self.tryouts.spent.metrics()
        self.tryouts.reserved = Most()
        confirmation = Confirmation(self.tryouts, self.finalists(arena), self.held_out_rows)
        outcome = confirmed_outcome(confirmation, arena, spent)
        if self.prompt.compress:
            outcome.compressed = compress(self.tryouts, confirmation, outcome.held_out, arena)
        outcome.cost["confirmed"] = self.tryouts.spent.metrics()
        if self.prompt.few_shot:
            outcome.few_shot = compare_few_shot(self.tryouts, outcome, self.search_rows, self.held_out_rows)
        outcome.cost["all"] = self.tryouts.spent.metrics()
        return outcome

    def finalists(self, arena: Arena) -> list[Candidate]:
        """The hand-written prompt, and the best on the search rows."""
        ranked = sorted(
            (c for c in arena.candidates[1:] if not c.dropped),
            key=lambda c: (-c.search.rows, -c.search.total, c.number),
        )
        return [arena.candidates[0], *ranked[: self.prompt.finalists]]

    def _confirmation(self) -> Most:
        """The most that the confirmation can cost."""
        longest = longest_candidate(self.start, self.prompt.max_words)
        return self.tryouts.most_for([(longest, self.held_out_rows)] * (self.prompt.finalists + 1))
