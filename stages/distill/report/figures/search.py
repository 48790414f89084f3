"""The search for the prompt: every candidate, the best so far, and those tried on held-out rows."""

from __future__ import annotations

from matplotlib.axes import Axes

from distill.report.figures.drawing import (
    BLUE,
    GREY,
    VERMILLION,
    ReportFigure,
    direct_labels,
    draw_svg,
    whole_number_axis,
)
from distill.report.run import Run
from distill.report.tables import ReportTable
from distill.report.wording import as_count
from distill.visible import one_line


def search_figure(run: Run) -> ReportFigure | None:
    """Score against candidate; None where no prompt was searched for."""
    trace = [row for row in run.trace if row.get("score") is not None]
    if len(trace) < 2:
        return None
    kept, dropped = ([row for row in trace if bool(row.get("dropped")) is out] for out in (False, True))
    held = [row for row in trace if row.get("held_out_score") is not None]
    best = [(row["candidate"], row["best_score"]) for row in trace if row.get("best_score") is not None]

    def draw(axes: Axes) -> None:
        if best:
            axes.step(*zip(*best, strict=True), where="post", color=BLUE, linewidth=1.0, label="best so far")
        axes.plot(
            [row["candidate"] for row in dropped],
            [row["score"] for row in dropped],
            "x",
            color=GREY,
            markersize=3.8,
            label="dropped early",
        )
        axes.plot(
            [row["candidate"] for row in kept],
            [row["score"] for row in kept],
            "o",
            color=BLUE,
            markersize=4,
            label="search rows",
        )
        axes.plot(
            [row["candidate"] for row in held],
            [row["held_out_score"] for row in held],
            "D",
            color=VERMILLION,
            markerfacecolor="white",
            markeredgewidth=1.5,
            markersize=6,
            label="held-out rows",
        )
        axes.set(xlabel="candidate (0 is the prompt it started from)", ylabel="score")
        whole_number_axis(axes)
        direct_labels(axes, 2)

    first = trace[0]
    finalists = sorted(held, key=lambda row: -row["held_out_score"])
    rows = [
        [
            as_count(row["candidate"]),
            as_count(row["step"]),
            f"{row['held_out_score']:.3f}",
            f"{row['score']:.3f}",
            as_count(row.get("rows")),
            one_line(row["prompt"], 160),
        ]
        for row in finalists
    ]
    top = finalists[0] if finalists else None
    in_words = (
        f" On held-out rows the first prompt scores {first['held_out_score']:.3f} and the best"
        f" {top['held_out_score']:.3f}, which flatters it a little."
        if top and first.get("held_out_score") is not None
        else ""
    )
    return ReportFigure(
        "search",
        "Candidates of the prompt search",
        "Score on the search rows, on which the search chose, and, for the finalists, on rows that it had not used. A"
        " score weighs accuracy, readable labels, rationales, their length, and tokens; candidates clearly behind are"
        " dropped early.",
        f"{as_count(len(trace))} prompts were scored; {as_count(len(dropped))} of them were dropped early, and"
        f" {as_count(len(held))} reached the held-out rows.{in_words}",
        draw_svg("search", draw, height=3.2),
        (
            ReportTable(
                "Prompts that reached the held-out rows",
                ("candidate", "round", "held-out score", "search score", "search rows", "prompt"),
                rows,
            )
            if rows
            else None
        ),
    )
