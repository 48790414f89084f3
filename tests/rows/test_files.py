from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import partial
from html.parser import HTMLParser

import pytest

from distill.errors import DataError
from distill.rows.files import merge_metrics, read_list, read_object, read_plot, write_json, write_metrics, write_plot


def test_a_small_p_value_keeps_its_digits_and_is_never_0(tmp_path):
    found = {"p_value": 1.23456e-9, "x": {"label_p_value": 0.04295714, "zero": 1e-9, "p_value": 1.0}}
    write_metrics(tmp_path / "m.json", found)
    kept = {"p_value": 1.23e-9, "x": {"label_p_value": 0.042957, "zero": 0.0, "p_value": 1.0}}
    assert read_object(tmp_path / "m.json") == kept


def test_metrics_are_rounded_and_the_unknown_stays_null(tmp_path):
    write_metrics(tmp_path / "m.json", {"b": {"x": 1 / 3}, "a": None, "nan": float("nan"), "n": 2})
    assert json.loads((tmp_path / "m.json").read_text()) == {"a": None, "b": {"x": 0.333333}, "nan": None, "n": 2}


def test_a_shared_metrics_file_keeps_the_sections_of_others(tmp_path):
    merge_metrics(tmp_path / "m.json", "train", {"seconds": 2})
    merge_metrics(tmp_path / "m.json", "annotate", {"seconds": 1})
    merge_metrics(tmp_path / "m.json", "train", {"seconds": 3})
    assert read_object(tmp_path / "m.json") == {"annotate": {"seconds": 1}, "train": {"seconds": 3}}


@pytest.mark.parametrize(
    ("text", "said"), [("{}", "not a list of objects"), ("[1]", "not a list of objects"), ("[", "not JSON")]
)
def test_a_list_that_is_none_of_objects_is_refused_with_its_name(tmp_path, text, said):
    path = tmp_path / "curve.json"
    path.write_text(text)
    with pytest.raises(DataError, match=f"curve.json: {said}"):
        read_list(path)
    path.write_text('[{"step": 1}]')
    assert read_list(path) == [{"step": 1}]


HOSTILE = [
    "</script><script>alert(1)</script>", "<!--<script>", "</SCRIPT >", "a < b </ c", "\u2028\u2029",
    "<img src=x onerror=alert(1)>", "{plot_divs}", "<?php", "‹/script›", "\\u003c/script\\u003e", "]]>", "'\"`${x}",
    "\u202egnp", "<DVC_METRIC_DATA>",
]  # fmt: skip


def test_a_plot_is_read_as_it_was_written(tmp_path):
    rows = [{"gold": text, "names": [text], "settings": {"a": text}, "score": 0.5, "none": None} for text in HOSTILE]
    write_plot(tmp_path / "plot.json", rows)
    assert read_plot(tmp_path / "plot.json") == rows
    assert not re.search("<[A-Za-z/!?]", (tmp_path / "plot.json").read_text())
    assert "a < b" in (tmp_path / "plot.json").read_text()


class Scripts(HTMLParser):
    """What a browser takes for scripts, and for elements, in a page."""

    def __init__(self, page: str):
        super().__init__()
        self.scripts: list[str] = []
        self.elements: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)

    def handle_data(self, data):
        if self.cdata_elem == "script" and data.strip():
            self.scripts.append(data)


def test_no_label_ends_a_script_of_the_page_that_dvc_makes(tmp_path):
    """DVC 3.67 writes what the rows of a plot hold into a script without escaping `</`."""
    run = partial(subprocess.run, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    run([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"])
    rows = [{"predicted": text, "gold": other} for text in HOSTILE for other in HOSTILE]
    write_plot(tmp_path / "confusion.json", rows)
    plot = {"confusion": {"template": "confusion_normalized", "x": "predicted", "y": {"confusion.json": "gold"}}}
    (tmp_path / "dvc.yaml").write_text(json.dumps({"plots": [plot]}))
    run([sys.executable, "-m", "dvc", "plots", "show", "-o", "plots"])
    page = Scripts((tmp_path / "plots" / "index.html").read_text())
    assert page.elements == ["html", "head", "title", "script", "script", "script", "style", "body", "div", "script"]
    [script] = page.scripts
    data = json.loads(re.search(r"var spec = (\{.*\});", script)[1])["data"]["values"]
    shown = {row["predicted"].replace("\u2060", "") for row in data}
    assert shown == set(HOSTILE)
    # Without it, one such label is enough.
    (tmp_path / "confusion.json").write_text(json.dumps(rows))
    run([sys.executable, "-m", "dvc", "plots", "show", "-o", "plots"])
    assert len(Scripts((tmp_path / "plots" / "index.html").read_text()).scripts) > 1


def test_what_killed_processes_left_beside_a_file_is_deleted_and_that_of_a_running_one_is_not(tmp_path):
    with subprocess.Popen(["true"]) as dead:
        dead.wait()
    for name in (f".a.json.{dead.pid}.tmp", f".b.json.{dead.pid}.tmp", f".a.json.{os.getppid()}.tmp", ".a.json.x.tmp"):
        (tmp_path / name).write_text("part")
    (tmp_path / f".a.json.{dead.pid}.folder").mkdir()
    write_json(tmp_path / "a.json", {})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["a.json", f".b.json.{dead.pid}.tmp", f".a.json.{os.getppid()}.tmp", ".a.json.x.tmp"]
    )
