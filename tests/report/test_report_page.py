"""The page as a file: nothing of the data is markup, nothing is fetched, the same run is the same bytes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from run_of_tests import HOSTILE, IMAGE, SCRIPT, make_run, surveyed

from distill.report.page import report_page
from distill.report.rows import ROW_COLUMNS, browser_rows
from distill.rows.files import write_text
from distill.rows.records import TaskCard
from distill.settings import load_settings
from house import ROOT


class Reader(HTMLParser):
    """The elements of a page, and what stands in its scripts and styles."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.text: list[str] = []
        self.open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in self.inside:
            self.open = tag
            self.inside[tag].append("")

    def handle_endtag(self, tag):
        self.open = "" if tag == self.open else self.open

    def handle_data(self, data):
        if self.open:
            self.inside[self.open][-1] += data
        else:
            self.text.append(data)


@pytest.fixture(scope="module")
def run():
    made = make_run(load_settings(ROOT / "params.yaml"))
    return replace(made, **surveyed(made))


@pytest.fixture(scope="module")
def text(run):
    return report_page(run)


@pytest.fixture(scope="module")
def read(text):
    return Reader(text)


def test_no_text_of_the_data_becomes_an_element_or_an_attribute_that_runs(read):
    assert {"script", "style", "svg", "table", "input", "select", "button"} <= {tag for tag, _ in read.tags}
    assert not {"img", "iframe", "object", "embed", "link", "base", "form", "image", "foreignObject"} & {
        tag for tag, _ in read.tags
    }
    for tag, attributes in read.tags:
        for name, value in attributes.items():
            assert not name.startswith("on") and name not in ("style", "src", "xlink:href"), (tag, name)
            if name == "href":
                assert (value or "").startswith("#"), (tag, value)
    assert len(read.inside["script"]) == 2 and len(read.inside["style"]) == 1
    assert IMAGE in "".join(read.text) and SCRIPT in "".join(read.text), "and all of it can be read"


