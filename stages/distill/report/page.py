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

from distill.report.facts import Facts
from distill.report.figures.accuracy import accuracy
from distill.report.figures.calibration import calibration
from distill.report.figures.cascade import cascade
from distill.report.figures.confusion import confusion, mistakes
from distill.report.figures.drawing import Shown
from distill.report.figures.frontier import frontier, saving
from distill.report.figures.lengths import lengths
from distill.report.figures.search import search
from distill.report.figures.training import training
from distill.report.limits import limits
from distill.report.money import few_shot, money
from distill.report.rows import browser, embedded
from distill.report.sections import prompts, use
from distill.report.summary import teacher_name, three_sentences
from distill.report.tables import pair, rationales, results
from distill.report.wording import count, short, shown

_ROOM = Path(__file__).parent


def page(facts: Facts) -> str:
    """The whole page, as HTML. The same facts give the same bytes."""
    script, style = ((_ROOM / name).read_text(encoding="utf-8") for name in ("page.js", "page.css"))
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; base-uri 'none'; form-action"
        " 'none'"
    )
    templates = Environment(
        loader=FileSystemLoader(_ROOM), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    figures = [
        accuracy(facts),
        frontier(facts),
        cascade(facts),
        *training(facts),
        confusion(facts),
        calibration(facts),
        search(facts),
        lengths(facts),
    ]
    rows = browser(facts)
    return templates.get_template("page.html").render(
        policy=policy,
        script=Markup(script),
        style=Markup(style),
        name=_title(facts),
        teacher=teacher_name(facts),
        simulated=facts.simulated,
        sentences=three_sentences(facts),
        results=results(facts),
        pair=pair(facts),
        rationales=rationales(facts),
        money=money(facts),
        few_shot=few_shot(facts),
        saving=saving(facts),
        use=use(facts),
        mistakes=mistakes(facts),
        figures={figure.name: _marked(figure) for figure in figures if figure},
        prompts=prompts(facts),
        limits=limits(facts),
        rows=Markup(embedded(rows)),
        rows_shown=count(len(rows["rows"])),
        rows_total=count(rows["total"]),
        rows_left=rows["total"] - len(rows["rows"]),
        classes=[shown(label) for label in facts.card.classes],
    )


def _title(facts: Facts) -> str:
    """The task's name; a user's table has none of its own, but a description."""
    return short(facts.card.description, 90).rstrip(".") if facts.card.name == "table" else shown(facts.card.name)


def _marked(figure: Shown) -> dict:
    return {**vars(figure), "svg": Markup(figure.svg)}


def _hash(text: str) -> str:
    """What a policy calls an inline script or style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
