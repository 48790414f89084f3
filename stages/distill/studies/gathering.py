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
FAILED_STATUSES = (AT_CHANCE, DIVERGED, CRASHED)
# Of a cell that DVC's queue has and that left no results.
_STATUS_OF_STATE = {QUEUED: "queued", RUNNING: "running", FAILED: CRASHED}


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


def observations(baselines: Iterable[Mapping[str, Any]]) -> list[Observation]:
    """All commits and experiments of `dvc exp show --json` that have been evaluated. One that still runs is shown
    with the metrics of the commit that it started from: it is left out."""
    evaluated = []
    for baseline in baselines:
        evaluated.append(_observation(baseline["name"] or baseline["rev"], baseline))
        for experiment in baseline.get("experiments") or []:
            if (experiment.get("executor") or {}).get("state") in UNFINISHED:
                continue
            last = experiment["revs"][0]
            evaluated.append(_observation(experiment["name"] or last["rev"], last))
    return [observation for observation in evaluated if observation and "evaluate" in observation.metrics]


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
    plan: StudyPlan,
    observed: Iterable[Observation],
    states: Mapping[str, str],
    reasons: Mapping[str, str],
    price: Pricing,
) -> list[dict[str, Any]]:
    """One row a cell, whatever became of it: what was varied, the seed, the status, and what was measured.

    status: ok; at_chance or diverged (finished, but a student did not learn: metrics/train.json); crashed, with the
    reason; stale (an experiment has the cell's name, but recorded other settings); queued; running; missing.
    """
    named = {observation.name: observation for observation in observed}
    rows = [
        _row(cell, named.get(cell.name), plan.factors, states.get(cell.name), reasons.get(cell.name), price)
        for cell in plan.cells
    ]
    blank = dict.fromkeys([*rows[0]] if rows else [])
    for cell in plan.waiting:
        rows.append(
            blank
            | {
                "arm": cell.arm,
                "seed": cell.seed,
                "status": MISSING,
                "reason": "its settings follow from cells that are not finished, or from a price that is not known",
            }
        )
    return rows


def _row(
    cell: Cell,
    observation: Observation | None,
    factors: Iterable[str],
    state: str | None,
    reason: str | None,
    price: Pricing,
) -> dict[str, Any]:
    row = {"arm": cell.arm, "seed": cell.seed, "status": MISSING, "reason": None, "cell": cell.name}
    row |= {key: cell_setting(cell, key) for key in factors}
    if observation and observation.params != cell.params:
        row |= {"status": STALE, "reason": "an experiment of this name recorded other settings"}
        observation = None
    elif observation:
        row["status"] = training_outcome(observation)
    elif state:
        row |= {"status": _STATUS_OF_STATE.get(state, MISSING), "reason": reason}
    return row | measured_columns(observation, price)


def training_outcome(observation: Observation) -> str:
    """Whether the student of an experiment learned anything: of several (`train.seeds`) the one that is kept, which
    is at chance only where all are."""
    train = observation.metrics.get("train", {})
    if train.get("diverged"):
        return DIVERGED
    students = train.get("seeds", {})
    return AT_CHANCE if students.get("failures", 0) >= (students.get("count") or 1) else OK


def measured_columns(observation: Observation | None, price: Pricing) -> dict[str, Any]:
    """The columns of a row that come from metrics; null where there is none.

    usd is as if cold: all answers that the experiment rests on, whoever paid; usd_needed, of those alone that its
    student learned from, and usd_from how that is known. teraflop is of the training.
    """
    metrics = observation.metrics if observation else {}
    evaluate, train = metrics.get("evaluate", {}), metrics.get("train", {})
    label, cost = evaluate.get("student", {}).get("label", {}), evaluate.get("cost", {})
    teacher_cost = metrics.get("annotate", {}).get("cost", {}).get("test", {})
    usd_needed, usd_from = price(observation) if observation else (None, None)
    gflop, steps = train.get("compute", {}).get("gflop_per_step"), train.get("steps")
    return {
        "accuracy": label.get("accuracy"),
        "accuracy_ci_low": label.get("accuracy_ci_low"),
        "accuracy_ci_high": label.get("accuracy_ci_high"),
        "macro_f1": label.get("macro_f1"),
        "calibration_error": label.get("calibration_error"),
        "test_rows": evaluate.get("rows"),
        "validation_accuracy": train.get("label", {}).get("validation_accuracy"),
        "failed_students": train.get("seeds", {}).get("failures"),
        "students": train.get("seeds", {}).get("count"),
        "majority_accuracy": evaluate.get("majority", {}).get("label", {}).get("accuracy"),
        "bar_accuracy": _bar_label(evaluate).get("accuracy"),
        "training_rows": train.get("rows"),
        "usd": cost.get("total", {}).get("usd"),
        "usd_needed": usd_needed,
        "usd_from": usd_from,
        "usd_annotation": cost.get("annotation", {}).get("usd"),
        "usd_search": cost.get("search", {}).get("usd"),
        "calls": cost.get("total", {}).get("calls"),
        "tokens_in": cost.get("total", {}).get("tokens_in"),
        "tokens_out": cost.get("total", {}).get("tokens_out"),
        "rationale_coverage": train.get("rationale", {}).get("coverage"),
        "steps": steps,
        "gflop_per_step": gflop,
        "teraflop": None if gflop is None or steps is None else round(gflop * steps / 1000, 6),
        "train_seconds": metrics.get("runtime", {}).get("train", {}).get("seconds"),
        "parameters": train.get("parameters"),
        "teacher": evaluate.get("teacher", {}).get("name"),
        "teacher_usd_per_row": (
            teacher_cost["usd"] / teacher_cost["calls"]
            if teacher_cost.get("usd") is not None and teacher_cost.get("calls")
            else None
        ),
        "student_usd_per_1000": metrics.get("runtime", {}).get("evaluate", {}).get("usd_per_1000", {}).get("student"),
        "commit": observation.revision if observation else None,
    }


def _bar_label(evaluate: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of TF-IDF with logistic regression on the student's rows and labels (distill.evaluation.bars)."""
    return evaluate.get("bars", {}).get("logistic_regression", {}).get("label") or {}
