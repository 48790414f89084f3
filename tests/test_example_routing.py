"""A file of one's own, from CSV to the report at the first try: start.py, then the real stages under the real DVC."""

from __future__ import annotations

import csv
import json

import pytest

from house import ROOT, SCRIPTS
from scratch import Repository, new

pytestmark = pytest.mark.whole

DESKS = {"account", "advice", "billing", "delivery", "returns"}
DESCRIPTION = "Decide which desk of an online shop deals with a customer's message."
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
    repository = new(tmp_path_factory.mktemp("routing"), **TINY)
    with open(ROOT / "data/examples/routing.csv", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    labelled = [row for row in rows if row[1]]
    with open(repository.path / "mine.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *labelled[:70], *(row for row in rows if not row[1])][:161])
    repository.python("stages/start.py", "mine.csv", "--description", DESCRIPTION)
    repository.set(**{"teacher.path": "data/examples/routing.yaml"})
    assert repository.repro() == list(SCRIPTS)
    return repository


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
    assert [found[split]["labelled"] for split in ("train", "validation", "test")] == [28, 14, 28]
    assert found["train"]["rows"] + found["duplicates"]["left_out"] == 118
    assert all(0.1 < share < 0.3 for share in found["test"]["label"].values()) and set(found["test"]["label"]) == DESKS
    assert clone.json("data/prepared/task.json")["classes"] == sorted(DESKS)


def test_the_teacher_knows_the_desks_imperfectly(clone):
    metrics = clone.json("metrics/annotate.json")
    assert "simulated" in metrics["teacher"]
    assert metrics["cost"]["train"]["calls"] == clone.json("metrics/prepare.json")["train"]["rows"]
    assert 0.6 < metrics["test"]["label"]["accuracy"] < 1
    assert metrics["train"]["label"]["gold_rows"] == 28 and metrics["train"]["rationale"]["coverage"] > 0.7
    said = [row["rationale"] for row in lines(clone, "data/annotated/train.jsonl") if row["rationale"]]
    assert sum("The message mentions" in text for text in said) > 40


def test_every_test_row_gets_a_desk(clone):
    predictions = lines(clone, "data/predictions.jsonl")
    assert len(predictions) == 28 and {row["label"] for row in predictions} <= DESKS
    assert {row["id"] for row in predictions} == {row["id"] for row in lines(clone, "data/prepared/test.jsonl")}
    found = clone.json("metrics/evaluate.json")
    assert found["rows"] == found["teacher"]["rows"] == 28


def test_the_report_is_there_and_the_student_takes_the_file_itself(clone):
    assert "simulated" in (clone.path / "metrics/report.html").read_text()
    answers = clone.python("stages/predict.py", "mine.csv")
    rows = [json.loads(line) for line in answers.splitlines() if line.startswith("{")]
    assert len(rows) == 160 and {row["label"] for row in rows} <= DESKS


def test_an_edited_file_prepares_again_and_a_broken_one_stops_with_all_its_problems(clone):
    path = clone.path / "mine.csv"
    before = path.read_bytes()
    path.write_bytes(before + b",billing\nthe till, the till,billing\n")
    output = clone.dvc("repro", "prepare", check=False)
    assert "line 162: the input of a labelled row is empty; fill message, or drop the row" in output
    assert "line 163: 3 cells where the header has 2; put quotes around cells" in output
    assert "Traceback" not in output
