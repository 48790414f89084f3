"""How long rationales are: the teacher's on train rows, the student's own on test rows."""

from __future__ import annotations

from statistics import fmean, median

from matplotlib.axes import Axes

from distill.report.figures.drawing import STUDENT, TEACHER, ReportFigure, direct_labels, draw_svg, percent_axis
from distill.report.run import Run
from distill.report.tables import ReportTable
from distill.report.wording import as_count

_BINS = 24
_LONGEST = 0.98  # the longest two of a hundred would squeeze all others: they go into the last bin


def lengths_figure(run: Run) -> ReportFigure | None:
    """Histograms in words; None where nobody explained."""
    teacher = [len(row.rationale.split()) for row in run.train_answers if row.rationale is not None]
    student = [len(row.student_rationale.split()) for row in run.judged if row.student_rationale is not None]
    name = "people, train rows" if run.by_people else "teacher, train rows"
    groups = [
        (whose, words, look)
        for whose, words, look in ((name, teacher, TEACHER), ("student, test rows", student, STUDENT))
        if words
    ]
    if not groups:
        return None
    everything = sorted(n for _, words, _ in groups for n in words)
    top = max(1, everything[int(_LONGEST * (len(everything) - 1))])
    width = max(1, -(-(top + 1) // _BINS))
    edges = [i * width for i in range(-(-(top + 1) // width) + 1)]

    def draw(axes: Axes) -> None:
        for whose, words, (colour, marker, line) in groups:
            shares_of = [0.0] * (len(edges) - 1)
            for n in words:
                shares_of[min(n // width, len(shares_of) - 1)] += 1 / len(words)
            axes.stairs(shares_of, edges, color=colour, linestyle=line, linewidth=1.6, fill=False, label=whose)
            peak = max(range(len(shares_of)), key=shares_of.__getitem__)
            axes.plot([edges[peak] + width / 2], [shares_of[peak]], color=colour, marker=marker, linestyle="none")
        axes.set(xlabel="words of a rationale", ylabel="share of rationales", xlim=(0, edges[-1]))
        axes.set_ylim(bottom=0)
        percent_axis(axes)
        direct_labels(axes, len(groups))

    rows = [
        [whose, as_count(len(words)), f"{fmean(words):.1f}", f"{median(words):g}", as_count(max(words))]
        for whose, words, _ in groups
    ]
    beyond = sum(n >= edges[-1] for n in everything)
    return ReportFigure(
        "lengths",
        "How long rationales are",
        "Each line is a histogram of its own rationales; its marker is at the commonest length."
        + (f" {as_count(beyond)} longer ones are in the last bin." if beyond else ""),
        "Lengths of rationales: "
        + "; ".join(f"{row[0]}: {row[2]} words on average, {row[3]} in the middle, {row[4]} at most" for row in rows)
        + ".",
        draw_svg("lengths", draw),
        ReportTable("Words of a rationale", ("whose", "rationales", "mean", "median", "longest"), rows),
    )
