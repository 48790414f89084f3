"""Accuracy with its interval, of all who answered the test rows."""

from __future__ import annotations

from matplotlib.axes import Axes

from distill.report.figures.drawing import OTHER, STUDENT, TEACHER, ReportFigure, draw_svg, percent_axis
from distill.report.run import Run
from distill.report.tables import answerers
from distill.report.wording import as_interval, as_percent

_LOOK = {"student": STUDENT, "teacher": TEACHER}


def accuracy_figure(run: Run) -> ReportFigure:
    """A dot and a whisker each; chance is the commonest label's."""
    who = [
        (
            key.replace("majority", "commonest label").replace("untrained", "untrained student"),
            run.evaluate[key]["label"],
            _LOOK.get(key, OTHER),
        )
        for _, key in answerers(run)
    ]
    bars = run.evaluate.get("bars") or {}
    if best := bars.get("best"):
        who.append(("best bar", bars[best]["label"], OTHER))

    def draw(axes: Axes) -> None:
        for place, (name, label, (colour, marker, _)) in enumerate(who):
            y, value = -place, label["accuracy"]
            axes.plot(
                [label["accuracy_ci_low"], label["accuracy_ci_high"]],
                [y, y],
                color=colour,
                linewidth=2.2,
                solid_capstyle="butt",
            )
            axes.plot(
                [value], [y], marker=marker, color=colour, markersize=6.5, markeredgecolor="white", markeredgewidth=0.8
            )
            inside = value < 0.75
            axes.annotate(
                f"{name}  {as_percent(value)}",
                (label["accuracy_ci_high"] if inside else label["accuracy_ci_low"], y),
                xytext=(6 if inside else -6, 0),
                textcoords="offset points",
                ha="left" if inside else "right",
                va="center",
            )
        axes.set(xlim=(0, 1.005), ylim=(-len(who) + 0.4, 0.6), yticks=[], xlabel="right on the test rows")
        axes.spines["left"].set_visible(False)
        percent_axis(axes, "x")

    in_words = "; ".join(f"{name} {as_percent(label['accuracy'])} ({as_interval(label)})" for name, label, _ in who)
    level = f"{100 * run.settings.evaluate.confidence:g} %"
    return ReportFigure(
        "accuracy",
        "Accuracy on the test rows",
        f"Dot: share of test rows answered right. Line: its {level} interval (Wilson). The numbers are in the tables"
        " above and below.",
        f"Accuracy with intervals: {in_words}.",
        draw_svg("accuracy", draw, height=0.75 + 0.42 * len(who)),
    )