def test_the_policy_allows_the_one_script_and_the_one_style_by_their_hashes_and_nothing_else(read):
    policy = next(
        a["content"] for tag, a in read.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    hashes = {
        kind: base64.b64encode(hashlib.sha256(read.inside[kind][-1].encode()).digest()).decode()
        for kind in ("script", "style")
    }
    assert (
        policy == f"default-src 'none'; script-src 'sha256-{hashes['script']}'; style-src 'sha256-{hashes['style']}'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_the_rows_survive_as_data_with_what_cannot_be_seen_written_out(read, run):
    block = read.inside["script"][0]
    assert not re.search("[<>&\u2028\u2029]", block)
    rows = json.loads(block)["rows"]
    first = dict(zip(ROW_COLUMNS, rows[0], strict=True))
    assert first["input"] == f"question 0 {HOSTILE[0]}" and first["teacher_rationale"] == f"since 0 {HOSTILE[2]}"
    assert (
        rows[5][ROW_COLUMNS.index("input")]
        == "question 5 a null ‹U+0000› byte, an escape ‹U+001B›[31m, a separator ‹U+2028› and a half pair ‹U+D83D›"
    )
    assert rows[6][ROW_COLUMNS.index("input")].endswith("reads ‹U+202E›backwards‹U+202C› and ‹U+2066›isolated‹U+2069›")


def test_nothing_is_fetched_and_the_page_is_one_file_in_utf_8(text, tmp_path):
    write_text(tmp_path / "report.html", text)
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    outside = re.sub(r'<script type="application/json".*?</script>', "", text, flags=re.DOTALL)
    assert not re.search(r"(https?:)?//[a-z]|url\((?!#)|@import", outside)


def test_the_same_run_is_the_same_bytes_and_no_date_is_in_them(run, text):
    assert report_page(replace(run)) == text and not re.search(r"20\d\d-\d\d-\d\d", text)


def test_ids_are_unique_and_every_reference_has_its_id(read):
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in read.tags:
        for name, value in attributes.items():
            for target in re.findall(r"url\(#([^)]+)\)", value or "") + (
                [value[1:]] if name == "href" and value else []
            ):
                assert target in ids, target


def test_what_a_reader_without_eyes_needs(read):
    assert [tag for tag, _ in read.tags if tag in ("h1", "h2")] == ["h1", *["h2"] * 9]
    figures = [a for _, a in read.tags if a.get("role") == "img"]
    assert len(figures) == 9 and all(len(a["aria-label"] or "") > 40 for a in figures)
    headings = [a for tag, a in read.tags if tag == "th"]
    assert headings and all(a.get("scope") in ("col", "row") for a in headings)


def test_a_run_of_labels_alone_without_search_teacher_or_prices_has_its_page(make_settings):
    """What a recorded teacher with unknown cost, `prompt.optimizer: fixed` and `train.mode: standard` leave behind."""
    settings = make_settings(
        **{
            "teacher.provider": "recorded",
            "prompt.optimizer": "fixed",
            "train.mode": "standard",
            "student.name": "tests",
        }
    )
    full = make_run(settings)
    unknown = {"calls": 60, "tokens_in": None, "tokens_cached": None, "tokens_out": None, "usd": None}
    evaluate = {
        "rows": 60,
        "student": {"label": full.evaluate["student"]["label"], "rationale": {"rows": 0}},
        "teacher": {"name": "recorded", "usd_per_1000": None},
        "untrained": {"label": None, "reason": "gone"},
        "cost": {"total": unknown},
        "cascade": {"threshold": None, "reason": "the teacher was asked about no labelled test row"},
    }
    nothing = dict.fromkeys(("usd", "calls", "tokens_in", "tokens_cached", "tokens_out"), 0)
    run = replace(
        full,
        search={"cost": nothing, "candidates": {"proposed": 0, "scored": 0}},
        annotate={
            "teacher": "recorded",
            "cost": {"train": unknown, "validation": nothing},
            "train": {"rows": 60},
            "validation": {"rows": 0},
        },
        train={"rows": 60, "parameters": 3_000_000_000},
        evaluate=evaluate,
        trace=[
            {"candidate": 0, "step": 0, "score": None, "held_out_score": None, "prompt": full.prompts["explain"].user}
        ],
        curve=[],
        cascade=[dict.fromkeys(("threshold", "sent", "accuracy"))],
        train_answers=[],
        judged=[
            replace(
                row,
                teacher_status=None,
                teacher_label=None,
                teacher_right=None,
                teacher_rationale=None,
                student_rationale=None,
            )
            for row in full.judged
        ],
    )
    text = "".join(Reader(report_page(run)).text)
    assert "what the teacher's answers cost is unknown" in text and "Nobody wrote a rationale in this run." in text
    assert "3 billion parameters" in text.replace("\N{NO-BREAK SPACE}", " ") and "$0.00" not in text


@pytest.mark.parametrize("kind", ["number", "text"])
def test_answers_that_are_no_classes_have_no_confusion_and_a_page(make_settings, kind):
    run = make_run(make_settings())
    card = TaskCard("sums", kind, "Add.", ("question",), {})
    text = "".join(Reader(report_page(replace(run, card=card))).text)
    assert "no classes that could be confused" in text


def test_choices_that_each_row_brings_are_in_its_row(make_settings):
    run = make_run(make_settings())
    card = TaskCard("quiz", "choices", "Choose.", ("question",), {})
    rows = [replace(row, choices=("up", "down", SCRIPT)) for row in run.judged]
    shown = browser_rows(replace(run, card=card, judged=rows))
    assert shown["rows"][0][ROW_COLUMNS.index("choices")] == ["up", "down", SCRIPT]
    assert report_page(replace(run, card=card, judged=rows)).count("<option") == 3, (
        "three orders, and no gold labels to choose from"
    )
