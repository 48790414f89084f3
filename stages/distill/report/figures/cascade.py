"""Answering with the student where it is sure and asking the teacher for the rest."""

from __future__ import annotations

from matplotlib.axes import Axes

from distill.report.facts import Facts
from distill.report.figures.drawing import BLUE, GREY, Shown, direct_labels, drawn, shares
from distill.report.tables import Table
from distill.report.wording import NONE, dollars, interval, percent


def cascade(facts: Facts) -> Shown | None:
    """Accuracy against the share sent to the teacher; None where the teacher was not asked about test rows."""
    curve = [point for point in facts.cascade if point.get("sent") is not None]
    if not curve:
        return None
    chosen = [point for point in curve if point.get("chosen")]

    def draw(axes: Axes) -> None:
        sent = [point["sent"] for point in curve]
        axes.fill_between(
            sent,
            *([point[f"accuracy_ci_{end}"] for point in curve] for end in ("low", "high")),
            color=BLUE,
            alpha=0.14,
            linewidth=0,
        )
        axes.plot(sent, [point["accuracy"] for point in curve], color=BLUE, label="the least sure are sent")
        axes.plot(sent, [point["at_random"] for point in curve], color=GREY, linestyle=":", label="as many, at random")
        for point in chosen:
            axes.plot(
                [point["sent"]],
                [point["accuracy"]],
                "*",
                color="black",
                markeredgecolor="white",
                markersize=13,
                label="chosen threshold",
            )
        axes.set(xlabel="share of test rows sent to the teacher", ylabel="right on the test rows", xlim=(-0.01, 1.01))
        shares(axes)
        shares(axes, "x")
        direct_labels(axes, 2)

    rows = [
        [
            NONE if point["threshold"] > 1 else f"{point['threshold']:.4f}",
            percent(point["sent"]),
            percent(point["accuracy"]),
            interval(point),
            percent(point["at_random"]),
            dollars(point["usd_per_1000"]),
            "chosen" if point.get("chosen") else "",
        ]
        for point in curve[:: max(1, len(curve) // 20)]
        + [point for point in chosen if point not in curve[:: max(1, len(curve) // 20)]]
    ]
    level = f"{100 * facts.settings.evaluate.confidence:g} %"
    return Shown(
        "cascade",
        "Student first, teacher for the rest",
        f"Rows of which the student is less sure than a threshold go to the teacher; the band is the {level} interval."
        f" {_chosen(facts)}",
        f"Accuracy rises from {percent(curve[0]['accuracy'])} with no row sent to"
        f" {percent(max(point['accuracy'] for point in curve))} at best; with all rows sent it is"
        f" {percent(curve[-1]['accuracy'])}. {_chosen(facts)}",
        drawn("cascade", draw, height=3.2),
        Table(
            "The cascade on the test rows",
            ("threshold", "sent", "accuracy", f"{level} interval", "at random", "per 1,000 rows", ""),
            sorted(rows, key=lambda row: float(row[1].split("\N{NO-BREAK SPACE}")[0])),
        ),
    )


def _chosen(facts: Facts) -> str:
    found = facts.evaluate.get("cascade") or {}
    if found.get("threshold") is None:
        return f"No threshold was chosen: {found['reason']}." if found.get("reason") else ""
    price = "" if found.get("usd_per_1000") is None else f", at {dollars(found['usd_per_1000'])} per 1,000 rows"
    return (
        f"The threshold, chosen on validation rows, sends {percent(found['sent'])} of the test rows{price}, and then"
        f" {percent(found['label']['accuracy'])} ({interval(found['label'])}) are right."
    )
