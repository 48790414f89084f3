"""From `dvc exp show --json` to observations: what an experiment set and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from distill import paths
from distill.studies.cells import Cell, StudyPlan, cell_setting
from distill.studies.experiments import FAILED, QUEUED, RUNNING

OK, AT_CHANCE, DIVERGED, CRASHED, STALE, MISSING = "ok", "at_chance", "diverged", "crashed", "stale", "missing"
UNFINISHED = ("queued", "running", "failed")  # states of DVC's executors
FAILURES = (AT_CHANCE, DIVERGED, CRASHED)


@dataclass(frozen=True)
class Observation:
    """A commit or an experiment: the settings it recorded (`runtime` left out) and its metrics by stage. `priced` are
    its dollars and how they are known (distill.studies.pricing), where a table has them."""

    name: str
    revision: str
    params: dict[str, Any]
    metrics: dict[str, dict[str, Any]]
    priced: tuple[float | None, str] | None = None


Pricing = Callable[[Observation], tuple[float | None, str]]


def observations(shown: Iterable[Mapping[str, Any]]) -> list[Observation]:
    """All commits and experiments of `dvc exp show --json` that have been evaluated. One that still runs is shown
    with the metrics of the commit that it started from: it is left out."""
    found = []
    for baseline in shown:
        found.append(_observation(baseline["name"] or baseline["rev"], baseline))
        for experiment in baseline.get("experiments") or []:
            if (experiment.get("executor") or {}).get("state") in UNFINISHED:
                continue
            last = experiment["revs"][0]
            found.append(_observation(experiment["name"] or last["rev"], last))
    return [one for one in found if one and "evaluate" in one.metrics]


def _observation(name: str, entry: Mapping[str, Any]) -> Observation | None:
    data = entry.get("data")
    if not data:
        return None
    params = dict((data["params"].get(str(paths.PARAMS)) or {}).get("data") or {})
    params.pop("runtime", None)
    metrics = {}
    for file, content in (data["metrics"] or {}).items():
        if content.get("data") is not None and file.startswith(f"{paths.METRICS}/"):
            metrics[file.removeprefix(f"{paths.METRICS}/").removesuffix(".json")] = content["data"]
    return Observation(name, data["rev"], params, metrics)


def cell_rows(
    plan: StudyPlan, found: Iterable[Observation], states: Mapping[str, str], reasons: Mapping[str, str], price: Pricing
) -> list[dict[str, Any]]:
    """One row a cell, whatever became of it: what was varied, the seed, the status, and what was measured.

    status: ok; at_chance or diverged (finished, but a student did not learn: metrics/train.json); crashed, with the
    reason; stale (an experiment has the cell's name, but recorded other settings); queued; running; missing.
    """
    named = {one.name: one for one in found}
    made = [
        _row(cell, named.get(cell.name), plan.factors, states.get(cell.name), reasons.get(cell.name), price)
        for cell in plan.cells
    ]
    blank = dict.fromkeys([*made[0]] if made else [])
    for cell in plan.waiting:
        made.append(
            blank
            | {
                "arm": cell.arm,
                "seed": cell.seed,
                "status": MISSING,
                "reason": "its steps follow from cells that are not finished",
            }
        )
    return made


def _row(
    cell: Cell, found: Observation | None, factors: Iterable[str], state: str | None, reason: str | None, price: Pricing
) -> dict[str, Any]:
    row = {"arm": cell.arm, "seed": cell.seed, "status": MISSING, "reason": None, "cell": cell.name}
    row |= {key: cell_setting(cell, key) for key in factors}
    if found and found.params != cell.params:
        row |= {"status": STALE, "reason": "an experiment of this name recorded other settings"}
        found = None
    elif found:
        row["status"] = training_outcome(found)
    elif state:
        row |= {"status": {QUEUED: "queued", RUNNING: "running", FAILED: CRASHED}.get(state, MISSING), "reason": reason}
    return row | measured_columns(found, price)


def training_outcome(found: Observation) -> str:
    """Whether the students of an experiment learned anything."""
    train = found.metrics.get("train", {})
    if train.get("diverged"):
        return DIVERGED
    return AT_CHANCE if train.get("seeds", {}).get("failures") else OK


def measured_columns(found: Observation | None, price: Pricing) -> dict[str, Any]:
    """The columns of a row that come from metrics; null where there is none.

    usd is as if cold: all answers that the experiment rests on, whoever paid; usd_needed, of those alone that its
    student learned from, and usd_from how that is known. teraflop is of the training.
    """
    metrics = found.metrics if found else {}
    evaluate, train = metrics.get("evaluate", {}), metrics.get("train", {})
    label, cost = evaluate.get("student", {}).get("label", {}), evaluate.get("cost", {})
    asked = metrics.get("annotate", {}).get("cost", {}).get("test", {})
    needed, known = price(found) if found else (None, None)
    gflop, steps = train.get("compute", {}).get("gflop_per_step"), train.get("steps")
    return {
        "accuracy": label.get("accuracy"),
        "accuracy_ci_low": label.get("accuracy_ci_low"),
        "accuracy_ci_high": label.get("accuracy_ci_high"),
        "test_rows": evaluate.get("rows"),
        "validation_accuracy": train.get("label", {}).get("validation_accuracy"),
        "failed_students": train.get("seeds", {}).get("failures"),
        "majority_accuracy": evaluate.get("majority", {}).get("label", {}).get("accuracy"),
        "usd": cost.get("total", {}).get("usd"),
        "usd_needed": needed,
        "usd_from": known,
        "usd_annotation": cost.get("annotation", {}).get("usd"),
        "usd_search": cost.get("search", {}).get("usd"),
        "rationale_coverage": train.get("rationale", {}).get("coverage"),
        "steps": steps,
        "gflop_per_step": gflop,
        "teraflop": None if gflop is None or steps is None else round(gflop * steps / 1000, 6),
        "train_seconds": metrics.get("runtime", {}).get("train", {}).get("seconds"),
        "parameters": train.get("parameters"),
        "teacher": evaluate.get("teacher", {}).get("name"),
        "teacher_usd_per_row": (
            asked["usd"] / asked["calls"] if asked.get("usd") is not None and asked.get("calls") else None
        ),
        "student_usd_per_1000": metrics.get("runtime", {}).get("evaluate", {}).get("usd_per_1000", {}).get("student"),
        "commit": found.revision if found else None,
    }
