"""From observations to points of the frontier: seeds together, what is varied told apart."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distill.studies.gathering import Observation, Pricing, training_outcome
from distill.studies.summary import accuracy_summary

# Observations that differ in these alone are one point.
_SEEDS = (("student", "seed"), ("train", "seed"), ("subsample", "seed"))
# What changes neither a student nor its dollars: how it is judged and shown.
_JUDGING = (("annotate", "validation_rows"), ("annotate", "test_rows"), ("evaluate",), ("report",), ("hand_over",))
# What a point shows of its settings, beside those that differ between points.
_ALWAYS_SHOWN = (
    "subsample.explanation_rate",
    "subsample.data_share",
    "annotate.rationale_rate",
    "train.mode",
    "student.name",
)


@dataclass(frozen=True)
class FrontierPoint:
    """What one way of making a student costs and gives.

    `accuracy` is the mean over `seeds` seeds on the test rows, its interval over seeds and rows (see
    distill.studies.hierarchical). `validation` is the mean accuracy on the validation rows, by which points are chosen;
    None where it is not known of all seeds. `usd` is as if cold, None where a price is unknown, and `usd_from` says how
    it is known (see distill.studies.pricing). `usd_per_row` is what the student's computing costs, None where an hour
    of it has no price; `teacher_usd_per_row` what its teacher costs with this point's own prompt. `calls` and `tokens`
    are of all answers.
    """

    names: tuple[str, ...]
    accuracy: float
    ci_low: float
    ci_high: float
    seeds: int
    failures: int
    usd: float | None
    usd_from: str
    usd_per_row: float | None
    teacher_usd_per_row: float | None
    validation: float | None
    calls: int | None
    tokens: int | None
    parameters: int | None
    settings: dict[str, Any]


def frontier_points(
    observations: Sequence[Observation], price: Pricing, confidence: float
) -> tuple[list[FrontierPoint], list[FrontierPoint]]:
    """All points with a known cost, by rising cost, and those without, by rising tokens.

    A setting that the version of an observation did not know counts as what most of the others have there.
    """
    usual = _usual(observations)
    grouped: dict[str, dict[str, Observation]] = {}
    settings: dict[str, dict[str, Any]] = {}
    for observation in observations:
        own = usual | _flat(observation, _JUDGING + _SEEDS)
        # An experiment and the commit or workspace that it was applied to are one observation: the first.
        grouped.setdefault(_text(own), {}).setdefault(_text(usual | _flat(observation, _JUDGING)), observation)
        settings[_text(own)] = own
    varied = [key for key in usual if len({_text(own[key]) for own in settings.values()}) > 1]
    points = []
    for key, same in grouped.items():
        group = list(same.values())
        usd, usd_from = price(group[0])
        point_settings = {name: settings[key].get(name) for name in (*_ALWAYS_SHOWN, *varied)}
        points.append(_point(group, usd, usd_from, point_settings, confidence))
    return sorted_points(points)


def sorted_points(points: Sequence[FrontierPoint]) -> tuple[list[FrontierPoint], list[FrontierPoint]]:
    """Those with a known cost, by rising cost, and those without, by rising tokens."""
    priced = [point for point in points if point.usd is not None]
    unpriced = [point for point in points if point.usd is None]
    return (
        sorted(priced, key=lambda point: (point.usd, -point.accuracy, point.names)),
        sorted(unpriced, key=lambda point: (point.tokens is None, point.tokens, -point.accuracy, point.names)),
    )


def point_row(point: FrontierPoint) -> dict[str, Any]:
    """A point as a file has it, but for its place among others."""
    row = {**dataclasses.asdict(point), "names": list(point.names)}
    row |= {"accuracy_ci_low": row.pop("ci_low"), "accuracy_ci_high": row.pop("ci_high")}
    digits = {key: 9 if "per_row" in key else 6 for key in row}
    return {key: round(value, digits[key]) if isinstance(value, float) else value for key, value in row.items()}


def point_of_row(row: Mapping[str, Any]) -> FrontierPoint:
    """The inverse of `point_row`; what a file of an older version lacks is None. Raises KeyError on other files."""
    values = {field.name: row.get(field.name) for field in dataclasses.fields(FrontierPoint)}
    needed = {key: row[key] for key in ("accuracy", "seeds", "failures", "usd", "usd_from", "settings")}
    ends = {"ci_low": row["accuracy_ci_low"], "ci_high": row["accuracy_ci_high"]}
    return FrontierPoint(**values | needed | ends | {"names": tuple(row["names"])})


def _point(
    group: Sequence[Observation], usd: float | None, usd_from: str, settings: dict[str, Any], confidence: float
) -> FrontierPoint:
    evaluations = [observation.metrics["evaluate"] for observation in group]
    tested = [{**evaluation["student"]["label"], "test_rows": evaluation.get("rows")} for evaluation in evaluations]
    accuracy = accuracy_summary(tested, confidence)
    trained = [observation.metrics.get("train", {}).get("label", {}) for observation in group]
    validation = [label.get("validation_accuracy") for label in trained]
    answers = evaluations[0].get("cost", {}).get("total", {})
    tokens = [answers.get(kind) for kind in ("tokens_in", "tokens_out")]
    return FrontierPoint(
        names=tuple(observation.name for observation in group),
        accuracy=accuracy["mean"],
        ci_low=max(0.0, accuracy["ci_low"]),
        ci_high=min(1.0, accuracy["ci_high"]),
        seeds=len(group),
        failures=sum(training_outcome(observation) != "ok" for observation in group),
        usd=usd,
        usd_from=usd_from,
        usd_per_row=_per_row(group[0]),
        teacher_usd_per_row=_teacher_per_row(group[0]),
        validation=None if None in validation else statistics.fmean(validation),
        calls=answers.get("calls"),
        tokens=None if None in tokens else sum(tokens),
        parameters=group[0].metrics.get("train", {}).get("parameters"),
        settings=settings,
    )


def _teacher_per_row(observation: Observation) -> float | None:
    """Dollars of one row answered by the teacher, as it answered this point's test rows."""
    cost = observation.metrics.get("annotate", {}).get("cost", {}).get("test", {})
    usd, calls = cost.get("usd"), cost.get("calls")
    return usd / calls if usd is not None and calls else None


