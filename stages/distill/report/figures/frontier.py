"""Accuracy against dollars over all experiments at hand, this run among them."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from distill.report.facts import Facts, Metrics
from distill.report.figures.drawing import BLUE, GREY, VERMILLION, Shown, direct_labels, drawn, logarithmic, shares
from distill.report.tables import Table
from distill.report.wording import count, dollars, interval, percent, plural, short

WIDE = 8.0  # costs that differ by more than this factor are drawn on a logarithmic scale


def frontier(facts: Facts) -> Shown | None:
    """None where fewer than two experiments of this task and this teacher were surveyed (stages/frontier.py)."""
    points = _points(facts)
    if len(points) < 2:
        return None
    front = [point for point in points if point.get("front") is not None]
    here = _this_run(facts, points)

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
        if min(costs) > 0 and max(costs) / min(costs) > WIDE:
            logarithmic(axes, "x", dollars)
        else:
            axes.xaxis.set_major_formatter(lambda value, _: dollars(value))
        axes.set(xlabel="US dollars as if cold", ylabel="right on the test rows")
        shares(axes)
        direct_labels(axes, 2)

    rows = [
        [
            short(point["label"], 80),
            dollars(point["usd"]) + ("" if point["usd_from"] == "measured" else f" ({short(point['usd_from'], 20)})"),
            percent(point["accuracy"]),
            interval(point),
            count(point["seeds"]),
            count(point["failures"]),
            _place(point),
        ]
        for point in points
    ]
    top = max(points, key=lambda point: point["accuracy"])
    return Shown(
        "frontier",
        "What accuracy costs",
        f"{_surveyed(facts, here is not None)} A point is on the front if nothing cheaper is as good; lines are"
        f" intervals. {_knee(facts)}".strip(),
        f"Accuracy against cost of {len(points)} points, {len(front)} of them on the front; the best has"
        f" {percent(top['accuracy'])} for {dollars(top['usd'])}. {_knee(facts)}",
        drawn("frontier", draw, height=3.2),
        Table(
            "Accuracy and cost of the experiments",
            ("", "as if cold", "accuracy", "interval", "seeds", "failed", "place"),
            rows,
        ),
    )


def saving(facts: Facts) -> Table | None:
    """What the student at the knee, or the best, spares from so many rows on; None where it is not known or of another
    task.
    """
    found = facts.frontier.get("saving") or {}
    if not _points(facts) or found.get("teacher_usd_per_row") is None or found.get("student_usd_once") is None:
        return None
    rows = []
    for key in sorted((key for key in found if key.startswith("rows_")), key=lambda key: int(key[5:])):
        one = found[key]
        rows.append(
            [count(int(key[5:])), *(_signed(one[part]) for part in ("teacher_usd", "student_usd", "saved_usd"))]
        )
    after = found.get("break_even_rows")
    note = "" if after is None else f"From {count(after)} rows on that student is the cheaper. "
    which = (
        "student at the knee of the front"
        if (facts.frontier.get("front") or {}).get("knee")
        else "best student surveyed"
    )
    return Table(
        f"Answering rows: the teacher against the {which}",
        ("rows", "teacher", "student", "spared"),
        rows,
        note + "The machine that the student runs on is not counted." * (found.get("student_usd_per_row") is None),
    )


def _points(facts: Facts) -> list[Metrics]:
    if facts.frontier.get("task") != facts.card.name or facts.frontier.get("of") != facts.annotate.get("teacher"):
        return []
    return [point for point in facts.frontier_points if point.get("usd") is not None]


def _this_run(facts: Facts, points: Sequence[Metrics]) -> Metrics | None:
    usd, accuracy = facts.evaluate["cost"]["total"]["usd"], facts.evaluate["student"]["label"]["accuracy"]
    same = [
        p for p in points if usd is not None and abs(p["usd"] - usd) < 1e-6 and abs(p["accuracy"] - accuracy) < 1e-6
    ]
    return same[0] if same else None


def _surveyed(facts: Facts, here: bool) -> str:
    number = facts.frontier.get("experiments", 0)
    elsewhere = facts.frontier.get("from_tables", 0)
    where = (
        f"{plural(number, 'experiment')}, {count(elsewhere)} of them from the tables of studies."
        if elsewhere
        else f"{plural(number, 'experiment')} of this clone."
    )
    if facts.frontier.get("usual"):
        where += f" Points are named by what they have other than most: {short(facts.frontier['usual'], 300)}."
    return where + ("" if here else " This run is not one of them: `python stages/frontier.py` surveys anew.")


def _knee(facts: Facts) -> str:
    knee = (facts.frontier.get("front") or {}).get("knee")
    if not knee or knee.get("share_of_gain") is None or knee.get("share_of_money") is None:
        return ""
    return (
        f"At the knee, {percent(knee['share_of_gain'])} of the best point's gain over the commonest label costs"
        f" {percent(knee['share_of_money'])} of its money."
    )


def _place(point: Metrics) -> str:
    return "knee" if point.get("knee") is not None else "front" if point.get("front") is not None else ""


def _signed(usd: float) -> str:
    return dollars(usd) if usd >= 0 else f"−{dollars(-usd)}"
