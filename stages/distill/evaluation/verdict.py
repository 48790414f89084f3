"""What the bars and the unlabelled rows say of the student, in words; for the end of the run and for the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from distill.intervals import Paired, p_in_words

# In the order in which the first of equally good bars is taken.
BAR_NAMES = {
    "logistic_regression": "TF-IDF with logistic regression",
    "logistic_regression_gold": "TF-IDF with logistic regression on gold labels alone",
    "nearest_neighbours": "TF-IDF with nearest neighbours",
    "nearest_choice": "the choice nearest by TF-IDF",
    "encoder": "the encoder before its training",
}
# Below this p-value labelled and unlabelled rows are called unlike.
UNLIKE = 0.01
BEATS, BEATEN, NOT_TOLD_APART = "beats", "beaten", "not_told_apart"
_IN_WORDS = {
    BEATS: "the student beats {bar}",
    BEATEN: "the student does not beat {bar}, which is better",
    NOT_TOLD_APART: "the student is not told apart from {bar}",
}


def bar_verdict(difference: Paired, confidence: float) -> str:
    """BEATS or BEATEN where McNemar's exact test tells student and bar apart at this level, else NOT_TOLD_APART."""
    if difference.p_value >= 1 - confidence:
        return NOT_TOLD_APART
    return BEATS if difference.difference > 0 else BEATEN


def bar_sentence(metrics: Mapping[str, Any], percent: Callable[[float], str]) -> str:
    """The verdict with both accuracies, or why there is none; nothing where no bar was wanted. `metrics` are those of
    metrics/evaluate.json.
    """
    bars, pair = metrics.get("bars"), metrics.get("student_less_bar")
    if bars is None:
        return ""
    if pair is None:
        return f"no bar stands beside the student: {bars['reason']}"
    student, bar = metrics["student"]["label"]["accuracy"], bars[bars["best"]]["label"]["accuracy"]
    words = _IN_WORDS[pair["verdict"]].format(bar=BAR_NAMES[bars["best"]])
    return f"{words} ({percent(student)} against {percent(bar)}, p {p_in_words(pair['p_value'])})"


def few_gold_sentence(metrics: Mapping[str, Any], percent: Callable[[float], str]) -> str:
    """Accuracies with unlabelled rows counted in, or why they are not; nothing where most rows have a gold label."""
    few = metrics.get("few_gold") or {}
    if not few.get("most_unlabelled"):
        return ""
    if "reason" in few:
        return f"the unlabelled rows add nothing to the labelled test rows: {few['reason']}"
    shares = []
    for who in ("student", "teacher"):
        label = few[who]["label"]
        span = f"{percent(label['accuracy_ci_low'])} to {percent(label['accuracy_ci_high'])}"
        shares.append(f"{who} {percent(label['accuracy'])} ({span}, as if {few[who]['worth_rows']:.0f} were labelled)")
    text = f"with {few['unlabelled_rows']:,} unlabelled rows beside the {few['rows']:,} labelled: {'; '.join(shares)}"
    if few["guess"]["p_value"] < UNLIKE:
        text += (
            "; but the labelled rows are unlike the unlabelled ones, and this holds only where rows to label were drawn"
            " at random"
        )
    return text
