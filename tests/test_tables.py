"""Tables of the docs against their raw rows in metrics/tables/, as benchmarks/tables.py prints them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import pytest

from house import ROOT

FILES = sorted((ROOT / "metrics/tables").glob("*.json"))


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("docs_tables", ROOT / "benchmarks/tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_page_has_the_table_that_its_rows_give(tables, file):
    table = json.loads(file.read_text())
    page = (ROOT / table["page"]).read_text(encoding="utf-8")
    assert tables.table_text(table) in page, f"python benchmarks/tables.py {file.stem}"
    assert f"`python benchmarks/tables.py {file.stem}`" in page, "the page names the command that prints it"
    if table["made"] is None:
        assert "commit and machine were not recorded" in " ".join(page.split())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_row_has_a_value_a_seed(file):
    for row in json.loads(file.read_text())["rows"]:
        assert len(row["accuracy"]) == len(row["seeds"]) or (len(row["accuracy"]) == 1 and not row["seeds"]), row["arm"]


def test_there_are_such_tables():
    assert {file.stem for file in FILES} >= {"commonsenseqa", "gold_labels", "loss_options"}


def test_a_table_is_recorded_with_what_made_it_and_printed(tables, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "TABLES", tmp_path)
    rows = [
        {"arm": "a", "seeds": [1, 2], "accuracy": [90.0, 94.0], "at_chance": 0},
        {"arm": "b", "seeds": [1, 2], "accuracy": [80.0, 85.0], "at_chance": 1, "against": "a"},
    ]
    table = json.loads(tables.record("mine", "docs/results.md", "python x.py", 1000, rows).read_text())
    made = table["made"]
    assert len(made["commit"]) == 40 and made["versions"].keys() == {"python", "torch", "transformers", "numpy"}
    assert set(made["flags"]) <= set(tables.FLAGS) and made["cpu"]
    assert tables.table_text(table).splitlines() == [
        "| arm | accuracy, each seed (%) | mean | 95 % interval | at chance | points ahead of the arm without it |",
        "| --- | --- | --- | --- | --- | --- |",
        # Student's t of two seeds, 12.7 * 2 points to each side, and Wilson's 1.7 of the rows.
        "| a | 90.0, 94.0 | 92.0 | 66.5 to 100.0 | 0 of 2 |  |",
        "| b | 80.0, 85.0 | 82.5 | 50.6 to 100.0 | 1 of 2 | -9.5 (-15.9 to -3.1) |",
    ]


def test_without_a_name_all_are_listed():
    done = subprocess.run(
        [sys.executable, "benchmarks/tables.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [file.stem for file in FILES]
    assert "made with what was not recorded" in done.stdout
