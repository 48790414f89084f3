"""A study's accuracy over a numeric factor, as the rate of explained rows: points by series, from its table alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, get_args

from distill.errors import UserError
from distill.studies.controls import RATIONALE_CONTROLS, RATIONALES_ALONE, ControlName
from distill.studies.study_file import StudyFile
from distill.studies.summary import arms_of_table


@dataclass(frozen=True)
class ArmPoint:
    """The mean accuracy of an arm at `x`, the factor's value, with its interval over seeds and rows; x is None where
    the arm does not depend on the factor, as labels alone on a rate of rationales. Without an interval low and high are
    the mean."""

    series: str
    x: float | None
    accuracy: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True)
class FactorCurve:
    """`factor` is the setting; `points` are by series, and within one by rising x."""

    factor: str
    question: str
    points: list[ArmPoint]

    def series(self) -> dict[str, list[ArmPoint]]:
        """Points by the name of their series, those along the factor before those beside it."""
        grouped: dict[str, list[ArmPoint]] = {}
        for point in sorted(self.points, key=lambda point: point.x is None):
            grouped.setdefault(point.series, []).append(point)
        return grouped

    def rows(self) -> list[dict[str, Any]]:
        """A row for each x, for a DVC plot: `x`, and under each series its accuracy; null where it has none there."""
        names = {name: column_name(name) for name in self.series()}
        values = sorted({point.x for point in self.points if point.x is not None})
        rows = [{"x": x} | dict.fromkeys(names.values()) for x in values]
        for point in self.points:
            for row in rows:
                if point.x in (None, row["x"]):
                    row[names[point.series]] = round(point.accuracy, 6)
        return rows


def column_name(series: str) -> str:
    """A series' name without what Vega takes for a path or an operator."""
    return "".join(character if character.isalnum() else "_" for character in series)


def factor_curve(study: StudyFile, table: Mapping[str, Any]) -> FactorCurve:
    """Of the numeric setting that most values are tried of. Raises UserError where the study varies none."""
    factor = _factor(study, table["cells"])
    short = factor.rsplit(".", 1)[-1]
    points = []
    for arm, summary in arms_of_table(table).items():
        accuracy = summary["accuracy"]
        if accuracy["mean"] is None:
            continue
        parts = arm.split(" ")
        own = [part for part in parts if part.startswith((f"{short}=", f"{factor}="))]
        control = parts[0] if parts[0] in get_args(ControlName) else None
        alone = control is not None and control not in RATIONALE_CONTROLS and factor in RATIONALES_ALONE and not own
        left = [part for part in parts if part not in own]
        # Arms that are no combination of the grid are one curve, whatever they are called.
        series = " ".join(left) if own or control else "arms"
        x = float(own[0].split("=")[1]) if own else _value(table["cells"], arm, factor)
        low, high = (accuracy[key] if accuracy[key] is not None else accuracy["mean"] for key in ("ci_low", "ci_high"))
        points.append(ArmPoint(series or "all", None if alone else x, accuracy["mean"], low, high, summary["finished"]))
    return FactorCurve(factor, study.question, sorted(points, key=lambda point: (point.series, point.x or 0.0)))


def _factor(study: StudyFile, rows: Sequence[Mapping[str, Any]]) -> str:
    keys = dict.fromkeys([*study.grid, *(key for changes in study.arms.values() for key in changes)])
    tried = {key: {row[key] for row in rows if row.get(key) is not None} for key in keys}
    numeric = {
        key: len(values)
        for key, values in tried.items()
        if len(values) > 1 and all(isinstance(value, Real) and not isinstance(value, bool) for value in values)
    }
    if not numeric:
        raise UserError(
            "this study varies no numeric setting, so there is no curve to draw; put one under grid, as"
            " {subsample.explanation_rate: [0.1, 0.5, 1.0]}"
        )
    return max(numeric, key=lambda key: numeric[key])


def _value(rows: Sequence[Mapping[str, Any]], arm: str, factor: str) -> float:
    return float(next(row[factor] for row in rows if row["arm"] == arm and row.get(factor) is not None))
