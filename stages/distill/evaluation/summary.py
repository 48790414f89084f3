"""What a person reads when the stage evaluate ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distill.evaluation.verdict import BAR_NAMES, bar_sentence, few_gold_sentence

_ANSWERERS = {"student": "student", "teacher": "teacher", "majority class": "majority", "untrained": "untrained"}
# A wider interval than this, in points of accuracy, says little.
_WIDE = 0.1


def evaluation_summary(metrics: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """The figures that people look for first, a line each. `measured` is what differs from run to run."""
    lines = [f"{'accuracy':<16}{'':8}interval"]
    for name, key in _ANSWERERS.items():
        if metrics.get(key, {}).get("label"):
            lines.append(f"{name:<16}{_accuracy(metrics[key])}")
    if best := metrics.get("bars", {}).get("best"):
        lines.append(f"{'best bar':<16}{_accuracy(metrics['bars'][best] | {'name': BAR_NAMES[best]})}")
    if "cascade" in metrics:
        lines.append(f"{'cascade':<16}{_cascade(metrics['cascade'])}")
    label = metrics["student"]["label"]
    if label["accuracy_ci_high"] - label["accuracy_ci_low"] > _WIDE:
        lines.append(f"the test has only {metrics['rows']} labelled rows; more (task.test_rows) narrow the intervals")
    if "majority" in metrics and label["accuracy_ci_low"] <= metrics["majority"]["label"]["accuracy"]:
        lines.append(
            "the student cannot be told from an answer that is always the largest class: it has not learned the task;"
            " more rationales, rows or steps may teach it, or another train.seed"
        )
    lines += filter(None, (words(metrics, "{:.1%}".format) for words in (bar_sentence, few_gold_sentence)))
    if metrics.get("untrained", {}).get("reason"):
        lines.append(f"the untrained student could not be made again: {metrics['untrained']['reason']}")
    if "cold_start_s" in measured:
        lines += _use(metrics["student"], measured)
    usd = metrics["cost"]["total"]["usd"]
    price = "unknown (no price or no token counts)" if usd is None else f"${usd:.4f}"
    lines.append(f"the teacher's answers to train rows and prompt search cost as if cold: {price}")
    return "\n".join(lines)


def _accuracy(answers: Mapping[str, Any]) -> str:
    label, failures = answers["label"], answers.get("parse", {}).get("failure_rate")
    notes = [answers["name"]] if "name" in answers else []
    if failures == 1:
        notes.append("none could be parsed")
    elif failures:
        notes.append(f"{failures:.1%} could not be parsed, {label['accuracy_when_parsed']:.1%} of the rest right")
    in_brackets = f" ({'; '.join(notes)})" if notes else ""
    return f"{label['accuracy']:<8.1%}{label['accuracy_ci_low']:.1%} to {label['accuracy_ci_high']:.1%}{in_brackets}"


def _cascade(cascade: Mapping[str, Any]) -> str:
    if cascade["threshold"] is None:
        return f"none: {cascade['reason']}"
    return (
        f"{_accuracy(cascade)} (rows on which the student's confidence is below {cascade['threshold']:.3f} go to the"
        f" teacher: {cascade['sent']:.1%} of the rows, {_dollars(cascade['usd_per_1000'])} per 1,000 rows)"
    )


def _use(student: Mapping[str, Any], measured: Mapping[str, Any]) -> list[str]:
    usd = measured["usd_per_1000"]
    return [
        (
            f"student: {student['parameters']:,} parameters, {student['bytes'] / 1e6:,.1f} MB; one row takes"
            f" {measured['latency_p50_ms']:.1f} ms (95th percentile {measured['latency_p95_ms']:.1f} ms); batches of"
            f" {measured['best_batch_rows']} rows: {measured['best_batch_rows_per_s']:,.0f} rows/s; a new process"
            f" answers after {measured['cold_start_s']:.1f} s"
        ),
        f"price of 1,000 rows: student {_dollars(usd['student'])}, teacher {_dollars(usd['teacher'])}",
    ]


def _dollars(usd: float | None) -> str:
    return "unknown" if usd is None else f"${usd:.4g}"
