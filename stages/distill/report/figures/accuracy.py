"""Accuracy with its interval, of all who answered the test rows."""

from __future__ import annotations

from matplotlib.axes import Axes

from distill.report.facts import Facts
from distill.report.figures.drawing import OTHER, STUDENT, TEACHER, Shown, drawn, shares
from distill.report.tables import answerers
from distill.report.wording import interval, percent

_LOOK = {"student": STUDENT, "teacher": TEACHER}


def accuracy(facts: Facts) -> Shown:
    """A dot and a whisker each; chance is the commonest label's."""
    who = [
        (
            key.replace("majority", "commonest label").replace("untrained", "untrained student"),
            facts.evaluate[key]["label"],
            _LOOK.get(key, OTHER),
        )
        for _, key in answerers(facts)
    ]

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
                f"{name}  {percent(value)}",
                (label["accuracy_ci_high"] if inside else label["accuracy_ci_low"], y),
                xytext=(6 if inside else -6, 0),
                textcoords="offset points",
                ha="left" if inside else "right",
                va="center",
            )
        axes.set(xlim=(0, 1.005), ylim=(-len(who) + 0.4, 0.6), yticks=[], xlabel="right on the test rows")
        axes.spines["left"].set_visible(False)
        shares(axes, "x")

    said = "; ".join(f"{name} {percent(label['accuracy'])} ({interval(label)})" for name, label, _ in who)
    level = f"{100 * facts.settings.evaluate.confidence:g} %"
    return Shown(
        "accuracy",
        "Accuracy on the test rows",
        f"Dot: share of test rows answered right. Line: its {level} interval (Wilson). The numbers are in the table"
        " above.",
        f"Accuracy with intervals: {said}.",
        drawn("accuracy", draw, height=0.75 + 0.42 * len(who)),
    )
