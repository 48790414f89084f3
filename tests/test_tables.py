"""Tables and figures of the docs against their raw rows in metrics/tables/, as benchmarks/tables.py prints them."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from house import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import tables

from distill.studies.machine import FLAGS

FILES = sorted((ROOT / "metrics/tables").glob("*.json"))


def blocks(text: str) -> list[list[str]]:
    """The tables of a page, line by line."""
    return [block.splitlines() for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE)]


def has(text: str, piece: str) -> bool:
    """Whether a page has a phrase, however its lines are broken; or a table, whose lines may stand with those of
    another under one head."""
    if not piece.startswith("|"):
        return piece in " ".join(text.split())
    lines = piece.splitlines()
    return any(block[:2] == lines[:2] and "\n".join(lines[2:]) in "\n".join(block) for block in blocks(text))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_page_has_what_its_rows_give(file):
    table = json.loads(file.read_text())
    page = (ROOT / table["page"]).read_text(encoding="utf-8")
    for piece in tables.pieces(table):
        assert has(page, piece), f"python benchmarks/tables.py {file.stem}: {piece}"
    prints = " ".join(re.findall(r"python benchmarks/tables\.py ([\w ]+)", page)).split()
    assert file.stem in prints, "the page names the command that prints it"
    assert re.match(r"python benchmarks/\w+\.py", table["command"])[0] in page, "and the one that measures"
    if table["made"] is None:
        assert "commit and machine were not recorded" in " ".join(page.split())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_row_has_a_value_a_seed(file):
    for row in json.loads(file.read_text())["rows"]:
        if "arm" in row:
            assert len(row["accuracy"]) == len(row["seeds"]) or (len(row["accuracy"]) == 1 and not row["seeds"])


def test_there_are_such_tables():
    names = ("commonsenseqa", "prompt_search", "few_shot", "ways", "speed_practice")
    assert {file.stem for file in FILES} >= set(names)


def test_a_table_is_recorded_with_what_made_it_and_printed(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "TABLES", tmp_path)
    monkeypatch.setattr(sys, "argv", ["/somewhere/benchmarks/x.py", "--data", str(tmp_path), "--record", "mine"])
    rows = [
        {"arm": "a", "seeds": [1, 2], "accuracy": [90.0, 94.0]},
        {"arm": "b", "seeds": [1, 2], "accuracy": [80.0, 85.0]},
    ]
    table = json.loads(tables.record("mine", "docs/results.md", rows, test_rows=1000).read_text())
    made = table["made"]
    assert table["command"] == "python benchmarks/x.py --data FOLDER --record mine"
    assert len(made["commit"]) == 40 and made["versions"].keys() == {"python", "torch", "transformers", "numpy"}
    assert set(made["flags"]) <= set(FLAGS) and made["cpu"] and made["cores"] >= 1
    assert tables.printed([table]).splitlines() == [
        "| arm | accuracy, each seed (%) | mean | 95 % interval |",
        "| --- | --- | --- | --- |",
        # Student's t of two seeds, 12.7 * 2 points to each side, and Wilson's 1.7 of the rows.
        "| a | 90.0, 94.0 | 92.0 | 66.5 to 100.0 |",
        "| b | 80.0, 85.0 | 82.5 | 50.6 to 100.0 |",
    ]


def speed(data, turns):
    tokens = {"needed": 90, "passes": 100, "published": 1500}
    row = {"data": data, "student": "default", "batch_rows": 8, "steps": 2, "flop": 1.234, "tokens": tokens}
    return {
        "layout": "training_speed",
        "rows": [row | {"token": token, "turns": turns} for token in ("decoder", "prefix")],
        "loss_difference": {"steps": 50, "nats": 1.23e-6} if data == "practice" else None,
    }


def test_speeds_are_of_the_process_and_tables_with_one_head_stand_under_it():
    """Turns have seconds by the wall clock, then of the process."""
    turns = [{"ours": [9, 2], "published": [9, 3]}, {"ours": [9, 2], "published": [9, 5]}]
    text = tables.printed([speed("practice", turns), speed("cqa", turns[:1])])
    assert text.splitlines()[2:] == [
        "| practice, 8 a step | default | decoder's token | 2.00 (1.50 to 2.50, 2 turns) | 1.23 | 45, 50, 750 |",
        "|  |  | prefix | 2.00 (1.50 to 2.50, 2 turns) | 1.23 | 45, 50, 750 |",
        "| CommonsenseQA, PaLM's answers, 8 a step | default | decoder's token | 1.50 (1.50 to 1.50, 1 turn) | 1.23 |"
        " 45, 50, 750 |",
        "|  |  | prefix | 1.50 (1.50 to 1.50, 1 turn) | 1.23 | 45, 50, 750 |",
        "",
        "no loss of 50 steps differs by more than 1.2e-06 nats",
    ]
    assert has(f"Words\n{text}", tables.pieces(speed("cqa", turns[:1]))[0])
    assert not has(f"Words\n{text}", tables.pieces(speed("cqa", turns))[0])


def test_searches_are_means_over_seeds_with_the_scores_deviation():
    run = {"kind": "opro", "calls": 10, "tried": 3, "accuracy": 0.5, "explained": 1.0, "in_band": 0.25, "tokens": 99.5}
    rows = [run | {"seed": seed, "optimism": 0.01, "score": score} for seed, score in ((1, 0.9), (2, 0.8))]
    rows.append(run | {"kind": "hand-written", "seed": 1, "optimism": None, "score": 0.7})
    assert tables.printed([{"layout": "searches", "rows": rows}]).splitlines()[2:] == [
        "| opro | 2 | 10 | 3 | 0.010 | 0.850 ± 0.071 | 0.500 | 1.000 | 0.250 | 100 |",
        "| hand-written | 1 | 10 | 3 |  | 0.700 | 0.500 | 1.000 | 0.250 | 100 |",
    ]


def test_few_shot_is_compared_seed_by_seed():
    def side(accuracy, tokens_in, usd):
        values = {"accuracy": accuracy, "explained": 1.0, "in_band": 0.5}
        return values | {"tokens_in": tokens_in, "tokens_out": 20, "usd": usd}

    rows = [
        {"few_shot": side(0.9, 180, 0.0003), "zero_shot": side(0.9 + lead, 80, 0.0001), "break_even_rows": after}
        | {"seed": after, "search": {"usd": 0.5, "calls": 2000}}
        for lead, after in ((0.01, 1000), (0.03, 2500))
    ]
    table = {"layout": "few_shot", "rows": rows}
    assert tables.printed([table]).splitlines()[2:] == [
        "| demonstrations | 2 | 0.900 | 0.900 to 0.900 | 1.000 | 0.500 | 180 | 20 | 0.300 |",
        "| zero-shot, optimized | 2 | 0.920 | 0.793 to 1.000 | 1.000 | 0.500 | 80 | 20 | 0.100 |",
        "",
        "+2.0 points ahead (-10.7 to +14.7, by seed)",
        "67 % less money and 50 % fewer tokens a row",
        "A search costs 0.50 dollars (2,000 calls)",
        "pays for itself after 1,000 to 2,500 rows",
    ]
    rows[0]["break_even_rows"] = None
    assert tables.pieces(table)[-1] == "pays for itself in 1 of 2 seeds"


def test_all_files_are_listed_and_an_unknown_one_is_refused():
    script = [sys.executable, "benchmarks/tables.py"]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [file.stem for file in FILES]
    assert "made with what was not recorded" in done.stdout
    done = subprocess.run([*script, "none"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "there is no none, but commonsenseqa" in done.stderr


# Tables of figures whose rows are kept elsewhere, by the test that holds them, and those of others' published figures.
HELD = {
    "| on ": "test_docs.py: the committed run",
    "| arm | accuracy, mean over seeds": "test_docs.py: metrics/studies/practice.json, loss_options.json",
    "| instructions | students": "test_default_seeds.py: metrics/default_seeds.json",
    "| data, teacher | labels alone": "arXiv 2403.15886's own records, as docs/training.md says",
    "| response | number": "examples of docs/reading-answers.md, each run by a test",
}


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md")))])
def test_a_table_of_figures_has_rows(page):
    kept = [table for table in (json.loads(file.read_text()) for file in FILES) if table["page"] == page]
    lines = {line for table in kept for piece in tables.pieces(table) for line in piece.splitlines()}
    for block in blocks((ROOT / page).read_text(encoding="utf-8")):
        if any(re.search(r"\| [-+]?\d[\d,]*\.\d", line) for line in block[2:]):
            assert block[0].startswith(tuple(HELD)) or set(block) <= lines, block[0]
