"""Checks the proposals of an optimizer, races them on the search rows, and keeps them with their scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

from distill.errors import UserError
from distill.rows.records import Annotation, Example
from distill.search.proposals import REJECTIONS, UNREADABLE, Rejected, fingerprint, proposed_template
from distill.search.scoring import Score, difference
from distill.search.tryouts import Tryouts
from distill.teacher.exchange import Reply
from distill.templates import Template

_HOPELESS_PROPOSALS = 10  # the first ones, without a prompt in any


@dataclass(eq=False)
class Candidate:
    """A prompt that was tried: 0 is the hand-written one, then in the order of proposal.

    `dropped`: it was clearly behind the best before all search rows were asked. `answers` are those to search rows.
    """

    number: int
    step: int
    template: Template
    search: Score
    dropped: bool = False
    held_out: Score | None = None
    answers: list[Annotation] = field(default_factory=list)
    held_out_answers: list[Annotation] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        """Tokens in and out of its answers to search rows, of those that are known."""
        return sum((a.tokens_in or 0) + (a.tokens_out or 0) for a in self.answers)


class Arena:
    """The candidates of one search. `rejected` counts proposals by reason (proposals.REJECTIONS)."""

    def __init__(self, tryouts: Tryouts, start: Template, rows: Sequence[Example]):
        self.tryouts, self.start, self.rows = tryouts, start, rows
        self.prompt = tryouts.settings.prompt
        self.rejected: Counter[str] = Counter()
        self.seen = {fingerprint(start)}
        answers = tryouts.answers({"hand-written": (start, rows)}, "hand-written prompt")["hand-written"]
        self.candidates = [Candidate(0, 0, start, tryouts.score(answers, rows), answers=answers)]

    @property
    def best(self) -> Candidate:
        """The best on all search rows, the first among equals."""
        return max(
            (c for c in self.candidates if not c.dropped), key=lambda c: (c.search.rows, c.search.total, -c.number)
        )

    def checked(self, reply: Reply) -> Template | None:
        """The prompt in a proposal; None where it is not worth a call. What is rejected is counted by reason.

        Raises UserError where the first proposals hold no prompt at all: the search would go on for nothing.
        """
        try:
            template = proposed_template(
                reply.text,
                system=self.start.system,
                needed=self.start.placeholders(),
                fields=self.tryouts.card.fields,
                max_words=self.prompt.max_words,
                seen=self.seen,
            )
        except Rejected as rejection:
            cut = reply.finish_reason == "length" and rejection.reason in UNREADABLE
            self.rejected["cut" if cut else rejection.reason] += 1
            self._check_proposals()
            return None
        self.seen.add(fingerprint(template))
        return template

    def _check_proposals(self) -> None:
        unreadable = {reason: self.rejected[reason] for reason in UNREADABLE if self.rejected[reason]}
        if not self.tryouts.settings.runtime.stop_early or len(self.seen) > 1:
            return
        if self.rejected.total() == sum(unreadable.values()) == _HOPELESS_PROPOSALS:
            causes = ", ".join(f"{count} {REJECTIONS[reason]}" for reason, count in unreadable.items())
            raise UserError(
                f"the first {_HOPELESS_PROPOSALS} proposals hold no prompt ({causes}), and nothing more is asked: "
                "raise prompt.proposal_tokens (a reasoning model's thoughts count), or name another model in "
                "prompt.model. To go on all the same, set runtime.stop_early to false"
            )

    def race(self, templates: Sequence[Template], step: int) -> list[Candidate]:
        """Tries the prompts on the first rows, and those not clearly behind the best on twice as many, until all
        search rows are asked (successive halving: Jamieson and Talwalkar 2016, arXiv 1502.07943).

        All are compared on the same rows, the best of earlier steps among them; one is dropped where the
        interval of its paired difference to the best lies below 0. Raises LimitReached before a round that
        could pass a limit; what was tried until then stays.
        """
        running = dict(enumerate(templates, start=len(self.candidates)))
        entered: dict[int, Candidate] = {}
        reached, leader = 0, self.best
        while running and reached < len(self.rows):
            until = min(len(self.rows), max(self.prompt.first_rows, 2 * reached))
            rows = self.rows[reached:until]
            tries = {f"candidate {number}": (template, rows) for number, template in running.items()}
            answers = self.tryouts.answers(tries, f"round {step} of {self.prompt.steps}")
            for number, template in running.items():
                earlier = entered[number].answers if number in entered else []
                own = sorted([*earlier, *answers[f"candidate {number}"]], key=lambda answer: answer.id)
                score = self.tryouts.score(own, self.rows)
                if number not in entered:
                    entered[number] = Candidate(number, step, template, score)
                    self.candidates.append(entered[number])
                entered[number].answers, entered[number].search = own, score
            reached = until
            shared = [row.id for row in self.rows[:reached]]
            alive = [entered[number] for number in running]
            leader = max([leader, *alive], key=lambda c: (fmean(c.search.by_row[i] for i in shared), -c.number))
            for candidate in alive:
                lead = difference(candidate.search, leader.search, self.prompt.race_confidence)
                candidate.dropped = candidate is not leader and lead.high < 0
            running = {candidate.number: candidate.template for candidate in alive if not candidate.dropped}
        return list(entered.values())