def _per_row(observation: Observation) -> float | None:
    per_1000 = observation.metrics.get("runtime", {}).get("evaluate", {}).get("usd_per_1000", {}).get("student")
    return None if per_1000 is None else per_1000 / 1000


def own_task(params: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the task; what only tables are read by does nothing for another task."""
    task = dict(params.get("task") or {})
    if task.get("name") != "table":
        task.pop("table", None)
    return task


def _without(params: Mapping[str, Any], keys: Sequence[Sequence[str]]) -> dict[str, Any]:
    bare = {section: dict(values) for section, values in params.items()} | {"task": own_task(params)}
    for *section, key in keys:
        (bare.get(section[0], {}) if section else bare).pop(key, None)
    return bare


def _flat(observation: Observation, without: Sequence[Sequence[str]]) -> dict[str, Any]:
    return {".".join(key): value for key, value in _leaves(_without(observation.params, without))}


def _usual(observations: Sequence[Observation]) -> dict[str, Any]:
    """The most frequent value of each setting, of equals the first by its text; seeds left out."""
    flat = [_flat(observation, _JUDGING + _SEEDS) for observation in observations]
    keys = dict.fromkeys(key for settings in flat for key in settings)
    values = {key: [settings[key] for settings in flat if key in settings] for key in keys}
    counts = {key: Counter(map(_text, some)) for key, some in values.items()}
    return {
        key: min(some, key=lambda value: (-counts[key][_text(value)], _text(value))) for key, some in values.items()
    }


def _text(value: Any) -> str:
    """Equal where two values are: 16 is 16.0."""
    return json.dumps(json.loads(json.dumps(value), parse_int=float), sort_keys=True)


def _leaves(value: Any, key: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and value:
        return [leaf for name, child in value.items() for leaf in _leaves(child, (*key, name))]
    return [(key, value)]
