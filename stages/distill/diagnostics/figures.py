"""The diagnostics drawn, experiments side by side on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from distill.diagnostics.confidence import TENTHS
from distill.report.figures.drawing import BLUE, VERMILLION, draw_svg, percent_axis

ATTENTION_TITLES = {
    "entropy": "Entropy: 1 is even attention, 0 is one token alone",
    "diagonal": "Weight on the diagonal: what a token gives itself",
    "sparsity": "Sparsity: share of tokens below a tenth of even attention",
    "next_layer": "Similarity with the head of the same number one layer above",
    "between_layers": "Similarity between layers, heads averaged",
}
CONFIDENCE_TITLES = {
    "label_probability_right": "Probability of the label, where it is right",
    "label_probability_wrong": "Probability of the label, where it is wrong",
    "label_probability_unknown": "Probability of the label, where gold is not known",
    "label_entropy": "Entropy over the candidate labels: 0 sure, 1 even",
    "token_probability": "Probability of each token that it wrote",
    "token_entropy": "Entropy over the vocabulary at each token",
    "text_probability": "Probability of the whole text that it wrote",
}
_COLOURS = LinearSegmentedColormap.from_list("share", ["#ffffff", BLUE])
_HANDS = ((BLUE, ""), (VERMILLION, "////"))
_MOST_NUMBERS = 64  # cells of a panel that still have room for their value


def grids(
    name: str, measure: str, values: Sequence[Sequence[Sequence[float | None]] | None], titles: Sequence[str]
) -> str:
    """SVG of one measure by layer (upwards) and head, or by layer and layer; one panel for each experiment.

    Where `values` is None the panel is empty.
    """

    def draw(*panels: Axes) -> None:
        for axes, rows, title in zip(panels, values, titles, strict=True):
            axes.set_title(title)
            axes.grid(False)
            if rows and rows[0]:
                _grid(axes, rows, "layer" if measure == "between_layers" else "head", upper=measure == "next_layer")
            else:
                axes.text(0.5, 0.5, "has none", ha="center", va="center")
                axes.set_axis_off()

    tall = max((len(rows) for rows in values if rows), default=1)
    return draw_svg(name, draw, panels=len(values), width=3.4 * len(values), height=min(7.0, 1.1 + 0.34 * tall))


def _grid(axes: Axes, rows: Sequence[Sequence[float | None]], across: str, upper: bool) -> None:
    small = len(rows) * len(rows[0]) <= _MOST_NUMBERS
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            axes.fill(
                [x, x + 1, x + 1, x],
                [y, y, y + 1, y + 1],
                facecolor=_COLOURS(value or 0.0),
                edgecolor="#bbbbbb",
                linewidth=0.5,
            )
            if small and value is not None:
                axes.text(
                    x + 0.5,
                    y + 0.5,
                    f"{value:.2f}",
                    ha="center",
                    va="center",
                    fontsize=6.5,
                    color="white" if value > 0.55 else "black",
                )
    for axis, size, title in (
        (axes.xaxis, len(rows[0]), across),
        (axes.yaxis, len(rows), "lower layer" if upper else "layer"),
    ):
        step = max(1, size // 12)
        axis.set_ticks(
            [place + 0.5 for place in range(0, size, step)], [str(place + 1) for place in range(0, size, step)]
        )
        axis.set_label_text(title)
    axes.set_xlim(0, len(rows[0]))
    axes.set_ylim(0, len(rows))


def tenths(name: str, distributions: Sequence[Mapping[str, Any] | None], titles: Sequence[str]) -> str:
    """SVG of the share of values in each tenth from 0 to 1, with the bars of the experiments side by side."""

    def draw(axes: Axes) -> None:
        width = 0.9 / TENTHS / len(distributions)
        for number, (values, title) in enumerate(zip(distributions, titles, strict=True)):
            if not values or not values["count"]:
                continue
            colour, hatch = _HANDS[number % len(_HANDS)]
            places = [place / TENTHS + 0.05 / TENTHS + (number + 0.5) * width for place in range(TENTHS)]
            heights = [count / values["count"] for count in values["tenths"]]
            axes.bar(
                places,
                heights,
                width,
                color=colour if not hatch else "white",
                edgecolor=colour,
                hatch=hatch,
                label=f"{title}, {values['count']:,}",
            )
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_locator(MaxNLocator(TENTHS))
        percent_axis(axes)
        axes.legend(loc="best")

    return draw_svg(name, draw, height=2.4)
