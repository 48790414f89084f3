"""A prompt search that is killed goes on from the store; an edited prompt is respected: the real stages and DVC."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time

import pytest
import yaml

from scratch import Repository, new

pytestmark = pytest.mark.whole

TINY = {
    "task.train_rows": 220, "task.validation_rows": 10, "task.test_rows": 10, "prompt.steps": 4, "prompt.candidates": 3,
    "prompt.search_rows": 40,
    "prompt.first_rows": 10, "prompt.holdout_rows": 60, "prompt.finalists": 2, "runtime.concurrency": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Repository:
    made = new(tmp_path_factory.mktemp("search"), **TINY)
    assert made.repro("prepare") == ["prepare"]
    return made


def stored(path) -> int:
    if not path.exists():
        return 0
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as store:
        tables = {name for (name,) in store.execute("select name from sqlite_master where type = 'table'")}
        return store.execute("select count(*) from answers").fetchone()[0] if "answers" in tables else 0


def test_a_killed_search_goes_on_and_pays_only_for_what_is_missing(clone, tmp_path):
    whole, part = tmp_path / "whole.sqlite", tmp_path / "part.sqlite"
    clone.python("stages/optimize_prompt.py", DISTILL_STORE=str(whole))
    outs = (
        "data/prompt.yaml",
        "metrics/optimize_prompt.json",
        "metrics/plots/prompt_search.json",
        "metrics/plots/prompt_search.md",
    )
    wanted = {name: (clone.path / name).read_bytes() for name in outs}
    for name in outs:
        (clone.path / name).unlink()
    total = clone.json("metrics/runtime.json")["optimize_prompt"]["paid"]["calls"]

    for share in (0.2, 0.6):
        with open(tmp_path / "log", "w") as log:
            search = subprocess.Popen(
                [sys.executable, "stages/optimize_prompt.py"],
                cwd=clone.path,
                env=clone.env() | {"DISTILL_STORE": str(part)},
                stdout=log,
                stderr=log,
            )
            until = time.monotonic() + 60
            while stored(part) < share * total and search.poll() is None and time.monotonic() < until:
                time.sleep(0.01)
            search.kill()
            search.wait()
        assert not (clone.path / "data/prompt.yaml").exists(), "it was killed before its end"
    before = stored(part)
    assert 0.6 * total <= before < total
    clone.python("stages/optimize_prompt.py", DISTILL_STORE=str(part))
    runtime = clone.json("metrics/runtime.json")["optimize_prompt"]
    assert runtime["paid"]["calls"] == total - before and runtime["saved"]["calls"] == before
    assert {name: (clone.path / name).read_bytes() for name in outs} == wanted


def test_an_edited_prompt_is_respected_and_each_edit_runs_what_it_affects(clone):
    assert "optimize_prompt" in clone.repro("optimize_prompt")
    mine = clone.path / "data/prompts/mine.yaml"
    content = yaml.safe_load((clone.path / "data/prompt.yaml").read_text())
    content[0]["user"] = '{question}\n\nSay it in my own words, explain why, and end with "So the answer is X."'
    mine.write_text(yaml.safe_dump(content))
    clone.set(**{"prompt.optimizer": "fixed", "prompt.file": "mine.yaml"})
    assert clone.repro("annotate") == ["optimize_prompt", "annotate"]
    sent = yaml.safe_load((clone.path / "data/prompt.yaml").read_text())
    assert sent[0]["user"] == content[0]["user"] and sent[-1]["found"]["from"] == "mine.yaml"
    assert clone.json("metrics/annotate.json")["train"]["rows"] == 220
    assert "Say it in my own words" in clone.python("stages/show_prompts.py", "--rows", "1")

    assert clone.repro("annotate") == []
    mine.write_text(mine.read_text().replace("my own words", "few words"))
    assert clone.repro("annotate") == ["optimize_prompt", "annotate"]
    assert "few words" in (clone.path / "data/prompt.yaml").read_text()
    mine.write_text(mine.read_text() + "# a remark\n")
    assert clone.repro("annotate") == ["optimize_prompt"], "the prompt is the same, so nothing below it runs"
    mine.write_text(mine.read_text().replace("{question}", "{questoin}"))
    assert "mine.yaml: not a prompt file (the prompt shows {questoin}" in clone.dvc("repro", "annotate", check=False)
