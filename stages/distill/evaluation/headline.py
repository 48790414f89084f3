"""The numbers that people look for first, as metrics/headline.json.

Their names have no dot, and no other file of metrics and no setting has one of them. So `dvc exp show --drop '.*[./]'`
leaves them alone in the table of experiments (docs/experiments.md).

DVC 3.67 shows files in the order of dvc.yaml and the metrics of a file in the file's own order, which is this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Metrics = Mapping[str, Any]


def headline(evaluation: Metrics, annotation: Metrics, training: Metrics) -> dict[str, float | None]:
    """The headline of the metrics of evaluate, annotate and train; a number that is not known is None.

    Accuracies, `cascade_sent`, `explanation_rate` and `rationale_coverage` are shares from 0 to 1:
    `explanation_rate` of the rows that the student was trained on with a rationale, `rationale_coverage` of all
    train rows that the teacher answered with one. Dollars are as if cold. `training_tflop` is 1e12 floating-point
    operations of the whole training.
    """
    student, cascade = evaluation["student"], evaluation["cascade"]
    return {
        "student_accuracy": student["label"]["accuracy"],
        "student_ci_low": student["label"]["accuracy_ci_low"],
        "student_ci_high": student["label"]["accuracy_ci_high"],
        "teacher_accuracy": _accuracy(evaluation["teacher"]),
        "majority_accuracy": _accuracy(evaluation.get("majority", {})),
        "cascade_accuracy": _accuracy(cascade),
        "cascade_sent": cascade.get("sent"),
        "explanation_rate": training["rationale"]["coverage"],
        "rationale_coverage": annotation["train"].get("rationale", {}).get("coverage"),
        "usd_search": evaluation["cost"]["search"]["usd"],
        "usd_annotation": evaluation["cost"]["annotation"]["usd"],
        "teacher_usd_per_1000": evaluation["teacher"]["usd_per_1000"],
        "student_parameters": student["parameters"],
        "training_tflop": training["compute"]["tflop"],
    }


def _accuracy(answers: Metrics) -> float | None:
    return answers.get("label", {}).get("accuracy")
