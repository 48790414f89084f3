"""Several answers to one row made one: they vote on the label, and those that agree give the rationales."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

from distill.answers.matching import same_label
from distill.answers.parsing import STATUSES
from distill.rows.records import Annotation


def voted(answers: Sequence[Annotation], kind: str) -> Annotation:
    """One answer for several to the same row and prompt, in the order of their samples.

    The label is the one most of them give, the first among equals (self-consistency: Wang et al. 2022,
    arXiv 2203.11171); numbers agree by value. `confidence` is its share of the answers that came. The
    rationale is the first agreeing answer's. A label's probability is the mean over the answers that have a label; one
    without token probabilities (distill.prompts.label_probabilities) gives its own label 1.
    """
    if len(answers) == 1:
        return answers[0]
    came = [a for a in answers if a.status in STATUSES] or list(answers[:1])
    votes: list[list[Annotation]] = []
    for answer in (a for a in came if a.label is not None):
        group = next((g for g in votes if same_label(kind, g[0].label or "", answer.label)), None)
        if group is None:
            votes.append([answer])
        else:
            group.append(answer)
    agreed = max(votes, key=len) if votes else []
    chosen = next((a for a in agreed if a.rationale is not None), agreed[0] if agreed else came[0])
    return dataclasses.replace(
        with_calls(chosen, answers),
        confidence=round(len(agreed) / len(came), 6),
        label_probabilities=_mean_probabilities(
            {(chosen if group is agreed else group[0]).label or "": group for group in votes}
        ),
    )


def _mean_probabilities(votes: Mapping[str, Sequence[Annotation]]) -> dict[str, float]:
    """The mean over all answers, by label; `votes` are the answers by label, of a number in one of its writings."""
    total: dict[str, float] = {}
    for label, group in votes.items():
        for answer in group:
            probabilities = answer.label_probabilities or {label: 1.0}
            for name, probability in probabilities.items():
                name = label if name == answer.label else name
                total[name] = total.get(name, 0.0) + probability
    voters = sum(map(len, votes.values()))
    return {name: round(probability / voters, 6) for name, probability in total.items()}


def label_with_rationale(label: Annotation, explained: Annotation) -> Annotation:
    """The label of one answer with the rationale of another, to the same row."""
    status = label.status
    if label.label is not None:
        status = "ok" if explained.rationale else "no_rationale"
    both = with_calls(explained, [label, explained])
    return dataclasses.replace(
        both, label=label.label, status=status, confidence=label.confidence,
        label_probabilities=label.label_probabilities, prompt=f"{label.prompt}+{explained.prompt}",
    )  # fmt: skip


def with_calls(kept: Annotation, answers: Sequence[Annotation]) -> Annotation:
    """`kept` with the calls and tokens of all `answers`. A failed call has none; unknown stays unknown."""
    came = [a for a in answers if a.status != "failed"] or [kept]

    def total(name: str) -> int | None:
        numbers = [getattr(a, name) for a in came]
        return None if any(number is None for number in numbers) else sum(numbers)

    sources, modes = Counter(a.tokens_from for a in came), {a.mode for a in came}
    return dataclasses.replace(
        kept,
        mode=came[0].mode if len(modes) == 1 else "mixed",
        batch_tokens=_batch_tokens(came) if modes != {"live"} and modes != {"batch"} else {},
        calls=sum(a.calls for a in came),
        tokens_in=total("tokens_in"),
        tokens_cached=total("tokens_cached"),
        tokens_out=total("tokens_out"),
        tokens_reasoning=total("tokens_reasoning"),
        tokens_from=kept.tokens_from if len(sources) == 1 else "estimate",
    )


def _batch_tokens(answers: Sequence[Annotation]) -> dict[str, int]:
    """The tokens of those calls that were bought in a batch; what is unknown is left out, as no price is known then."""
    total: Counter[str] = Counter(tokens_in=0, tokens_cached=0, tokens_out=0)
    for answer in answers:
        for name in total:
            own = getattr(answer, name) if answer.mode == "batch" else answer.batch_tokens.get(name)
            total[name] += own or 0
    return dict(total)
