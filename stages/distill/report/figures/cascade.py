"""Answering with the student where it is sure and asking the teacher for the rest."""

from __future__ import annotations

from matplotlib.axes import Axes

from distill.report.figures.drawing import BLUE, GREY, ReportFigure, direct_labels, draw_svg, percent_axis
from distill.report.run import Run
from distill.report.tables import ReportTable
from distill.report.wording import NO_VALUE, as_dollars, as_interval, as_percent


def cascade_figure(run: Run) -> ReportFigure | None:
    """Accuracy against the share sent to the teacher; None where the teacher was not asked about test rows."""
    curve = [point for point in run.cascade if point.get("sent") is not None]
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
        percent_axis(axes)
        percent_axis(axes, "x")
        direct_labels(axes, 2)

    rows = [
        [
            NO_VALUE if point["threshold"] > 1 else f"{point['threshold']:.4f}",
            as_percent(point["sent"]),
            as_percent(point["accuracy"]),
            as_interval(point),
            as_percent(point["at_random"]),
            as_dollars(point["usd_per_1000"]),
            "chosen" if point.get("chosen") else "",
        ]
        for point in curve[:: max(1, len(curve) // 20)]
        + [point for point in chosen if point not in curve[:: max(1, len(curve) // 20)]]
    ]
    level = f"{100 * run.settings.evaluate.confidence:g} %"
    return ReportFigure(
        "cascade",
        "Student first, teacher for the rest",
        f"Rows of which the student is less sure than a threshold go to the teacher; the band is the {level} interval."
        f" {_chosen(run)}",
        f"Accuracy rises from {as_percent(curve[0]['accuracy'])} with no row sent to"
        f" {as_percent(max(point['accuracy'] for point in curve))} at best; with all rows sent it is"
        f" {as_percent(curve[-1]['accuracy'])}. {_chosen(run)}",
        draw_svg("cascade", draw, height=3.2),
        ReportTable(
            "The cascade on the test rows",
            ("threshold", "sent", "accuracy", f"{level} interval", "at random", "per 1,000 rows", ""),
            sorted(rows, key=lambda row: float(row[1].split("\N{NO-BREAK SPACE}")[0])),
        ),
    )


def _chosen(run: Run) -> str:
    cascade = run.evaluate.get("cascade") or {}
    if cascade.get("threshold") is None:
        return f"No threshold was chosen: {cascade['reason']}." if cascade.get("reason") else ""
    label, usd = cascade["label"], cascade.get("usd_per_1000")
    price = "" if usd is None else f" The teacher then costs {as_dollars(usd)} per 1,000 rows."
    return (
        f"The threshold was chosen on validation rows. It sends {as_percent(cascade['sent'])} of the test rows to the"
        f" teacher, and {as_percent(label['accuracy'])} ({as_interval(label)}) of all test rows are right.{price}"
    )
