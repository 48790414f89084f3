"""Figures in one hand: sizes, colours, and SVG that can stand in a page without a style of its own.

Colours are Okabe and Ito's, which the colour-blind tell apart (Wong 2011, Nature Methods 8:441); whatever a
colour tells, a marker or a line tells too, for print in black.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from distill.report.tables import ReportTable

BLUE, VERMILLION, GREEN, ORANGE, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#777777"
# Who is shown how, everywhere: colour, marker, line.
STUDENT, TEACHER, OTHER = (BLUE, "o", "-"), (VERMILLION, "s", "--"), (GREY, "D", ":")

_WIDTH, _HEIGHT = 4.6, 3.0  # inches: half the page on a desk, the whole of it on a telephone

_STYLE = {
    "font.family": ["DejaVu Sans"],
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.edgecolor": "#444444",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.6,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "lines.linewidth": 1.5,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "figure.constrained_layout.use": True,
    "hatch.linewidth": 0.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "text.parse_math": False,  # text is the data's: a dollar sign in it is a dollar sign
}
_LINK = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True)
class ReportFigure:
    """A figure in the page. `alt` says in words what it shows, and `table` has its numbers."""

    name: str
    title: str
    caption: str
    alt: str
    svg: str
    table: ReportTable | None = None


def draw_svg(
    name: str, draw: Callable[..., None], *, panels: int = 1, width: float = _WIDTH, height: float = _HEIGHT
) -> str:
    """SVG of what `draw` puts on the axes it is given, one a panel, side by side."""
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # Text stays text, so that the reader's browser has the glyphs that the font for measuring has not.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(width, height))
        canvas = FigureCanvasSVG(figure)
        draw(*figure.subplots(1, panels, squeeze=False)[0])
        out = io.StringIO()
        canvas.print_svg(out, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return embeddable_svg(out.getvalue(), name)


def embeddable_svg(svg: str, name: str) -> str:
    """The SVG as part of an HTML page: no declaration, no style of its own, ids that no other figure has.

    A style element would rule the whole page, and the page allows no style attribute: each property
    becomes an attribute. The font is the page's.
    """
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rpartition("}")[2] in ("metadata", "style"):
                parent.remove(child)
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]
        attributes, node.attrib = dict(node.attrib), {}
        for key, value in attributes.items():
            if key == "style":
                node.attrib |= _properties(value)
            elif key == "id":
                node.set("id", f"{name}-{value}")
            elif key in (_LINK, "href"):
                node.set("href", f"#{name}-{value.removeprefix('#')}")
            else:
                node.set(key, re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", value))
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib |= {"aria-hidden": "true", "focusable": "false"}
    return re.sub(r">\s+<", "><", ElementTree.tostring(root, encoding="unicode"))


def _properties(style: str) -> dict[str, str]:
    properties = {}
    for part in style.split(";"):
        key, _, value = part.partition(":")
        key, value = key.strip(), value.strip()
        if key == "font":
            size = re.search(r"([\d.]+)px", value)
            properties["font-size"] = size[1] if size else "8.5"
            if re.search(r"\b(bold|[6-9]00)\b", value):
                properties["font-weight"] = "bold"
        elif key and key != "font-family":
            properties[key] = value
    return properties


def percent_axis(axes: Axes, axis: str = "y") -> None:
    """Writes an axis of shares in percent."""
    getattr(axes, f"{axis}axis").set_major_formatter(lambda value, _: f"{100 * value:.4g} %")


def whole_number_axis(axes: Axes) -> None:
    """A horizontal axis of whole numbers."""
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def logarithmic_axis(axes: Axes, axis: str, write: Callable[[float], str]) -> None:
    """A logarithmic axis, `write` putting numbers at the powers of ten and at twice and five times them."""
    getattr(axes, f"set_{axis}scale")("log")
    chosen = getattr(axes, f"{axis}axis")
    chosen.set_major_formatter(lambda value, _: write(value))
    chosen.set_minor_formatter(lambda value, _: write(value) if f"{value:e}"[0] in "25" else "")


def direct_labels(axes: Axes, columns: int) -> None:
    """A legend above the axes, where it covers no data."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=columns,
        borderaxespad=0.2,
        handlelength=2.4,
        columnspacing=1.2,
    )
