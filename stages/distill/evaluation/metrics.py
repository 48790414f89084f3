"""Label metrics of any answerer: student, teacher or a baseline, by one extractor on one set of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from distill.answers.matching import same_label, word_overlap
from distill.intervals import macro_f1_interval, mean_interval, wilson


def label_metrics(pairs: Sequence[tuple[str, str | None]], kind: str, confidence: float) -> dict[str, Any]:
    """Accuracy with its Wilson interval, of (gold, answer) pairs; where there are classes, macro-F1 and each class.
    Intervals of macro-F1 and `word_f1` are percentile bootstrap ones (distill.intervals).

    An answer of None, that could not be parsed, is wrong; `accuracy_when_parsed` leaves it out, and is null where
    nothing was parsed. `exact_match` is the accuracy under the name that papers give it: of numbers by value, of
    text by its words. `word_f1` is the mean overlap in words with the gold text. Raises ValueError on no pairs.
    """
    correct = sum(same_label(kind, gold, answer) for gold, answer in pairs)
    low, high = wilson(correct, len(pairs), confidence)
    parsed = sum(answer is not None for _, answer in pairs)
    metrics: dict[str, Any] = {"accuracy": correct / len(pairs), "accuracy_ci_low": low, "accuracy_ci_high": high}
    metrics["accuracy_when_parsed"] = correct / parsed if parsed else None
    if kind == "classes":
        classes = per_class(pairs)
        metrics["macro_f1"] = sum(figures["f1"] for figures in classes.values()) / len(classes)
        metrics["macro_f1_ci_low"], metrics["macro_f1_ci_high"] = macro_f1_interval(pairs, confidence)
        metrics["class"] = classes
    if kind in ("number", "text"):
        metrics["exact_match"] = metrics["accuracy"]
    if kind == "text":
        overlaps = [word_overlap(gold, answer) for gold, answer in pairs]
        metrics["word_f1"] = sum(overlaps) / len(overlaps)
        metrics["word_f1_ci_low"], metrics["word_f1_ci_high"] = mean_interval(overlaps, confidence)
    return metrics


def per_class(pairs: Sequence[tuple[str, str | None]]) -> dict[str, dict[str, Any]]:
    """Rows, precision, recall and F1 of every gold class; the precision of a class that nobody answered is null."""
    gold, answers = Counter(g for g, _ in pairs), Counter(a for _, a in pairs)
    hit = Counter(g for g, a in pairs if g == a)
    return {
        label: {
            "rows": gold[label],
            "precision": hit[label] / answers[label] if answers[label] else None,
            "recall": hit[label] / gold[label],
            "f1": 2 * hit[label] / (gold[label] + answers[label]),
        }
        for label in sorted(gold)
    }


def majority_class(labels: Sequence[str]) -> str:
    """The most frequent label, the first in the alphabet among equals."""
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))
