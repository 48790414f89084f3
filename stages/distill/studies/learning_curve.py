"""Is it worth annotating more? Student and bar over shares of the rows, continued to twice as many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from distill.errors import UserError
from distill.intervals import wilson
from distill.studies.kept import counted_rows
from distill.studies.power_law import CurvePoint, continued

LEAST_SHARES = 4
# A gain below this, in accuracy, is not worth the answers of as many rows again.
WORTH = 0.01
_COLUMNS = {"student": "accuracy", "bar": "bar_accuracy"}
_BAR = "TF-IDF with logistic regression"
_COLOURS = {"student": "#1f5fa8", "bar": "#8a6d1d"}


def learning_curves(table: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """From a study's table (metrics/studies/<name>.json) to its curves: "student, teacher labels" -> `points`, `twice`
    the rows (distill.studies.power_law), and `check`, the last point as the others foretell it.

    Raises UserError where no curve has LEAST_SHARES shares.
    """
    confidence, curves = table["confidence"], {}
    for (who, labels), points in sorted(_points(table).items()):
        if len(points) < LEAST_SHARES:
            continue
        last = points[-1]
        curves[f"{who}, {labels} labels"] = {
            "points": points,
            "twice": continued(points, [2 * last.rows], confidence)[0],
            "check": continued(points[:-1], [last.rows], confidence)[0] | _measured(last, confidence),
        }
    if not curves:
        raise UserError(
            f"no curve has {LEAST_SHARES} finished shares of rows (subsample.data_share); run `python stages/curve.py`"
            " until its cells are finished"
        )
    return curves


def curve_text(curves: Mapping[str, Mapping[str, Any]], confidence: float) -> str:
    """What each curve says of twice the rows, and how far it can be believed."""
    lines = []
    for name, curve in curves.items():
        twice, check, last = curve["twice"], curve["check"], curve["points"][-1]
        lines.append(
            f"{name}: {_percent(_mean(last))} with {last.rows:,.0f} rows; with {twice['rows']:,.0f} perhaps"
            f" {_span(twice, 'accuracy')}, {100 * twice['gain']:.1f} points more ({100 * twice['gain_ci_low']:.1f} to"
            f" {100 * twice['gain_ci_high']:.1f}): {_worth(twice, check)}"
        )
        lines.append(
            f"  without its last share the curve foretold {_span(check, 'accuracy')} there, and"
            f" {_percent(check['measured'])} was measured"
        )
    lines.append(f"power laws with a floor; intervals at {100 * confidence:g} % over seeds and test rows")
    return "\n".join(lines)


def draw_curves(curves: Mapping[str, Mapping[str, Any]], files: Sequence[Path]) -> None:
    """Accuracy over training rows, each seed a dot; the continuation dashed, with its interval at twice the rows."""
    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    axes = figure.subplots()
    for name, curve in curves.items():
        who, gold = name.split(",")[0], "gold" in name
        colour, points, twice = _COLOURS[who], curve["points"], curve["twice"]
        label = name.replace("bar", _BAR)
        for point in points:
            dots = [100 * value for value in point.accuracies]
            axes.plot([point.rows] * len(dots), dots, ".", color=colour, alpha=0.35, markersize=4)
        axes.plot(
            [point.rows for point in points],
            [100 * _mean(point) for point in points],
            marker="s" if gold else "o", color=colour, fillstyle="none" if gold else "full", label=label, linewidth=1.4,
        )  # fmt: skip
        low, high = 100 * twice["accuracy_ci_low"], 100 * twice["accuracy_ci_high"]
        middle = 100 * twice["accuracy"]
        axes.plot([points[-1].rows, twice["rows"]], [100 * _mean(points[-1]), middle], "--", color=colour, linewidth=1)
        axes.plot([twice["rows"]] * 2, [low, high], color=colour, linewidth=2)
    axes.set(xscale="log", xlabel="training rows", ylabel="right on the test rows, %")
    ticks = sorted({round(point.rows) for curve in curves.values() for point in curve["points"]})
    ticks += sorted({round(curve["twice"]["rows"]) for curve in curves.values()})
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], rotation=45)
    axes.minorticks_off()
    axes.legend(frameon=False)
    with matplotlib.rc_context({"svg.hashsalt": "learning curve", "svg.fonttype": "none"}):
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(file, dpi=150, metadata={"Date": None} if file.suffix == ".svg" else None)


def _points(table: Mapping[str, Any]) -> dict[tuple[str, str], list[CurvePoint]]:
    """(who, whose labels) -> its points in the order of their rows; of finished cells that its arms count."""
    by_curve: dict[tuple[str, str], dict[float, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    # What a study does not vary is no column of its rows.
    fixed = table["settings"]["subsample"]
    for cell in counted_rows(table):
        labels, share = (cell.get(f"subsample.{key}", fixed[key]) for key in ("labels", "data_share"))
        for who, column in _COLUMNS.items():
            if cell.get(column) is not None and cell.get("training_rows"):
                by_curve[who, labels][share].append(cell)
    return {
        (who, labels): [
            CurvePoint(
                sum(cell["training_rows"] for cell in by_share[share]) / len(by_share[share]),
                tuple(cell[_COLUMNS[who]] for cell in by_share[share]),
                by_share[share][0]["test_rows"],
            )
            for share in sorted(by_share)
        ]
        for (who, labels), by_share in by_curve.items()
    }


def _worth(twice: Mapping[str, float], check: Mapping[str, float]) -> str:
    if check["measured_ci_high"] < check["accuracy_ci_low"] or check["measured_ci_low"] > check["accuracy_ci_high"]:
        return "the curve failed its check (below), so do not go by it"
    if twice["gain_ci_low"] >= WORTH:
        return "more rows are worth it, if a point is"
    if twice["gain_ci_high"] < WORTH:
        return "more rows bring less than a point"
    return "it is open whether more rows bring a point"


def _measured(point: CurvePoint, confidence: float) -> dict[str, float]:
    """The mean over seeds, with Wilson's interval of the test rows, which all seeds share."""
    mean = _mean(point)
    low, high = wilson(mean * point.test_rows, point.test_rows, confidence)
    return {"measured": mean, "measured_ci_low": low, "measured_ci_high": high}


def _mean(point: CurvePoint) -> float:
    return sum(point.accuracies) / len(point.accuracies)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _span(values: Mapping[str, float], key: str) -> str:
    low, high = (100 * values[f"{key}_ci_{end}"] for end in ("low", "high"))
    return f"{_percent(values[key])} ({low:.1f} to {high:.1f})"
