"""The routing example from CSV to predictions, as the README has it: the real stages under the real DVC."""

from __future__ import annotations

import csv
import json

import pytest

from house import ROOT, SCRIPTS
from scratch import Repository, new

pytestmark = pytest.mark.whole

DESKS = {"account", "advice", "billing", "delivery", "returns"}
# What the README changes, and then sizes for a test.
SETTINGS = {
    "task.name": "table",
    "task.path": "data/examples/routing.csv",
    "task.table.description": "Decide which desk of an online shop deals with a customer's message.",
    "task.table.columns": ["message"],
    "task.table.label": "desk",
    "task.train_rows": "all",
    "task.validation_rows": "auto",
    "task.test_rows": "auto",
    "teacher.path": "data/examples/routing.yaml",
    "prompt.search_rows": "auto",
    "prompt.holdout_rows": "auto",
    "annotate.validation_rows": "auto",
}
TINY = {
    "prompt.steps": 1,
    "prompt.candidates": 2,
    "student.scratch.d_model": 16,
    "student.scratch.d_ff": 16,
    "student.scratch.vocabulary": 600,
    "student.scratch.encoder_layers": 1,
    "student.scratch.decoder_layers": 1,
    "train.steps": 6,
    "train.batch_rows": 8,
    "train.warmup_steps": 1,
    "train.evaluate_every": 3,
    "evaluate.rationale_rows": 3,
    "runtime.speed_rows": 0,
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Repository:
    made = new(tmp_path_factory.mktemp("routing"), **SETTINGS | TINY)
    assert made.repro() == list(SCRIPTS)
    return made


def lines(clone: Repository, path: str) -> list[dict]:
    return [json.loads(line) for line in (clone.path / path).read_text().splitlines()]


def test_the_file_has_400_messages_for_five_desks_of_which_120_are_labelled():
    with open(ROOT / "data/examples/routing.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len({row["message"] for row in rows}) == 400
    labels = [row["desk"] for row in rows if row["desk"]]
    assert {label: labels.count(label) for label in labels} == dict.fromkeys(DESKS, 24)


def test_the_splits_and_the_report(clone):
    found = clone.json("metrics/prepare.json")
    assert [found[split]["labelled"] for split in ("train", "validation", "test")] == [48, 24, 48]
    assert found["train"]["rows"] + found["duplicates"]["left_out"] == 328
    assert (
        all(0.18 < share < 0.22 for share in found["test"]["label"].values()) and set(found["test"]["label"]) == DESKS
    )
    assert clone.json("data/prepared/task.json")["classes"] == sorted(DESKS)


def test_the_teacher_knows_the_desks_imperfectly(clone):
    metrics = clone.json("metrics/annotate.json")
    assert "simulated" in metrics["teacher"]
    assert metrics["cost"]["train"]["calls"] == clone.json("metrics/prepare.json")["train"]["rows"]
    assert 0.6 < metrics["test"]["label"]["accuracy"] < 1
    assert metrics["train"]["label"]["gold_rows"] == 48 and metrics["train"]["rationale"]["coverage"] > 0.7
    said = [row["rationale"] for row in lines(clone, "data/annotated/train.jsonl") if row["rationale"]]
    assert sum("The message mentions" in text for text in said) > 100


def test_every_test_row_gets_a_desk(clone):
    predictions = lines(clone, "data/predictions.jsonl")
    assert len(predictions) == 48 and {row["label"] for row in predictions} <= DESKS
    assert {row["id"] for row in predictions} == {row["id"] for row in lines(clone, "data/prepared/test.jsonl")}
    found = clone.json("metrics/evaluate.json")
    assert found["rows"] == found["teacher"]["rows"] == 48


def test_an_edited_file_prepares_again_and_a_broken_one_stops_with_all_its_problems(clone):
    path = clone.path / "data/examples/routing.csv"
    before = path.read_bytes()
    path.write_bytes(before + b",billing\nthe till, the till,billing\n")
    output = clone.dvc("repro", "prepare", check=False)
    assert "line 402: the input of a labelled row is empty; fill message, or drop the row" in output
    assert "line 403: 3 cells where the header has 2; put quotes around cells" in output
    assert "Traceback" not in output
