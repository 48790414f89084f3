"""The page: one file that needs no other and lets nothing of others run.

What the data says reaches the page in two ways: as text that the template escapes, and as JSON in a data block that
the script puts in place as text. The page's own policy (Content Security Policy, level 3) allows its one script and
its one style sheet, each by its hash, and nothing else: no network, no image, no event handler, no inline style.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from distill.report.bars import bar_paragraph, bars_table, few_gold_table
from distill.report.figures.accuracy import accuracy_figure
from distill.report.figures.calibration import calibration_figure
from distill.report.figures.cascade import cascade_figure
from distill.report.figures.confusion import confusion_figure, mistakes_table
from distill.report.figures.drawing import ReportFigure
from distill.report.figures.frontier import frontier_figure, saving_table
from distill.report.figures.lengths import lengths_figure
from distill.report.figures.search import search_figure
from distill.report.figures.training import training_figures
from distill.report.limits import limit_paragraphs
from distill.report.money import few_shot_table, money_table
from distill.report.rows import browser_rows, embeddable_json
from distill.report.run import Run
from distill.report.sections import prompt_texts, usage_table
from distill.report.summary import teacher_name, three_sentences
from distill.report.tables import pair_table, rationales_table, results_table
from distill.report.wording import as_count
from distill.visible import one_line, visible

_ROOM = Path(__file__).parent


def report_page(run: Run) -> str:
    """The whole page, as HTML. The same run gives the same bytes."""
    script, style = ((_ROOM / name).read_text(encoding="utf-8") for name in ("page.js", "page.css"))
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; base-uri 'none'; form-action"
        " 'none'"
    )
    templates = Environment(
        loader=FileSystemLoader(_ROOM), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    figures = [
        accuracy_figure(run),
        frontier_figure(run),
        cascade_figure(run),
        *training_figures(run),
        confusion_figure(run),
        calibration_figure(run),
        search_figure(run),
        lengths_figure(run),
    ]
    rows = browser_rows(run)
    return templates.get_template("page.html").render(
        policy=policy,
        script=Markup(script),
        style=Markup(style),
        name=_title(run),
        teacher=teacher_name(run),
        simulated=run.simulated,
        sentences=three_sentences(run),
        results=results_table(run),
        pair=pair_table(run),
        bars=bars_table(run),
        bar=bar_paragraph(run),
        few_gold=few_gold_table(run),
        rationales=rationales_table(run),
        money=money_table(run),
        few_shot=few_shot_table(run),
        saving=saving_table(run),
        use=usage_table(run),
        mistakes=mistakes_table(run),
        figures={figure.name: _marked(figure) for figure in figures if figure},
        prompts=prompt_texts(run),
        limits=limit_paragraphs(run),
        rows=Markup(embeddable_json(rows)),
        rows_shown=as_count(len(rows["rows"])),
        rows_total=as_count(rows["total"]),
        rows_left=rows["total"] - len(rows["rows"]),
        classes=[visible(label) for label in run.card.classes],
    )


def _title(run: Run) -> str:
    """The task's name; a user's table has none of its own, but a description."""
    return one_line(run.card.description, 90).rstrip(".") if run.card.name == "table" else visible(run.card.name)


def _marked(figure: ReportFigure) -> dict:
    return {**vars(figure), "svg": Markup(figure.svg)}


def _hash(text: str) -> str:
    """What a policy calls an inline script or style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
