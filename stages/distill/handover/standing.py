"""The card's sections on how far the model can be trusted: its scores beside others', and its limits in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distill.handover.about import simulated
from distill.handover.facts import Facts
from distill.handover.markdown import p_value, plain, share, table
from distill.settings import Settings

# By the names of metrics/evaluate.json.
_WHO = (
    ("student", "this model"),
    ("teacher", "its teacher"),
    ("majority", "the largest class"),
    ("untrained", "the student, untrained"),
)
_FEW_ROWS = 0.1  # an interval wider than this says little


def scores(facts: Facts, settings: Settings) -> str:
    found = facts.metrics["evaluate"]
    rows = []
    for key, name in _WHO:
        label = found.get(key, {}).get("label")
        if label:
            counted = found[key].get("rows", found["rows"])
            macro = share(label["macro_f1"]) if label.get("macro_f1") is not None else ""
            rows.append([name, share(label["accuracy"]), _between(label), macro, f"{counted:,}"])
    cascade = found.get("cascade", {})
    if cascade.get("threshold") is not None:
        name = (
            f"this model, and its teacher where the label's probability is below {cascade['threshold']:.3f}"
            f" ({share(cascade['sent'])} of rows)"
        )
        rows.append([name, share(cascade["label"]["accuracy"]), _between(cascade["label"]), "", f"{cascade['rows']:,}"])
    head = ["", "accuracy", f"{100 * settings.evaluate.confidence:g} % interval", "macro F1", "test rows"]
    text = table(head, rows) + "\n\nOn test rows that nothing was trained or chosen on; Wilson intervals."
    gap = found.get("student_less_teacher")
    if gap:
        least, most = _points(gap["ci_low"]), _points(gap["ci_high"])
        text += (
            f" Student less teacher, on the same rows: {_points(gap['difference'])} points ({least} to {most};"
            f" McNemar's exact test p {p_value(gap['p_value'])})."
        )
    classes = found["student"]["label"].get("class")
    if classes:
        rows = [
            [plain(name), share(one["recall"]), share(one["precision"]), f"{one['rows']:,}"]
            for name, one in classes.items()
        ]
        text += "\n\n" + table(["class", "found (recall)", "right where said (precision)", "test rows"], rows)
    return text


def limits(facts: Facts, settings: Settings, plan: Mapping[str, Any]) -> str:
    found = facts.metrics["evaluate"]
    label = found["student"]["label"]
    told = [
        (
            "It does this one task, for inputs like those it was trained on. For anything else it answers all the same,"
            " and nothing in its answer tells the difference."
        ),
        f"About {share(1 - label['accuracy'])} of its answers to test rows are wrong.",
    ]
    if simulated(facts):
        told.append(
            "Its teacher was simulated, so it learnt no language model's knowledge. Do not use it for more than a look"
            " at the pipeline."
        )
    elif settings.subsample.labels != "gold":
        told.append(
            "It learnt from the teacher's answers, wrong ones included, and repeats the teacher's errors and biases."
        )
    width = label["accuracy_ci_high"] - label["accuracy_ci_low"]
    if width > _FEW_ROWS:
        told.append(
            f"It was judged on {found['rows']:,} rows alone: the interval above is {100 * width:.0f} points wide."
        )
    if facts.metrics["train"]["seeds"]["count"] < 3:
        told.append("Students that differ in their seeds alone differ in accuracy, and this is one of "
                    f"{facts.metrics['train']['seeds']['count']}: the interval counts rows, not seeds.")  # fmt: skip
    if plan["mode"] != "standard":
        told.append(
            "A rationale is text that it learnt to write beside a label. It is no account of how the label came about,"
            " and may contradict it."
        )
    error = label.get("calibration_error")
    if error is not None:
        told.append(
            f"The probability of a label is off by {100 * error:.1f} points on average on test rows (expected"
            " calibration error); `stages/predict.py` tells it, the lines above do not."
        )
    cut = facts.metrics["train"]["truncated"].get("input", 0)
    if cut:
        told.append(f"{cut:,} training inputs were longer than it reads, and were cut.")
    if plan["kind"] != "encoder":
        told.append(
            "The lines above write an answer token by token; the figures are of predictions that score every possible"
            " answer as a whole, where those are known. The two differ where an answer is ambiguous at its first"
            " tokens."
        )
    return "\n".join(f"- {one}" for one in told)


def _points(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")


def _between(label: Mapping[str, Any]) -> str:
    return f"{100 * label['accuracy_ci_low']:.1f} to {100 * label['accuracy_ci_high']:.1f} %"
