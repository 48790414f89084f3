"""The curve of a study drawn: SVG and PNG, without a network, and declared as a DVC plot."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib
import yaml
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from distill import paths
from distill.rows.files import whole_file, write_json, write_text
from distill.studies.factor_curve import ArmPoint, FactorCurve, column_name

# Okabe and Ito's colours (Wong 2011, Nature Methods 8:441), each with its own marker and line, for print in black.
_HANDS = (
    ("#0072B2", "o", "-"),
    ("#D55E00", "s", "--"),
    ("#009E73", "^", "-."),
    ("#CC79A7", "D", ":"),
    ("#E69F00", "v", "-"),
    ("#56B4E9", "P", "--"),
    ("#777777", "X", "-."),
)
_STYLE = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e3e3",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "study",
    "text.parse_math": False,
}


def write_curve(curve: FactorCurve, name: str) -> list[Path]:
    """Writes the figure and the plot's rows, and declares the plot in the folder's dvc.yaml beside those of other
    studies; returns the places. The same table gives the same bytes."""
    picture = paths.STUDIES / name
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 4.0), dpi=200)
        _draw(figure.subplots(), curve)
        # Before the SVG, which is written at 72 dots an inch.
        with whole_file(picture.with_suffix(".png")) as file:
            FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
        text = io.StringIO()
        FigureCanvasSVG(figure).print_svg(text, metadata=dict.fromkeys(("Date", "Creator")))
        write_text(picture.with_suffix(".svg"), text.getvalue())
    rows = paths.STUDY_PLOTS / f"{name}.json"
    write_json(rows, curve.rows())
    _declare(curve, name)
    return [picture.with_suffix(".svg"), picture.with_suffix(".png"), rows]


def _draw(axes: Axes, curve: FactorCurve) -> None:
    for place, (series, points) in enumerate(curve.series().items()):
        colour, marker, line = _HANDS[place % len(_HANDS)]
        seeds = sorted({point.seeds for point in points})
        label = f"{series} ({'–'.join(str(count) for count in dict.fromkeys((seeds[0], seeds[-1])))} seeds)"
        along = [point for point in points if point.x is not None]
        if along:
            _draw_along(axes, along, colour, marker, line, label)
        for beside in (point for point in points if point.x is None):
            axes.axhline(beside.accuracy, color=colour, linestyle=line, linewidth=1.2, label=label)
            axes.axhspan(beside.low, beside.high, color=colour, alpha=0.12, linewidth=0)
    axes.set(xlabel=curve.factor, ylabel="right on the test rows")
    axes.set_title(curve.question, loc="left", fontsize=9, wrap=True)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
    axes.legend(loc="best", fontsize=8)


def _draw_along(axes: Axes, points: list[ArmPoint], colour: str, marker: str, line: str, label: str) -> None:
    x = [point.x for point in points]
    axes.plot(x, [point.accuracy for point in points], color=colour, marker=marker, linestyle=line, label=label)
    axes.fill_between(x, [point.low for point in points], [point.high for point in points], color=colour, alpha=0.15)


def _declare(curve: FactorCurve, name: str) -> None:
    pipeline = paths.STUDY_PLOTS / paths.PIPELINE
    plots = yaml.safe_load(pipeline.read_text(encoding="utf-8"))["plots"] if pipeline.exists() else []
    entry = {
        f"study {name}": {
            "x": {f"{name}.json": "x"},
            "y": {f"{name}.json": [column_name(series) for series in curve.series()]},
            "title": curve.question,
            "x_label": curve.factor,
            "y_label": "accuracy on the test rows",
        }
    }
    others = [plot for plot in plots if plot.keys() != entry.keys()]
    written = sorted([*others, entry], key=lambda plot: next(iter(plot)))
    write_text(
        pipeline,
        "# The curves of studies as DVC plots; `python stages/study.py … plot` writes this file.\n"
        + yaml.safe_dump({"plots": written}, sort_keys=False, allow_unicode=True, width=120),
    )
