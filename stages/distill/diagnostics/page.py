"""The diagnostics as one HTML page: figures, numbers, and what they cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from distill.diagnostics.figures import ATTENTION_TITLES, CONFIDENCE_TITLES, grids, tenths
from distill.diagnostics.observing import PART_TITLES

ABOUT = (
    "These figures describe what the students do on these rows. They do not explain why an answer is right or wrong,"
    " and they do not rank: a sharper, sparser or surer model is not a better one for it."
)
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h1, h2, h3 { line-height: 1.25 } .about { border-left: 4px solid #D55E00; padding: .4rem 1rem; background: #faf6f2 }
figure { margin: 1.2rem 0 } svg { width: 100%; height: auto }
.p1 svg { max-width: 26rem } .p2 svg { max-width: 52rem }
table { border-collapse: collapse }
td, th { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #ddd }
td:first-child, th:first-child { text-align: left }
"""
_NO_NETWORK = "default-src 'none'; style-src 'unsafe-inline'"


def diagnostics_page(experiments: Sequence[Mapping[str, Any]]) -> str:
    """Of one or two experiments, from distill.diagnostics.experiment. It loads nothing, and runs no script."""
    names = [experiment["name"] for experiment in experiments]
    title = "Diagnostics: " + " and ".join(names)
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="about"><strong>Descriptive.</strong> {escape(ABOUT)}</p>',
        _students(experiments),
    ]
    for part, part_title in PART_TITLES.items():
        measures = [experiment["attention"].get(part, {}) for experiment in experiments]
        if any(measures):
            parts.append(f"<h2>{escape(part_title[0].upper() + part_title[1:])}</h2>")
        for name, measure_title in ATTENTION_TITLES.items():
            values = [by_name.get(name) for by_name in measures]
            if any(value is not None for value in values):
                parts.append(_figure(measure_title, grids(f"{part}-{name}", name, values, names), len(values)))
    parts.append("<h2>Confidence</h2>")
    for name, confidence_title in CONFIDENCE_TITLES.items():
        distributions = [experiment["confidence"].get(name) for experiment in experiments]
        if any(distributions):
            parts.append(_figure(confidence_title, tenths(name, distributions, names), 1))
    parts += [
        _numbers(experiments),
        "<p>Formulas stand in stages/distill/diagnostics; all numbers in diagnostics.json beside this page.</p>",
    ]
    head = (
        '<meta charset="utf-8"><meta http-equiv="Content-Security-Policy"'
        f' content="{_NO_NETWORK}"><title>{escape(title)}</title><style>{_STYLE}</style>'
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


def _figure(title: str, svg: str, panels: int) -> str:
    return f'<figure class="p{panels}">' + f"<figcaption>{escape(title)}</figcaption>{svg}</figure>"


def _students(experiments: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for experiment in experiments:
        student, written = experiment["student"], experiment["written"]
        rows.append([
            experiment["name"],
            (experiment["commit"] or "as it stands")[:12],
            student["kind"].replace("_", "-"),
            student["mode"],
            f"{student['parameters']:,}",
            f"{experiment['rows']:,}",
            f"its input and its own {written}" if written else "its input alone",
        ])  # fmt: skip
    return _table(("experiment", "commit", "kind", "trained on", "parameters", "test rows", "attention is on"), rows)


def _numbers(experiments: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for name, title in CONFIDENCE_TITLES.items():
        for experiment in experiments:
            values = experiment["confidence"].get(name)
            if values and values["count"]:
                figures = [values["mean"], *values["quantiles"].values()]
                count = f"{values['count']:,}"
                rows.append([f"{title}: {experiment['name']}", count, *(f"{figure:.3f}" for figure in figures)])
    return _table(("", "values", "mean", "10 %", "25 %", "median", "75 %", "90 %"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    return "<table>" + "".join(lines) + "</table>"
