"""The page in a real Chromium: from a file, without a network, with a keyboard, on a telephone, in print.

DISTILL_BROWSER names the browser where it is not on PATH; DISTILL_BROWSER=required makes it an error that none
is there, and no reason to skip.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest
from playwright.sync_api import expect, sync_playwright
from run_of_tests import IMAGE, SCRIPT, judged, make_run, surveyed

from distill.report.page import report_page
from distill.rows.files import write_text
from distill.settings import load_settings
from house import ROOT

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CAPPED = 40


def found() -> str | None:
    named = os.environ.get("DISTILL_BROWSER", "")
    return shutil.which(named) if named not in ("", "required") else next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="module")
def chromium():
    path = found()
    if path is None:
        message = f"no browser: none of {', '.join(NAMES)} is on PATH; install one, or name it in DISTILL_BROWSER"
        pytest.fail(message) if os.environ.get("DISTILL_BROWSER") else pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    run = make_run(load_settings(ROOT / "params.yaml"))
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_text(path, report_page(replace(run, **surveyed(run))))
    return path


class Tab:
    """An open report, and all that it asked for or complained of."""

    def __init__(self, chromium, path, **kwargs):
        self.requests: list[str] = []
        self.blocked: list[str] = []
        self.complaints: list[str] = []
        self.context = chromium.new_context(**kwargs)
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", lambda request: self.blocked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        self.page.goto(path.as_uri())

    def rows(self) -> int:
        return self.page.locator("#table tbody tr").count()

    def status(self) -> str:
        return self.page.locator("#found").inner_text()

    def wait(self, status: str) -> None:
        expect(self.page.locator("#found")).to_have_text(status)

    def check(self, name: str) -> None:
        self.page.locator(f"[data-filter={name}]").check()

    def uncheck(self, name: str) -> None:
        self.page.locator(f"[data-filter={name}]").uncheck()


@pytest.fixture(scope="module")
def tab(chromium, report):
    tab = Tab(chromium, report)
    yield tab
    tab.context.close()


def test_it_loads_from_a_file_asks_for_nothing_else_and_complains_of_nothing(tab, report):
    assert tab.requests == [report.as_uri()] and tab.complaints == []
    assert tab.page.locator("h2").all_inner_texts()[0] == "What was done"
    boxes = [figure.bounding_box() for figure in tab.page.locator("figure svg").all()]
    assert len(boxes) == 9 and all(box["width"] > 300 and box["height"] > 80 for box in boxes)


def test_the_filters_leave_the_rows_that_they_name(tab):
    assert tab.status() == "60 of 60 rows; these are 1 to 25" and tab.rows() == 25
    for name, left in (("wrong", 18), ("teacher_wrong", 12), ("disagree", 12), ("unparsed", 6)):
        tab.check(name)
        assert tab.status().startswith(f"{left} of 60 rows")
        assert tab.page.locator(f"[data-filter={name}] + .number").inner_text() == f"({left})"
        tab.uncheck(name)
    tab.check("wrong")
    tab.check("teacher_wrong")
    assert tab.status() == "6 of 60 rows; these are 1 to 6" and tab.rows() == 6
    assert tab.page.locator("#table .wrong").count() == 12 and tab.page.locator("#table .right").count() == 0
    tab.page.select_option("#gold", "up")
    assert tab.status() == "6 of 60 rows; these are 1 to 6"
    tab.page.select_option("#gold", "down")
    assert tab.status() == "None of 60 rows" and tab.rows() == 0
    tab.page.select_option("#gold", "")
    tab.uncheck("wrong")
    tab.uncheck("teacher_wrong")


def test_text_is_found_wherever_it_stands_in_a_row_and_markup_is_text(tab):
    for words, left in (("QUESTION 59 ", 1), ("window.ran = 'script'", 17), ("I cannot say", 6), ("nowhere", 0)):
        tab.page.fill("#find", words)
        tab.wait(f"{left} of 60 rows; these are 1 to {min(left, 25)}" if left else "None of 60 rows")
    tab.page.fill("#find", "")
    tab.wait("60 of 60 rows; these are 1 to 25")


def test_pages_turn_by_mouse_and_by_keyboard(tab):
    first = tab.page.locator("#table tbody tr .id").first
    assert first.inner_text() == "row-0000" and tab.page.locator("#previous").is_disabled()
    tab.page.click("#next")
    assert first.inner_text() == "row-0025" and tab.status().endswith("these are 26 to 50")
    tab.page.click("#last")
    assert tab.rows() == 10 and tab.page.locator("#next").is_disabled()
    tab.page.fill("#page", "2")
    tab.page.press("#page", "Enter")
    assert first.inner_text() == "row-0025"
    tab.page.focus("#first")
    tab.page.keyboard.press("Enter")
    assert first.inner_text() == "row-0000"


def test_the_least_sure_and_the_surest_come_first_if_asked(tab):
    sure = tab.page.locator("#table tbody tr .sure").first
    for order, said in (("sure", "99.0 % sure"), ("unsure", "50.0 % sure"), ("", "50.0 % sure")):
        tab.page.select_option("#order", order)
        assert sure.inner_text() == said
    assert tab.page.locator("#table tbody tr .id").first.inner_text() == "row-0000"


def test_nothing_of_the_data_ran_or_became_an_element(tab):
    assert tab.page.evaluate("window.ran") is None
    assert tab.page.locator("#browser :is(img, script, style, svg, a)").count() == 0
    texts = tab.page.locator("#table .input").all_inner_texts()
    assert texts[0] == f"question 0 {SCRIPT}" and texts[1] == f"question 1 {IMAGE}"
    assert IMAGE in tab.page.locator("h1").inner_text()
    assert tab.complaints == [] and len(tab.requests) == 1


def test_a_script_that_came_in_all_the_same_would_not_run(report, chromium, tmp_path):
    """The policy is the second wall: it is tried on a page whose first is broken."""
    broken = tmp_path / "broken.html"
    broken.write_text(
        report.read_text(encoding="utf-8").replace("<main>", f"<main>{SCRIPT.removeprefix('</script>')}{IMAGE}", 1),
        encoding="utf-8",
    )
    other = Tab(chromium, broken)
    assert other.page.evaluate("window.ran") is None and len(other.complaints) >= 2
    assert all("Content Security Policy" in complaint for complaint in other.complaints)
    image = (tmp_path / "x").as_uri()
    assert other.requests == [broken.as_uri(), image] and other.blocked == [image]
    other.context.close()


def test_on_a_telephone_nothing_is_wider_than_the_screen(chromium, report):
    narrow = Tab(chromium, report, viewport={"width": 400, "height": 800})
    assert narrow.page.evaluate("document.documentElement.scrollWidth") == 400
    assert (
        narrow.page.locator("#table td").first.evaluate("cell => getComputedStyle(cell, '::before').content")
        == '"Input"'
    )
    narrow.context.close()


def test_every_control_has_a_name_and_the_rows_stay_off_paper(tab):
    unnamed = "nodes => nodes.filter(node => !(node.labels && node.labels.length) && !node.textContent.trim()).length"
    assert tab.page.locator("input, select, button").evaluate_all(unnamed) == 0
    tab.page.emulate_media(media="print")
    assert not tab.page.locator("#browser").is_visible() and tab.page.locator(".on-paper").is_visible()
    tab.page.emulate_media(media="screen")


def test_of_more_rows_than_the_setting_allows_a_share_is_shown_and_said(chromium, tmp_path, make_settings):
    run = make_run(make_settings(**{"report.rows": CAPPED}), judged=judged(600))
    path = tmp_path / "capped.html"
    write_text(path, report_page(run))
    capped = Tab(chromium, path)
    assert capped.status() == f"{CAPPED} of {CAPPED} rows; these are 1 to 25"
    assert "40 of the 600 test rows, drawn at random" in capped.page.locator("#rows").inner_text()
    capped.context.close()
