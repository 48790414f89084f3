"""Which labels the student takes for which."""

from __future__ import annotations

from collections import Counter

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from distill.report.facts import Facts
from distill.report.figures.drawing import BLUE, Shown, drawn
from distill.report.tables import Table
from distill.report.wording import count, percent, short

MOST_CLASSES = 12  # a matrix of more cannot be read; the commonest mistakes are listed instead
MOST_MISTAKES = 15
_WHITE_TO_BLUE = LinearSegmentedColormap.from_list("share", ["#ffffff", BLUE])


def confusion(facts: Facts) -> Shown | None:
    """A matrix of gold against predicted labels; None where answers are numbers or text, or labels are many."""
    if facts.card.kind not in ("classes", "choices"):
        return None
    pairs = Counter((row["gold"], row["predicted"]) for row in facts.confusion)
    found = {label for pair in pairs for label in pair}
    labels = [label for label in facts.card.classes if label in found] + sorted(found - set(facts.card.classes))
    if not 1 < len(labels) <= MOST_CLASSES:
        return None
    counts = {gold: sum(pairs[gold, other] for other in labels) for gold in labels}
    rows = {gold: number for gold, number in counts.items() if number}

    def draw(axes: Axes) -> None:
        size = len(labels)
        for y, gold in enumerate(rows):
            for x, said in enumerate(labels):
                share = pairs[gold, said] / rows[gold]
                axes.fill(
                    [x, x + 1, x + 1, x],
                    [y, y, y + 1, y + 1],
                    facecolor=_WHITE_TO_BLUE(share),
                    edgecolor="#bbbbbb",
                    linewidth=0.6,
                )
                text = f"{pairs[gold, said]:,}" + (f"\n{100 * share:.0f} %" if size <= 8 else "")
                axes.text(
                    x + 0.5,
                    y + 0.5,
                    text,
                    ha="center",
                    va="center",
                    color="white" if share > 0.55 else "black",
                    fontsize=8.5 if size <= 6 else 6.5,
                )
        names = {label: short(label, 16) for label in labels}
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
    header = ("gold label", *(f"says {short(label, 24)}" for label in labels))
    table = Table(
        "Gold label against the student's, test rows",
        header,
        [[short(gold, 24), *(count(pairs[gold, said]) for said in labels)] for gold in rows],
    )
    how = "A row's own choices go by their letters. " if facts.card.kind == "choices" else ""
    return Shown(
        "confusion",
        "What the student takes for what",
        f"{how}Each cell: test rows, and their share of the rows with that gold label. The diagonal is right.",
        f"Confusion matrix over {len(rows)} labels: {count(right)} of {count(sum(rows.values()))} rows on the diagonal."
        f" {_worst(pairs, rows)}",
        drawn("confusion", draw, height=max(2.6, min(4.6, 0.9 + 0.42 * len(labels)))),
        table,
    )


def mistakes(facts: Facts) -> Table | None:
    """The commonest mistakes, where labels are too many for a matrix."""
    pairs = Counter((row["gold"], row["predicted"]) for row in facts.confusion)
    labels = {label for pair in pairs for label in pair}
    if facts.card.kind not in ("classes", "choices") or len(labels) <= MOST_CLASSES:
        return None
    wrong = sorted(((n, *pair) for pair, n in pairs.items() if pair[0] != pair[1]), key=lambda one: (-one[0], one[1:]))
    rows = [[short(gold, 40), short(said, 40), count(n)] for n, gold, said in wrong[:MOST_MISTAKES]]
    return (
        Table("The commonest mistakes on the test rows", ("gold label", "the student says", "rows"), rows)
        if rows
        else None
    )


def _worst(pairs: Counter, rows: dict[str, int]) -> str:
    wrong = [(n / rows[gold], gold, said) for (gold, said), n in pairs.items() if gold != said and n]
    if not wrong:
        return "Nothing is confused."
    share, gold, said = max(wrong)
    return f"Most often confused: {short(gold, 40)} taken for {short(said, 40)} in {percent(share)} of its rows."
