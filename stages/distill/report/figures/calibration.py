"""Whether the student's confidence is right as often as it says."""

from __future__ import annotations

from matplotlib.axes import Axes

from distill.intervals import wilson
from distill.report.facts import Facts
from distill.report.figures.drawing import BLUE, GREY, Shown, direct_labels, drawn, shares
from distill.report.tables import Table
from distill.report.wording import count, percent

BINS = 10
LEAST_ROWS = 50  # fewer rows say nothing of a curve


def calibration(facts: Facts) -> Shown | None:
    """Accuracy against confidence in bins of equal width; None on few rows with gold label and probability."""
    sure = [
        (row.student_probability, row.student_right)
        for row in facts.judged
        if row.student_right is not None and row.student_probability is not None
    ]
    if len(sure) < LEAST_ROWS:
        return None
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for probability, right in sure:
        bins[min(int(probability * BINS), BINS - 1)].append((probability, right))
    level = facts.settings.evaluate.confidence
    found = []
    for members in filter(None, bins):
        hits = sum(right for _, right in members)
        found.append(
            (
                sum(p for p, _ in members) / len(members),
                hits / len(members),
                *wilson(hits, len(members), level),
                len(members),
            )
        )

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.2, label="right as often as it says")
        for said, _, low, high, _ in found:
            axes.plot([said, said], [low, high], color=BLUE, linewidth=1.1)
        axes.scatter(
            [one[0] for one in found],
            [one[1] for one in found],
            s=[20 + 130 * (one[4] / len(sure)) for one in found],
            color=BLUE,
            edgecolor="white",
            linewidth=0.8,
            zorder=3,
        )
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="the student's confidence", ylabel="right")
        shares(axes)
        shares(axes, "x")
        direct_labels(axes, 1)

    rows = [
        [percent(said), percent(right), f"{100 * low:.1f} to {percent(high)}", count(n)]
        for said, right, low, high, n in found
    ]
    error = facts.evaluate["student"]["label"].get("calibration_error")
    said = "" if error is None else f" Expected calibration error: {error:.3f}."
    return Shown(
        "calibration",
        "Confidence against accuracy",
        f"Test rows in ten bins of confidence; a dot's area grows with its rows, a line is its {100 * level:g} %"
        f" interval.{said}",
        "Reliability diagram: "
        + "; ".join(f"at confidence {row[0]}, {row[1]} right ({row[3]} rows)" for row in rows)
        + ".",
        drawn("calibration", draw),
        Table("Confidence against accuracy", ("mean confidence", "right", f"{100 * level:g} % interval", "rows"), rows),
    )
