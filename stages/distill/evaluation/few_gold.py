"""Accuracy from few gold labels and many rows without: prediction-powered inference (arXiv 2301.09633, 2311.01453).

Only labelled test rows say who is right. Of every row, labelled or not, there is a guess of that: the probability that
TF-IDF with logistic regression gives to the teacher's label. Where the guess goes along with being right, its mean over
the unlabelled rows says whether the labelled ones happen to be easy or hard, and the accuracy is corrected by that.

The unlabelled rows are train rows, and the student was trained on them; so the guess is not the student's. It is
cross-fitted: each of them is judged by a regression that was trained on the other folds, and the test rows by the mean
of all folds. With any weight the mean of the estimate is then the accuracy itself, if the labelled rows were drawn at
random from the same source.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from distill.evaluation.text_models import NoWords, Scorer, regressions
from distill.intervals import wilson
from distill.rows.permutation import seeded_order
from distill.rows.records import Annotation, Example
from distill.tasks.duplicates import band_keys, folded_text, groups

# Fewer labelled test rows than this are too few to weigh the guess by; the coverage was simulated down to here.
LEAST_GOLD = 20
GUESS_FOLDS = 5
# Unlabelled rows, drawn at random where there are more: the labelled ones set the width by then.
_MOST_ROWS = 20_000
_SEED = 0
# Inputs at least this alike stand in one fold, as task.table.similarity keeps them in one split.
_ALIKE = 0.8
RowAndAnswer = tuple[Example, Annotation]


@dataclass(frozen=True)
class PoweredShare:
    """A share with its interval. `weight` is lambda of PPI++, from 0 (the classical estimate) to 1; `worth` is how many
    labelled rows the classical interval would need to be as narrow.
    """

    accuracy: float
    accuracy_ci_low: float
    accuracy_ci_high: float
    weight: float
    worth: float


def powered_share(
    right: Sequence[bool], guesses: Sequence[float], unlabelled_guesses: Sequence[float], confidence: float
) -> PoweredShare:
    """The share that is right, by `right` and `guesses` of labelled rows and the guesses of unlabelled ones.

    The weight is the one of least variance (PPI++, section 6), between 0 and 1. The variance is taken to Wilson's
    interval as that of so many more rows: the papers' normal interval has no width where all are right, and covers
    less than half the time near it. Raises ValueError on fewer than LEAST_GOLD rows, or no unlabelled one.
    """
    if len(right) < LEAST_GOLD or not len(unlabelled_guesses):
        raise ValueError(f"{len(right)} labelled and {len(unlabelled_guesses)} unlabelled rows")
    truth, near, far = (np.asarray(values, dtype=float) for values in (right, guesses, unlabelled_guesses))
    rows, more = len(truth), len(far)
    classical, covariance = truth.var(ddof=1), np.cov(truth, near, ddof=1)[0, 1]
    spread = np.concatenate([near, far]).var(ddof=1)
    weight = float(np.clip(covariance / ((1 + rows / more) * spread), 0, 1)) if spread else 0.0
    share = float(np.clip(truth.mean() + weight * (far.mean() - near.mean()), 0, 1))
    gain = 1.0
    if classical and weight:
        rest = classical - 2 * weight * covariance + weight**2 * near.var(ddof=1)
        variance = rest + weight**2 * spread * rows / more
        # The weight was estimated on these very rows.
        gain = min(1.0, float(variance / classical) * (rows - 1) / (rows - 2))
    low, high = wilson(share * rows / gain, rows / gain, confidence)
    return PoweredShare(share, low, high, weight, rows / gain)


def few_gold_metrics(
    train: Sequence[RowAndAnswer],
    test: Sequence[RowAndAnswer],
    right: Mapping[str, tuple[bool, bool]],
    strength: float | None,
    confidence: float,
) -> dict[str, Any]:
    """`few_gold` of metrics/evaluate.json: accuracy of student and teacher by few labelled and many unlabelled rows.

    Rows come with the teacher's answers; `right` says of labelled test rows whether student and teacher are.
    `strength` is the C that validation rows chose, None where that bar could not be made. Where nothing is estimated,
    the `reason`; `most_unlabelled` is whether most train rows have no gold label, as nothing is wanted else.
    """
    unlabelled = [(row, answer) for row, answer in train if row.label is None]
    labelled = [(row, answer) for row, answer in test if row.id in right]
    if 2 * len(unlabelled) <= len(train):
        return {"most_unlabelled": False, "reason": f"{len(unlabelled)} of {len(train)} train rows have no gold label"}
    if strength is None:
        return {"most_unlabelled": True, "reason": "the guess is that of a bar which cannot be made here"}
    if len(labelled) < LEAST_GOLD:
        reason = f"the teacher answered {len(labelled)} labelled test rows, and it takes {LEAST_GOLD}"
        return {"most_unlabelled": True, "reason": reason}
    asked_as = {(answer.prompt, answer.calls) for _, answer in labelled}
    alike = {row.id: (row, answer) for row, answer in unlabelled if (answer.prompt, answer.calls) in asked_as}
    if len(alike) < len(labelled):
        reason = (
            f"{len(alike)} unlabelled train rows were asked as the {len(labelled)} test rows were, and it takes more"
        )
        return {"most_unlabelled": True, "reason": reason}
    drawn = seeded_order([row for row, _ in alike.values()], _SEED, "cross-fitting")[:_MOST_ROWS]
    try:
        # Several threads only wait for one another at products this small.
        with threadpool_limits(1):
            near, far = cross_fitted_guesses([alike[row.id] for row in drawn], labelled, strength)
    except NoWords as error:
        return {"most_unlabelled": True, "reason": str(error)}
    metrics: dict[str, Any] = {"most_unlabelled": True, "rows": len(labelled), "unlabelled_rows": len(far)}
    for place, who in enumerate(("student", "teacher")):
        powered = powered_share([right[row.id][place] for row, _ in labelled], near, far, confidence)
        label = {key: getattr(powered, key) for key in ("accuracy", "accuracy_ci_low", "accuracy_ci_high")}
        metrics[who] = {"label": label, "weight": powered.weight, "worth_rows": powered.worth}
    return metrics | {"guess": _difference(near, far)}


def cross_fitted_guesses(
    unlabelled: Sequence[RowAndAnswer], labelled: Sequence[RowAndAnswer], strength: float
) -> tuple[list[float], list[float]]:
    """(guesses of the labelled rows, of the unlabelled ones): how probable the teacher's label is, by regressions that
    learned the teacher's labels of unlabelled rows outside the row's fold. No label is a guess of 0.

    Near-duplicates stand in one fold, as no unlabelled row is a near-duplicate of a labelled test row either. Raises
    NoWords where a fold has nothing to learn from.
    """
    folds = _folds([row.input for row, _ in unlabelled])
    near, far = np.zeros(len(labelled)), np.zeros(len(unlabelled))
    for fold in range(GUESS_FOLDS):
        others = [unlabelled[place] for place in np.flatnonzero(folds != fold)]
        learned = [(row, answer.label) for row, answer in others if answer.label is not None]
        (scorer,) = regressions([row for row, _ in learned], [label for _, label in learned], [strength])
        own = np.flatnonzero(folds == fold)
        far[own] = _guesses(scorer, [unlabelled[place] for place in own])
        near += np.asarray(_guesses(scorer, labelled)) / GUESS_FOLDS
    return near.tolist(), far.tolist()


def _folds(texts: Sequence[str]) -> np.ndarray:
    """The fold of each text, with its near-duplicates."""
    folded = [folded_text(text) for text in texts]
    group = groups(band_keys(folded), lambda places: [folded[place] for place in places], _ALIKE)
    return np.unique(group, return_inverse=True)[1] % GUESS_FOLDS


def _guesses(scorer: Scorer, pairs: Sequence[RowAndAnswer]) -> list[float]:
    scores = scorer([row for row, _ in pairs]) if pairs else []
    return [score.get(answer.label or "", 0.0) for score, (_, answer) in zip(scores, pairs, strict=True)]


def _difference(near: Sequence[float], far: Sequence[float]) -> dict[str, float]:
    """Whether labelled rows look like the unlabelled ones: the guesses' means, and the p-value of Welch's test."""
    error = math.sqrt(np.var(near, ddof=1) / len(near) + np.var(far, ddof=1) / len(far))
    gap = abs(float(np.mean(far) - np.mean(near)))
    # Guesses that are all alike have no spread: any gap is then a sure one.
    p_value = 2 * NormalDist().cdf(-gap / error) if error else float(not gap)
    # A gap so wide that floats know no smaller probability is not a sure thing.
    p_value = max(p_value, sys.float_info.min)
    return {"labelled": float(np.mean(near)), "unlabelled": float(np.mean(far)), "p_value": p_value}
