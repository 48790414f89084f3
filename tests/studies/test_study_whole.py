"""A study as a user runs it, with the real DVC and stand-in stages: queue, crash, table, frontier, nothing twice."""

from __future__ import annotations

import csv
import json
import shutil

import pytest
import yaml

import scratch
from distill.studies.rights import rights_of
from house import ROOT, SCRIPTS

pytestmark = pytest.mark.whole

STUDY = """\
question: Does it work?
settings: {}
grid: {}
arms: {step_by_step: {}, unlucky: {train.batch_rows: 7}}
controls: []
reference: step_by_step
seeds: {keys: [train.seed], values: [4]}
"""


def a_lock_without_cache() -> str:
    """dvc.lock of another run: every out has a hash, and the cache nothing of it, as in a fresh clone."""
    stages = {}
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items():
        known = [
            {"path": out, "hash": "md5", "md5": f"{number:032x}" + ("" if "." in out else ".dir"), "size": 1}
            for number, out in enumerate(stage["outs"], 1)
        ]
        stages[name] = {"cmd": stage["cmd"], "outs": known}
    return json.dumps({"schema": "2.0", "stages": stages})


def forget_experiments(repository) -> None:
    """As in a clone that has never had them."""
    for reference in repository.git("for-each-ref", "--format=%(refname)", "refs/exps").split():
        repository.git("update-ref", "-d", reference)


def test_a_study_runs_through_dvcs_queue_and_never_twice(tmp_path):
    stages = tmp_path / "stages"
    shutil.copytree(ROOT / "stages", stages, ignore=shutil.ignore_patterns("__pycache__"))
    for name in SCRIPTS:
        shutil.copy(ROOT / "tests/stand_in/study_stage.py", stages / f"{name}.py")
    runner = stages / "distill/studies/runner.py"
    runner.write_text(runner.read_text().replace("= 1.0, 30.0", "= 0.1, 1.0"))
    repository = scratch.new(tmp_path / "repository", stages=stages)
    study = repository.path / "mine.yaml"
    study.write_text(STUDY)
    (repository.path / "dvc.lock").write_text(a_lock_without_cache())
    repository.commit("the results of somebody else, whose cache is not here")
    run = lambda *command: repository.python(*command)  # noqa: E731

    said = run("stages/study.py", "mine.yaml")
    assert "1 of 2: step_by_step, seed 4: 90.0 %" in said
    assert "unlucky, seed 4: crashed: train: seven rows are out of luck" in said
    with open(repository.path / "metrics/studies/mine.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["arm"], row["seed"], row["status"], row["accuracy"], row["usd"]) for row in rows] == [
        ("step_by_step", "4", "ok", "0.9", "0.25"),
        ("unlucky", "4", "crashed", "", ""),
    ]
    kept = repository.json("metrics/studies/mine.json")
    assert kept["arms"]["unlucky"]["failures"]["crashed"] == 1
    (bits,) = rights_of([row for row in kept["cells"] if row["accuracy"]])
    assert bits.tolist() == [place < 540 for place in range(600)], "from DVC's cache"

    again = run("stages/study.py", "mine.yaml")
    assert again.count("queueing") == 1 and "queueing 1 of 1: unlucky, seed 4" in again and "1 finished" in again
    assert repository.json("metrics/studies/mine.json") == kept

    run("stages/frontier.py")
    point = repository.json("metrics/plots/frontier.json")
    assert [(one["names"], one["accuracy"], one["front"], one["usd"]) for one in point] == [
        ([rows[0]["cell"]], 0.9, 0.9, 0.25)
    ]
    kept = repository.json("metrics/frontier.json")
    assert kept["saving"]["break_even_rows"] == 10 and kept["from_tables"] == 0

    forget_experiments(repository)
    assert "1 of the experiments are known from metrics/studies/ alone." in run("stages/frontier.py")
    assert repository.json("metrics/plots/frontier.json") == point, "a clone without the experiments knows as much"
    assert repository.json("metrics/frontier.json") == kept | {"from_tables": 1}

    # A clone that has no experiments keeps the finished row.
    table = repository.path / "metrics/studies/mine.json"
    before = json.loads(table.read_text())["cells"]
    assert "stale" not in run("stages/study.py", "mine.yaml", "table")
    assert json.loads(table.read_text())["cells"] == before
    assert r"step\_by\_step & 90.0 \%" in run("stages/study.py", "mine.yaml", "table", "--latex")
    again = run("stages/study.py", "mine.yaml")
    assert "step_by_step, seed 4: finished elsewhere, and in the table" in again
    assert again.count("queueing") == 1 and "queueing 1 of 1: unlucky, seed 4" in again
    assert "queueing 1 of 2: step_by_step, seed 4" in run("stages/study.py", "mine.yaml", "--forget")
    assert json.loads(table.read_text())["cells"][0]["accuracy"] == 0.9
    forget_experiments(repository)
    run("stages/study.py", "mine.yaml", "table", "--forget")
    assert [row["accuracy"] for row in json.loads(table.read_text())["cells"]] == [None, None]
