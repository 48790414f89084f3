"""How the student learned: losses and validation accuracy over steps."""

from __future__ import annotations

from matplotlib.axes import Axes

from distill.report.figures.drawing import (
    BLUE,
    GREEN,
    ORANGE,
    ReportFigure,
    direct_labels,
    draw_svg,
    logarithmic_axis,
    percent_axis,
    whole_number_axis,
)
from distill.report.run import Run
from distill.report.tables import ReportTable
from distill.report.wording import as_count, as_percent

_WIDE = 8.0  # losses that fall by more than this factor are drawn on a logarithmic scale
_MARGIN = 0.05  # above and below the accuracies, so that no difference looks larger than it is
_LOSSES = {"label": ("label_loss", BLUE, "-", "o"), "rationale": ("rationale_loss", ORANGE, "--", "^")}


def training_figures(run: Run) -> list[ReportFigure]:
    """Two figures: the losses, and the accuracy on validation rows with the step whose weights were kept."""
    curve = [row for row in run.curve if row.get("step") is not None]
    if not curve:
        return []
    return (
        [_loss(run, curve), _validation(run, curve)]
        if any(row.get("validation_accuracy") is not None for row in curve)
        else [_loss(run, curve)]
    )


def _loss(run: Run, curve: list) -> ReportFigure:
    series = {
        name: [(row["step"], row[key]) for row in curve if row.get(key) is not None]
        for name, (key, *_) in _LOSSES.items()
    }
    series = {name: points for name, points in series.items() if points}
    losses = [value for points in series.values() for _, value in points]
    wide = bool(losses) and min(losses) > 0 and max(losses) / min(losses) > _WIDE

    def draw(axes: Axes) -> None:
        for name, points in series.items():
            _, colour, line, marker = _LOSSES[name]
            axes.plot(
                *zip(*points, strict=True),
                color=colour,
                linestyle=line,
                marker=marker,
                label=name,
                markevery=max(1, len(points) // 8),
            )
        axes.set(xlabel="step", ylabel="cross-entropy, nats a token")
        if wide:
            logarithmic_axis(axes, "y", lambda value: f"{value:g}")
        whole_number_axis(axes)
        direct_labels(axes, len(series))

    ends = "; ".join(f"{name} from {points[0][1]:.3g} to {points[-1][1]:.3g}" for name, points in series.items())
    return ReportFigure(
        "loss",
        "Training loss",
        "Mean loss since the look before, of each task that was trained"
        + ("; the scale is logarithmic." if wide else "."),
        f"Training loss over {as_count(curve[-1]['step'])} steps: {ends}.",
        draw_svg("loss", draw),
        ReportTable(
            "Training loss",
            ("step", *series),
            [[as_count(row["step"]), *(_number(row.get(_LOSSES[name][0])) for name in series)] for row in curve],
        ),
    )


def _validation(run: Run, curve: list) -> ReportFigure:
    points = [(row["step"], row["validation_accuracy"]) for row in curve if row.get("validation_accuracy") is not None]
    best = run.train.get("best_step")

    def draw(axes: Axes) -> None:
        axes.plot(*zip(*points, strict=True), color=GREEN, marker="o", markevery=max(1, len(points) // 16))
        kept = [point for point in points if point[0] == best]
        if kept:
            axes.plot(*kept[0], marker="*", markersize=13, color="black", markeredgecolor="white")
            axes.annotate(f"kept: step {best:,}", kept[0], xytext=(0, -16), textcoords="offset points", ha="right")
        axes.set(xlabel="step", ylabel="right on validation rows")
        axes.set_ylim(
            max(-0.01, min(value for _, value in points) - _MARGIN),
            min(1.01, max(value for _, value in points) + _MARGIN),
        )
        whole_number_axis(axes)
        percent_axis(axes)

    return ReportFigure(
        "validation",
        "Accuracy on validation rows",
        "Looked at while training; the star is the step whose weights were kept. The test rows had no part in that"
        " choice.",
        f"Validation accuracy goes from {as_percent(points[0][1])} at step {as_count(points[0][0])} to"
        f" {as_percent(points[-1][1])} at step {as_count(points[-1][0])}. The weights of step {as_count(best)} were"
        " kept.",
        draw_svg("validation", draw),
        ReportTable(
            "Accuracy on validation rows",
            ("step", "accuracy"),
            [[as_count(step), as_percent(value)] for step, value in points],
        ),
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
