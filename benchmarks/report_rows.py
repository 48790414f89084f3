"""How large a report of many test rows is, and how fast it opens and filters in a browser.

    dvc repro && python benchmarks/report_rows.py --rows 100000

Takes the run in the workspace, with so many test rows: its own, one after the other under new ids, each with a
rationale of teacher and student. Writes the page into a temporary folder, opens it in the Chromium that is on PATH (or
that DISTILL_BROWSER names), and prints one JSON line: megabytes, seconds to make it, seconds until its rows stand
there, and seconds of one filter, one first search (which reads all texts) and one more. The browser's are the median
of --times. With --record NAME all of them are kept for the docs (benchmarks/tables.py).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import tables
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "stages"))

from distill.report.page import report_page  # noqa: E402
from distill.report.run import Run, read_run  # noqa: E402
from distill.rows.files import write_text  # noqa: E402
from distill.settings import load_settings  # noqa: E402

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Both handlers are done when they return, but for a search, which waits for the typing to end.
FILTER = (
    "() => { const start = performance.now(); document.querySelector('[data-filter=wrong]').click(); return "
    "performance.now() - start; }"
)
SEARCH = """async (words) => {
  const find = document.getElementById('find'), found = document.getElementById('found'), start = performance.now();
  const told = new Promise((done) => new MutationObserver(() => done()).observe(found, {childList: true}));
  find.value = words;
  find.dispatchEvent(new Event('input'));
  await told;
  return performance.now() - start;
}"""


def enlarged(run: Run, rows: int) -> Run:
    """The run with so many test rows. Raises ValueError where it has no rationale to copy."""
    told = next((row.teacher_rationale for row in run.judged if row.teacher_rationale), None)
    if told is None:
        raise ValueError("no test row has a rationale")
    many = []
    for number, row in enumerate(itertools.islice(itertools.cycle(run.judged), rows)):
        said = row.teacher_rationale or told
        many.append(
            replace(
                row, id=f"{row.id}-{number:07}", teacher_rationale=said, student_rationale=row.student_rationale or said
            )
        )
    return replace(run, judged=many, settings=replace(run.settings, report=replace(run.settings.report, rows=rows)))


def opened(browser: Browser, path: Path) -> dict[str, float]:
    tab = browser.new_page()
    tab.set_default_timeout(300_000)
    start = time.perf_counter()
    tab.goto(path.as_uri())
    tab.wait_for_selector("#table tbody tr")
    took = {"open_s": time.perf_counter() - start}
    took |= {"filter_s": tab.evaluate(FILTER) / 1000}
    took |= {
        f"{which}_search_s": tab.evaluate(SEARCH, words) / 1000
        for which, words in (("first", "small"), ("next", "sized and"))
    }
    tab.close()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=3, help="how often the browser opens the page (default: 3)")
    parser.add_argument("--record", metavar="NAME", help="write the rows to metrics/tables/NAME.json")
    asked = parser.parse_args()
    named = os.environ.get("DISTILL_BROWSER")
    executable = shutil.which(named) if named else next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        sys.exit(f"no browser: none of {', '.join(BROWSERS)} is on PATH; install one, or name it in DISTILL_BROWSER")
    os.chdir(ROOT)
    run = enlarged(read_run(load_settings()), asked.rows)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        start, path = time.perf_counter(), Path(folder) / "report.html"
        write_text(path, report_page(run))
        made = {
            "rows": asked.rows,
            "mib": round(path.stat().st_size / 2**20, 1),
            "make_s": round(time.perf_counter() - start, 2),
        }
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        found = [opened(browser, path) for _ in range(asked.times)]
        browser.close()
    print(json.dumps(made | {key: round(statistics.median(one[key] for one in found), 3) for key in found[0]}))
    if asked.record:
        rows = [{key: round(value, 4) for key, value in one.items()} for one in found]
        more = {"test_rows": asked.rows, "mib": made["mib"], "make_s": made["make_s"]}
        tables.record(asked.record, "docs/report.md", rows, "report_rows", **more)


if __name__ == "__main__":
    main()
