"""Which finalist is taken, and how good it is: both from the held-out rows, neither flattered by the other.

The hand-written prompt is replaced only by a finalist that is clearly ahead of it. All finalists are compared with it
at once, by intervals that hold together, so that among equal prompts it is replaced no more often than
`prompt.confidence` says, however many there are.

The best of several looks better than it is on the rows that it was chosen on. So its figures are cross-fitted: the
rows are cut in FOLDS parts, and each is judged by the prompt that the other parts would have chosen. No row has a say
in the prompt that it judges, and no call is made for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from distill.errors import DataError
from distill.intervals import holm, largest_t
from distill.rows.records import Annotation, Example
from distill.search.arena import Candidate
from distill.search.scoring import Difference, Score, difference, label_p_value, mean_and_error
from distill.search.tryouts import Tryouts
from distill.settings.prompt import PromptSettings

FOLDS = 10
# Below this share of answers with a label there is nothing to distil.
_HOPELESS = 0.1


class Confirmation:
    """The finalists on the held-out rows, the hand-written prompt first.

    `answers` are those of each by its name, `choice` is which is taken. Raises DataError where hardly any answer has a
    label, whatever the prompt.
    """

    def __init__(self, tryouts: Tryouts, finalists: Sequence[Candidate], rows: Sequence[Example]):
        self.tryouts, self.finalists, self.rows = tryouts, finalists, rows
        tries = {f"finalist {finalist.number}": (finalist.template, rows) for finalist in finalists}
        self.names = list(tries)
        self.answers = tryouts.answers(tries, "confirmation")
        self.scores = [tryouts.score(self.answers[name], rows) for name in self.names]
        for finalist, name, score in zip(finalists, self.names, self.scores, strict=True):
            finalist.held_out_answers, finalist.held_out = self.answers[name], score
        self._check_labels()
        self.choice = choose(self.scores, tryouts.settings.prompt)
        self._say_what_is_unfit()

    @property
    def winner(self) -> Candidate:
        """The finalist that is taken."""
        return self.finalists[self.choice.place]

    def chosen(self, answers: Mapping[str, Sequence[Annotation]]) -> str:
        """The name of the finalist that these answers choose, all to the same of the rows."""
        scores = [self.tryouts.score(answers[name], self.rows) for name in self.names]
        return self.names[choose(scores, self.tryouts.settings.prompt).place]

    def _check_labels(self) -> None:
        best, answers = max(score.parsed for score in self.scores), self.answers[self.names[0]]
        if best < _HOPELESS:
            raise DataError(
                f"at best {best:.0%} of the held-out answers have a label, whatever the prompt; to annotate"
                " would cost money for nothing. Do teacher.path and the prompt fit the task? One of the answers is"
                f" {answers[0].response if answers else None!r}"
            )

    def _say_what_is_unfit(self) -> None:
        prompt, best = self.tryouts.settings.prompt, max(score.parsed for score in self.scores)
        if not self.choice.some_fit:
            print(
                f"no finalist has a label in {prompt.least_parsed:.0%} and a rationale in {prompt.least_explained:.0%}"
                f" of its held-out answers (at best {best:.0%} have a label); it is chosen by the score alone",
                flush=True,
            )
        elif self.choice.place == 0 and not is_fit(self.scores[0], prompt):
            print(
                "the hand-written prompt has a label or a rationale too seldom (prompt.least_parsed, least_explained),"
                " and no finalist is ahead of it by more than chance: it stays. More prompt.holdout_rows tell smaller"
                " differences apart",
                flush=True,
            )


@dataclass(frozen=True)
class Decision:
    """The place of the finalist that is taken (0: the hand-written prompt), its lead over the hand-written prompt, and
    whether some finalist has labels and rationales often enough."""

    place: int
    lead: Difference
    some_fit: bool


def choose(scores: Sequence[Score], prompt: PromptSettings) -> Decision:
    """Chooses by scores on the same rows, the hand-written prompt's first.

    Of the finalists with labels and rationales often enough (of all, where none has) the best one is taken that is
    clearly ahead of the hand-written prompt: in score or, where only the hand-written one has them too seldom, in the
    share of answers that have both. The lead's p-value is corrected for the number of finalists (Holm).
    """
    hand, others = scores[0], scores[1:]
    fit = [is_fit(score, prompt) for score in scores]
    none = difference(hand, hand, prompt.confidence)
    if not others:
        return Decision(0, none, any(fit))
    rows = sorted(hand.by_row)
    apart = [[score.by_row[i] - hand.by_row[i] for i in rows] for score in others]
    whole = [[float((i in score.whole) - (i in hand.whole)) for i in rows] for score in others]
    width = largest_t(np.array(apart + whole).T, prompt.confidence)

    def interval(some: Sequence[float]) -> tuple[float, float, float]:
        mean, error = mean_and_error(some)
        return mean, mean - width * error, mean + width * error

    ahead = [
        place
        for place in range(1, len(scores))
        if (fit[place] or not any(fit))
        and (interval(apart[place - 1])[1] > 0 or (any(fit) and not fit[0] and interval(whole[place - 1])[1] > 0))
    ]
    if not ahead:
        return Decision(0, none, any(fit))
    best = max(ahead, key=lambda place: (scores[place].total, -place))
    p_values = holm([label_p_value(score, hand) for score in others])
    return Decision(best, Difference(len(rows), *interval(apart[best - 1]), p_values[best - 1]), any(fit))


def is_fit(score: Score, prompt: PromptSettings) -> bool:
    """Whether a prompt's answers have a label and a rationale often enough."""
    return score.parsed >= prompt.least_parsed and score.explained >= prompt.least_explained


def cross_fitted(
    answers: Mapping[str, Sequence[Annotation]],
    rows: Sequence[Example],
    chosen: Callable[[Mapping[str, Sequence[Annotation]]], str],
) -> tuple[list[Annotation], Counter[str]]:
    """(the answer to each row of the prompt that the rows of the other parts choose, in order of id; how many rows each
    prompt judged so).

    `answers` are those of each prompt, by its name, to all rows; `chosen` names the prompt that is taken by answers to
    some rows. Rows go to the FOLDS parts in turn, so their order is to be a random one. One row alone has no others:
    the first prompt answers it.
    """
    part = {row.id: place % FOLDS for place, row in enumerate(rows)}
    taken: list[Annotation] = []
    judged: Counter[str] = Counter()
    for fold in sorted(set(part.values())):
        others = {name: [answer for answer in own if part[answer.id] != fold] for name, own in answers.items()}
        name = chosen(others) if len(rows) > 1 else next(iter(answers))
        own = [answer for answer in answers[name] if part[answer.id] == fold]
        taken += own
        judged[name] += len(own)
    return sorted(taken, key=lambda answer: answer.id), judged
