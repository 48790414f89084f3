"""Which labels the student takes for which."""

from __future__ import annotations

from collections import Counter

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from distill.report.figures.drawing import BLUE, ReportFigure, draw_svg
from distill.report.run import Run
from distill.report.tables import ReportTable
from distill.report.wording import as_count, as_percent
from distill.visible import one_line

_MOST_CLASSES = 12  # a matrix of more cannot be read; the commonest mistakes are listed instead
_MOST_MISTAKES = 15
_WHITE_TO_BLUE = LinearSegmentedColormap.from_list("share", ["#ffffff", BLUE])


def confusion_figure(run: Run) -> ReportFigure | None:
    """A matrix of gold against predicted labels; None where answers are numbers or text, or labels are many."""
    if run.card.kind not in ("classes", "choices"):
        return None
    pairs = Counter((row["gold"], row["predicted"]) for row in run.confusion)
    present = {label for pair in pairs for label in pair}
    labels = [label for label in run.card.classes if label in present] + sorted(present - set(run.card.classes))
    if not 1 < len(labels) <= _MOST_CLASSES:
        return None
    counts = {gold: sum(pairs[gold, other] for other in labels) for gold in labels}
    rows = {gold: number for gold, number in counts.items() if number}

    def draw(axes: Axes) -> None:
        size = len(labels)
        for y, gold in enumerate(rows):
            for x, predicted in enumerate(labels):
                share = pairs[gold, predicted] / rows[gold]
                axes.fill(
                    [x, x + 1, x + 1, x],
                    [y, y, y + 1, y + 1],
                    facecolor=_WHITE_TO_BLUE(share),
                    edgecolor="#bbbbbb",
                    linewidth=0.6,
                )
                text = f"{pairs[gold, predicted]:,}" + (f"\n{100 * share:.0f} %" if size <= 8 else "")
                axes.text(
                    x + 0.5,
                    y + 0.5,
                    text,
                    ha="center",
                    va="center",
                    color="white" if share > 0.55 else "black",
                    fontsize=8.5 if size <= 6 else 6.5,
                )
        names = {label: one_line(label, 16) for label in labels}
        fits = max(map(len, names.values())) * size < 45
        axes.set(xlim=(0, size), ylim=(len(rows), 0), xlabel="the student says", ylabel="gold label")
        axes.set_xticks(
            [i + 0.5 for i in range(size)],
            [*names.values()],
            rotation=0 if fits else 40,
            ha="center" if fits else "right",
        )
        axes.set_yticks([i + 0.5 for i in range(len(rows))], [names[gold] for gold in rows])
        axes.grid(False)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)

    right = sum(pairs[label, label] for label in rows)
    header = ("gold label", *(f"says {one_line(label, 24)}" for label in labels))
    table = ReportTable(
        "Gold label against the student's, test rows",
        header,
        [[one_line(gold, 24), *(as_count(pairs[gold, predicted]) for predicted in labels)] for gold in rows],
    )
    how = "A row's own choices go by their letters. " if run.card.kind == "choices" else ""
    return ReportFigure(
        "confusion",
        "What the student takes for what",
        f"{how}Each cell: test rows, and their share of the rows with that gold label. The diagonal is right.",
        f"Confusion matrix over {len(rows)} labels: {as_count(right)} of {as_count(sum(rows.values()))} rows are on the"
        f" diagonal. {_worst(pairs, rows)}",
        draw_svg("confusion", draw, height=max(2.6, min(4.6, 0.9 + 0.42 * len(labels)))),
        table,
    )


def mistakes_table(run: Run) -> ReportTable | None:
    """The commonest mistakes, where labels are too many for a matrix."""
    pairs = Counter((row["gold"], row["predicted"]) for row in run.confusion)
    labels = {label for pair in pairs for label in pair}
    if run.card.kind not in ("classes", "choices") or len(labels) <= _MOST_CLASSES:
        return None
    wrong = [(n, gold, predicted) for (gold, predicted), n in pairs.items() if gold != predicted]
    wrong.sort(key=lambda mistake: (-mistake[0], mistake[1:]))
    rows = [[one_line(gold, 40), one_line(predicted, 40), as_count(n)] for n, gold, predicted in wrong[:_MOST_MISTAKES]]
    return (
        ReportTable("The commonest mistakes on the test rows", ("gold label", "the student says", "rows"), rows)
        if rows
        else None
    )


def _worst(pairs: Counter, rows: dict[str, int]) -> str:
    wrong = [(n / rows[gold], gold, predicted) for (gold, predicted), n in pairs.items() if gold != predicted and n]
    if not wrong:
        return "Nothing is confused."
    share, gold, predicted = max(wrong)
    taken = f"{one_line(gold, 40)} is taken for {one_line(predicted, 40)}"
    return f"The commonest confusion: {taken} in {as_percent(share)} of its rows."
