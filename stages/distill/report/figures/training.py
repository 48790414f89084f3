"""How the student learned: losses and validation accuracy over steps."""

from __future__ import annotations

from matplotlib.axes import Axes

from distill.report.facts import Facts
from distill.report.figures.drawing import BLUE, GREEN, ORANGE, Shown, counts, direct_labels, drawn, logarithmic, shares
from distill.report.tables import Table
from distill.report.wording import count, percent

WIDE = 8.0  # losses that fall by more than this factor are drawn on a logarithmic scale
MARGIN = 0.05  # above and below the accuracies, so that no difference looks larger than it is
_LOSSES = {"label": ("label_loss", BLUE, "-", "o"), "rationale": ("rationale_loss", ORANGE, "--", "^")}


def training(facts: Facts) -> list[Shown]:
    """Two figures: the losses, and the accuracy on validation rows with the step whose weights were kept."""
    curve = [row for row in facts.curve if row.get("step") is not None]
    if not curve:
        return []
    return (
        [_loss(facts, curve), _validation(facts, curve)]
        if any(row.get("validation_accuracy") is not None for row in curve)
        else [_loss(facts, curve)]
    )


def _loss(facts: Facts, curve: list) -> Shown:
    series = {
        name: [(row["step"], row[key]) for row in curve if row.get(key) is not None]
        for name, (key, *_) in _LOSSES.items()
    }
    series = {name: points for name, points in series.items() if points}
    losses = [value for points in series.values() for _, value in points]
    wide = bool(losses) and min(losses) > 0 and max(losses) / min(losses) > WIDE

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
            logarithmic(axes, "y", lambda value: f"{value:g}")
        counts(axes)
        direct_labels(axes, len(series))

    ends = "; ".join(f"{name} from {points[0][1]:.3g} to {points[-1][1]:.3g}" for name, points in series.items())
    return Shown(
        "loss",
        "Training loss",
        "Mean loss since the look before, of each task that was trained"
        + ("; the scale is logarithmic." if wide else "."),
        f"Training loss over {count(curve[-1]['step'])} steps: {ends}.",
        drawn("loss", draw),
        Table(
            "Training loss",
            ("step", *series),
            [[count(row["step"]), *(_number(row.get(_LOSSES[name][0])) for name in series)] for row in curve],
        ),
    )


def _validation(facts: Facts, curve: list) -> Shown:
    points = [(row["step"], row["validation_accuracy"]) for row in curve if row.get("validation_accuracy") is not None]
    best = facts.train.get("best_step")

    def draw(axes: Axes) -> None:
        axes.plot(*zip(*points, strict=True), color=GREEN, marker="o", markevery=max(1, len(points) // 16))
        kept = [point for point in points if point[0] == best]
        if kept:
            axes.plot(*kept[0], marker="*", markersize=13, color="black", markeredgecolor="white")
            axes.annotate(f"kept: step {best:,}", kept[0], xytext=(0, -16), textcoords="offset points", ha="right")
        axes.set(xlabel="step", ylabel="right on validation rows")
        axes.set_ylim(
            max(-0.01, min(value for _, value in points) - MARGIN),
            min(1.01, max(value for _, value in points) + MARGIN),
        )
        counts(axes)
        shares(axes)

    return Shown(
        "validation",
        "Accuracy on validation rows",
        "Looked at while training; the star is the step whose weights were kept. The test rows had no part in that"
        " choice.",
        f"Validation accuracy goes from {percent(points[0][1])} at step {count(points[0][0])} to"
        f" {percent(points[-1][1])} at step {count(points[-1][0])}; the weights of step {count(best)} were kept.",
        drawn("validation", draw),
        Table(
            "Accuracy on validation rows",
            ("step", "accuracy"),
            [[count(step), percent(value)] for step, value in points],
        ),
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
