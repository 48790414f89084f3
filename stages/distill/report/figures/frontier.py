"""Accuracy against dollars over all experiments at hand, this run among them."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from distill.report.figures.drawing import (
    BLUE,
    GREY,
    VERMILLION,
    ReportFigure,
    direct_labels,
    draw_svg,
    logarithmic_axis,
    percent_axis,
)
from distill.report.run import MetricsSection, Run
from distill.report.tables import ReportTable
from distill.report.wording import as_count, as_dollars, as_interval, as_percent, plural
from distill.visible import one_line

_WIDE = 8.0  # costs that differ by more than this factor are drawn on a logarithmic scale


def frontier_figure(run: Run) -> ReportFigure | None:
    """None where fewer than two experiments of this task and this teacher were surveyed (stages/frontier.py)."""
    points = _points(run)
    if len(points) < 2:
        return None
    front = [point for point in points if point.get("front") is not None]
    here = _this_run(run, points)

    def draw(axes: Axes) -> None:
        others = [point for point in points if point.get("front") is None]
        for some, colour, marker, name in ((others, GREY, "D", "behind the front"), (front, BLUE, "o", "on the front")):
            for point in some:
                axes.plot(
                    [point["usd"]] * 2,
                    [point["accuracy_ci_low"], point["accuracy_ci_high"]],
                    color=colour,
                    linewidth=1.0,
                )
            if some:
                axes.plot(
                    [point["usd"] for point in some],
                    [point["accuracy"] for point in some],
                    marker,
                    color=colour,
                    label=name,
                )
        axes.step(
            [point["usd"] for point in front],
            [point["accuracy"] for point in front],
            where="post",
            color=BLUE,
            linewidth=1.0,
        )
        knee = [point for point in points if point.get("knee") is not None]
        if knee:
            axes.plot(
                [knee[0]["usd"]],
                [knee[0]["accuracy"]],
                "*",
                color="black",
                markeredgecolor="white",
                markersize=13,
                label="knee",
            )
        if here:
            axes.plot(
                [here["usd"]],
                [here["accuracy"]],
                "o",
                markersize=11,
                markerfacecolor="none",
                markeredgecolor=VERMILLION,
                markeredgewidth=1.5,
                label="this run",
            )
        costs = [point["usd"] for point in points]
        if min(costs) > 0 and max(costs) / min(costs) > _WIDE:
            logarithmic_axis(axes, "x", as_dollars)
        else:
            axes.xaxis.set_major_formatter(lambda value, _: as_dollars(value))
        axes.set(xlabel="US dollars as if cold", ylabel="right on the test rows")
        percent_axis(axes)
        direct_labels(axes, 2)

    rows = [
        [
            one_line(point["label"], 80),
            as_dollars(point["usd"])
            + ("" if point["usd_from"] == "measured" else f" ({one_line(point['usd_from'], 20)})"),
            as_percent(point["accuracy"]),
            as_interval(point),
            as_count(point["seeds"]),
            as_count(point["failures"]),
            _place(point),
        ]
        for point in points
    ]
    judged = " on the validation rows" if run.frontier.get("chosen_by") == "validation" else ""
    top = max(points, key=lambda point: point["accuracy"])
    return ReportFigure(
        "frontier",
        "What accuracy costs",
        f"{_surveyed(run, here is not None)} A point is on the front if nothing cheaper is as good{judged}; lines"
        f" are intervals. {_knee(run)}".strip(),
        f"Accuracy against cost of {len(points)} points, {len(front)} of them on the front; the best has"
        f" {as_percent(top['accuracy'])} for {as_dollars(top['usd'])}. {_knee(run)}",
        draw_svg("frontier", draw, height=3.2),
        ReportTable(
            "Accuracy and cost of the experiments",
            ("", "as if cold", "accuracy", "interval", "seeds", "failed", "place"),
            rows,
        ),
    )


def saving_table(run: Run) -> ReportTable | None:
    """What the student at the knee, or the best, spares from so many rows on; None where it is not known or of another
    task.
    """
    saving = run.frontier.get("saving") or {}
    if not _points(run) or saving.get("teacher_usd_per_row") is None or saving.get("student_usd_once") is None:
        return None
    rows = []
    for key in sorted((key for key in saving if key.startswith("rows_")), key=lambda key: int(key[5:])):
        dollars = saving[key]
        rows.append(
            [as_count(int(key[5:])), *(_signed(dollars[part]) for part in ("teacher_usd", "student_usd", "saved_usd"))]
        )
    after = saving.get("break_even_rows")
    note = "" if after is None else f"From {as_count(after)} rows on that student is the cheaper. "
    which = (
        "student at the knee of the front" if (run.frontier.get("front") or {}).get("knee") else "best student surveyed"
    )
    return ReportTable(
        f"Answering rows: the teacher against the {which}",
        ("rows", "teacher", "student", "spared"),
        rows,
        note + "The machine that the student runs on is not counted." * (saving.get("student_usd_per_row") is None),
    )


def _points(run: Run) -> list[MetricsSection]:
    if run.frontier.get("task") != run.card.name or run.frontier.get("of") != run.annotate.get("teacher"):
        return []
    return [point for point in run.frontier_points if point.get("usd") is not None]


def _this_run(run: Run, points: Sequence[MetricsSection]) -> MetricsSection | None:
    usd, accuracy = run.evaluate["cost"]["total"]["usd"], run.evaluate["student"]["label"]["accuracy"]
    same = [
        p for p in points if usd is not None and abs(p["usd"] - usd) < 1e-6 and abs(p["accuracy"] - accuracy) < 1e-6
    ]
    return same[0] if same else None


def _surveyed(run: Run, here: bool) -> str:
    number = run.frontier.get("experiments", 0)
    elsewhere = run.frontier.get("from_tables", 0)
    where = (
        f"{plural(number, 'experiment')}, {as_count(elsewhere)} of them from the tables of studies."
        if elsewhere
        else f"{plural(number, 'experiment')} of this clone."
    )
    if run.frontier.get("usual"):
        where += f" Points are named by what they have other than most: {one_line(run.frontier['usual'], 300)}."
    return where + ("" if here else " This run is not one of them: `python stages/frontier.py` surveys anew.")


def _knee(run: Run) -> str:
    knee = (run.frontier.get("front") or {}).get("knee")
    if not knee or knee.get("share_of_gain") is None or knee.get("share_of_money") is None:
        return ""
    return (
        f"At the knee, {as_percent(knee['share_of_gain'])} of the best point's gain over the commonest label costs"
        f" {as_percent(knee['share_of_money'])} of its money."
    )


def _place(point: MetricsSection) -> str:
    return next((place for place in ("knee", "front") if point.get(place) is not None), "")


def _signed(usd: float) -> str:
    return as_dollars(usd) if usd >= 0 else f"−{as_dollars(-usd)}"
