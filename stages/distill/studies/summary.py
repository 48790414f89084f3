"""What the arms of a study came to: means over seeds with their intervals, and each arm against its reference."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from distill.intervals import holm, student_t
from distill.studies.controls import TUNED_OVER
from distill.studies.gathering import AT_CHANCE, CRASHED, DIVERGED, OK
from distill.studies.hierarchical import lead, seeds_and_rows
from distill.studies.kept import counted_rows
from distill.studies.rights import rights_of

_Row = Mapping[str, Any]
# Means over the finished seeds that have them.
_MEANS = ("macro_f1", "calibration_error", "validation_accuracy", "usd", "teraflop", "steps", "train_seconds")


def by_arm(rows: Sequence[_Row], references: Mapping[str, str | None], confidence: float) -> dict[str, dict[str, Any]]:
    """arm -> what its seeds came to; `references` names the arm that each is compared with (None: with none).

    `accuracy` is of all finished seeds, those at chance among them; `learned` of those alone that left chance, so
    that what an arm gains by failing less is told apart from what it gains where both learn. A crashed cell has no
    accuracy; it is counted. `difference` pairs seeds: arm less reference, of the seeds that both finished; its
    `holm_p_value` is corrected for all `compared` arms that have the reference (Holm 1979).
    """
    grouped: dict[str, list[_Row]] = {}
    for row in rows:
        grouped.setdefault(row["arm"], []).append(row)
    arms = {arm: _arm(own, grouped.get(references.get(arm) or "", []), confidence) for arm, own in grouped.items()}
    for reference in dict.fromkeys(references.values()):
        same = [
            summary["difference"]
            for arm, summary in arms.items()
            if reference is not None and references.get(arm) == reference and summary.get("difference", {}).get("n")
        ]
        for difference, p_value in zip(same, holm([difference["p_value"] for difference in same]), strict=True):
            difference |= {"holm_p_value": p_value, "compared": len(same)}
    return arms


def arms_of_table(table: _Row) -> dict[str, dict[str, Any]]:
    """`by_arm` anew from the rows of `<study>.json` (distill.studies.table), whatever version of this code wrote it."""
    rows = counted_rows(table)
    references = table.get("references") or {
        row["arm"]: None if row["arm"] == table["reference"] else table["reference"] for row in rows
    }
    return by_arm(rows, references, table["confidence"])


def tuned_labels(arms: Mapping[str, Mapping[str, Any]], reference: str) -> dict[str, Any] | None:
    """Of the arms of labels alone that differ in their steps, the best by mean validation accuracy: its name, and over
    how many it was chosen. None where there are fewer than two."""
    validated = {
        arm: summary["validation_accuracy"]
        for arm, summary in arms.items()
        if arm in TUNED_OVER and summary["validation_accuracy"] is not None
    }
    if len(validated) < 2 or reference not in arms:
        return None
    best = max(validated, key=lambda arm: (validated[arm], -TUNED_OVER.index(arm)))
    return {"arm": best, "tried": len(validated), "validation_accuracy": validated[best]}


def _arm(rows: Sequence[_Row], reference: Sequence[_Row], confidence: float) -> dict[str, Any]:
    finished = [row for row in rows if row["accuracy"] is not None]
    summary = {
        "seeds": len(rows),
        "finished": len(finished),
        "failures": {status: sum(row["status"] == status for row in rows) for status in (AT_CHANCE, DIVERGED, CRASHED)},
        "failed_students": sum(row.get("failed_students") or 0 for row in finished),
        "students": sum(row.get("students") or 1 for row in finished),
        "accuracy": accuracy_summary(finished, confidence),
        "learned": accuracy_summary([row for row in finished if row["status"] == OK], confidence),
    }
    for column in _MEANS:
        values = [row[column] for row in finished if row.get(column) is not None]
        summary[column] = statistics.fmean(values) if values else None
    if reference:
        beside = {row["seed"]: row for row in reference if row["accuracy"] is not None}
        pairs = [(row, beside[row["seed"]]) for row in finished if row["seed"] in beside]
        summary["difference"] = _difference(pairs, confidence)
    return summary


def accuracy_summary(rows: Sequence[_Row], confidence: float) -> dict[str, Any]:
    """Mean of the accuracies of seeds, its interval over seeds and rows (distill.studies.hierarchical), their standard
    deviation and extremes. Where the number of test rows is not known or not one, the interval is Student's t, or, of
    accuracies that agree, that of a row's own columns."""
    accuracies = [row["accuracy"] for row in rows]
    row_counts = {row.get("test_rows") for row in rows}
    low = high = None
    if len(row_counts) == 1 and None not in row_counts:
        low, high = seeds_and_rows(accuracies, rows[0]["test_rows"], confidence, rights_of(rows))
    elif len(set(accuracies)) > 1:
        low, high = student_t(accuracies, confidence)
    elif rows:
        low, high = rows[0].get("accuracy_ci_low"), rows[0].get("accuracy_ci_high")
    return _described(accuracies) | {"ci_low": low, "ci_high": high}


def _difference(pairs: Sequence[tuple[_Row, _Row]], confidence: float) -> dict[str, Any]:
    differences = [row["accuracy"] - other["accuracy"] for row, other in pairs]
    summary = _described(differences) | dict.fromkeys(("ci_low", "ci_high", "p_value", "rows_paired"))
    row_counts = {row.get("test_rows") for pair in pairs for row in pair}
    if not pairs:
        return summary
    if len(row_counts) != 1 or None in row_counts:
        # On different rows, or on unknown ones: seeds alone can be compared.
        low, high = student_t(differences, confidence) if len(pairs) > 1 else (None, None)
        return _described(differences) | {"n": 0, "ci_low": low, "ci_high": high, "p_value": None, "rows_paired": False}
    rights = rights_of([row for pair in pairs for row in pair])
    ahead = lead(
        [row["accuracy"] for row, _ in pairs],
        [other["accuracy"] for _, other in pairs],
        pairs[0][0]["test_rows"],
        confidence,
        None if rights is None else (rights[::2], rights[1::2]),
    )
    return summary | {
        "ci_low": ahead.ci_low,
        "ci_high": ahead.ci_high,
        "p_value": ahead.p_value,
        "rows_paired": ahead.rows_paired,
    }


def _described(values: Sequence[float]) -> dict[str, Any]:
    return {
        "n": len(values),
        "mean": statistics.fmean(values) if values else None,
        "sd": statistics.stdev(values) if len(values) > 1 else None,
        "least": min(values, default=None),
        "most": max(values, default=None),
    }
