"""Whether the student's confidence is right as often as it says."""

from __future__ import annotations

from matplotlib.axes import Axes

from distill.intervals import wilson
from distill.report.figures.drawing import BLUE, GREY, ReportFigure, direct_labels, draw_svg, percent_axis
from distill.report.run import Run
from distill.report.tables import ReportTable
from distill.report.wording import as_count, as_percent

_BINS = 10
_LEAST_ROWS = 50  # fewer rows say nothing of a curve


def calibration_figure(run: Run) -> ReportFigure | None:
    """Accuracy against confidence in bins of equal width; None on few rows with gold label and probability."""
    sure = [
        (row.student_probability, row.student_right)
        for row in run.judged
        if row.student_right is not None and row.student_probability is not None
    ]
    if len(sure) < _LEAST_ROWS:
        return None
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(_BINS)]
    for probability, right in sure:
        bins[min(int(probability * _BINS), _BINS - 1)].append((probability, right))
    level = run.settings.evaluate.confidence
    curve = []
    for members in filter(None, bins):
        hits = sum(right for _, right in members)
        curve.append(
            (
                sum(p for p, _ in members) / len(members),
                hits / len(members),
                *wilson(hits, len(members), level),
                len(members),
            )
        )

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.2, label="right as often as it says")
        for confidence, _, low, high, _ in curve:
            axes.plot([confidence, confidence], [low, high], color=BLUE, linewidth=1.1)
        axes.scatter(
            [dot[0] for dot in curve],
            [dot[1] for dot in curve],
            s=[20 + 130 * (dot[4] / len(sure)) for dot in curve],
            color=BLUE,
            edgecolor="white",
            linewidth=0.8,
            zorder=3,
        )
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="the student's confidence", ylabel="right")
        percent_axis(axes)
        percent_axis(axes, "x")
        direct_labels(axes, 1)

    rows = [
        [as_percent(confidence), as_percent(right), f"{100 * low:.1f} to {as_percent(high)}", as_count(n)]
        for confidence, right, low, high, n in curve
    ]
    error = run.evaluate["student"]["label"].get("calibration_error")
    in_words = "" if error is None else f" Expected calibration error: {error:.3f}."
    return ReportFigure(
        "calibration",
        "Confidence against accuracy",
        f"Test rows in ten bins of confidence; a dot's area grows with its rows, a line is its {100 * level:g} %"
        f" interval.{in_words}",
        "Reliability diagram: "
        + "; ".join(f"at confidence {row[0]}, {row[1]} right ({row[3]} rows)" for row in rows)
        + ".",
        draw_svg("calibration", draw),
        ReportTable(
            "Confidence against accuracy", ("mean confidence", "right", f"{100 * level:g} % interval", "rows"), rows
        ),
    )
