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
from distill.search.few_shot import compare_few_shot
from distill.search.optimizers import optimizer
from distill.search.outcome import Outcome
from distill.search.proposals import longest_candidate
from distill.search.scoring import Difference, Score, difference
from distill.search.tryouts import LimitReached, Most, Tryouts
from distill.settings import Settings
from distill.settings.prompt import PromptSettings
from distill.sizes import search_sizes

# Below this share of answers with a label there is nothing to distil.
_HOPELESS = 0.1


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
        winner, lead = self.choose(arena)
        outcome = Outcome(winner, arena.candidates, arena.rejected, lead, cost={"search": spent})
        if self.prompt.compress:
            outcome.compressed = compress(self.tryouts, winner, self.held_out_rows, arena)
        outcome.cost["confirmed"] = self.tryouts.spent.metrics()
        if self.prompt.few_shot:
            outcome.few_shot = compare_few_shot(self.tryouts, outcome, self.search_rows, self.held_out_rows)
        outcome.cost["all"] = self.tryouts.spent.metrics()
        return outcome

    def choose(self, arena: Arena) -> tuple[Candidate, Difference]:
        """(the winner, its lead over the hand-written prompt on the held-out rows).

        Of the finalists that parse and explain well enough it is the one with the best held-out score; the
        hand-written prompt, if fit, is replaced only where the interval of the paired difference is above 0.
        """
        hand_written = arena.candidates[0]
        ranked = sorted(
            (c for c in arena.candidates[1:] if not c.dropped),
            key=lambda c: (-c.search.rows, -c.search.total, c.number),
        )
        finalists = [hand_written, *ranked[: self.prompt.finalists]]
        tries = {f"finalist {finalist.number}": (finalist.template, self.held_out_rows) for finalist in finalists}
        answers = self.tryouts.answers(tries, "confirmation")
        scores: dict[Candidate, Score] = {}
        for finalist in finalists:
            finalist.held_out_answers = answers[f"finalist {finalist.number}"]
            scores[finalist] = self.tryouts.score(finalist.held_out_answers, self.held_out_rows)
            finalist.held_out = scores[finalist]
        fit = [finalist for finalist in finalists if self.is_fit(scores[finalist])]
        best = max(scores.values(), key=lambda score: score.parsed)
        example = (hand_written.held_out_answers or [None])[0]
        if best.parsed < _HOPELESS:
            raise DataError(
                f"at best {best.parsed:.0%} of the held-out answers have a label, whatever the prompt; to annotate"
                " would cost money for nothing. Do teacher.path and the prompt fit the task? One of the answers is"
                f" {example.response if example else None!r}"
            )
        if not fit:
            print(
                f"no finalist has a label in {self.prompt.least_parsed:.0%} and a rationale in"
                f" {self.prompt.least_explained:.0%} of its held-out answers (at best {best.parsed:.0%} have a label);"
                " it is chosen by the score alone",
                flush=True,
            )
        winner = max(fit or finalists, key=lambda finalist: (scores[finalist].total, -finalist.number))
        lead = difference(scores[winner], scores[hand_written], self.prompt.confidence)
        if winner is not hand_written and hand_written in (fit or finalists) and lead.low <= 0:
            return hand_written, difference(scores[hand_written], scores[hand_written], self.prompt.confidence)
        return winner, lead

    def is_fit(self, score: Score) -> bool:
        """Whether a prompt's answers have a label and a rationale often enough."""
        return score.parsed >= self.prompt.least_parsed and score.explained >= self.prompt.least_explained

    def _confirmation(self) -> Most:
        """The most that the confirmation can cost."""
        longest = longest_candidate(self.start, self.prompt.max_words)
        return self.tryouts.most_for([(longest, self.held_out_rows)] * (self.prompt.finalists + 1))
