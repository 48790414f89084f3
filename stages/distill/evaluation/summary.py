"""What a person reads when the stage ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHOWN = (("student", "student"), ("teacher", "teacher"), ("majority class", "majority"), ("untrained", "untrained"))
# A wider interval than this, in points of accuracy, says little.
WIDE = 0.1


def summary(metrics: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """The figures that people look for first, a line each. `measured` is what varies from run to run."""
    lines = [f"{'accuracy':<16}{'':8}interval"]
    for name, key in SHOWN:
        if metrics.get(key, {}).get("label"):
            lines.append(f"{name:<16}{_answerer(metrics[key])}")
    if "cascade" in metrics:
        lines.append(f"{'cascade':<16}{_cascade(metrics['cascade'])}")
    label = metrics["student"]["label"]
    if label["accuracy_ci_high"] - label["accuracy_ci_low"] > WIDE:
        lines.append(
            f"{metrics['rows']} labelled test rows leave wide intervals; more of them (task.test_rows) narrow them"
        )
    if metrics.get("untrained", {}).get("reason"):
        lines.append(f"the untrained student could not be made again: {metrics['untrained']['reason']}")
    if "cold_start_s" in measured:
        lines.append(_speed(metrics, measured))
    usd = metrics["cost"]["total"]["usd"]
    price = "unknown (no price or no token counts)" if usd is None else f"${usd:.4f}"
    lines.append(f"the teacher's answers to train and prompt search cost {price} as if cold")
    return "\n".join(lines)


def _answerer(found: Mapping[str, Any]) -> str:
    label, failures = found["label"], found.get("parse", {}).get("failure_rate")
    said = [found["name"]] if "name" in found else []
    if failures:
        said.append(
            f"{failures:.1%} could not be parsed, {label['accuracy_when_parsed']:.1%} of the rest right"
            if failures < 1
            else "none could be parsed"
        )
    notes = f" ({'; '.join(said)})" if said else ""
    return f"{label['accuracy']:<8.1%}{label['accuracy_ci_low']:.1%} to {label['accuracy_ci_high']:.1%}{notes}"


def _cascade(found: Mapping[str, Any]) -> str:
    if found["threshold"] is None:
        return f"none: {found['reason']}"
    asked = f"{found['sent']:.1%} of the rows, {_dollars(found['usd_per_1000'])} per 1,000"
    return (
        f"{_answerer(found)} (the teacher is asked where the student is less than {found['threshold']:.3f} sure:"
        f" {asked})"
    )


def _speed(metrics: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    one, usd = metrics["student"], found["usd_per_1000"]
    return (
        f"student: {one['parameters']:,} parameters, {one['bytes'] / 1e6:,.1f} MB; a row in"
        f" {found['latency_p50_ms']:.1f} ms (p95 {found['latency_p95_ms']:.1f}), {found['best_batch_rows_per_s']:,.0f}"
        f" rows/s in batches of {found['best_batch_rows']}, {found['cold_start_s']:.1f} s from a cold start; per 1,000"
        f" rows {_dollars(usd['student'])}, the teacher {_dollars(usd['teacher'])}"
    )


def _dollars(usd: float | None) -> str:
    return "at an unknown price" if usd is None else f"${usd:.4g}"
