"""Tiny students of every kind, looked at."""

from dataclasses import replace

import pytest
import torch
from toy_student import CARD, RUNTIME, STUDENT, examples, settings, training_rows

from distill.diagnostics import experiment
from distill.diagnostics.experiment import diagnose_student, shared_test_rows
from distill.diagnostics.figures import ATTENTION_TITLES, CONFIDENCE_TITLES
from distill.diagnostics.observing import observe
from distill.diagnostics.page import ABOUT, diagnostics_page
from distill.errors import DataError
from distill.rows.records import Judged
from distill.student.loading import new_student
from distill.student.predicting import Student

ROWS = examples()[::9]


def untrained(architecture, **train):
    student = replace(STUDENT.scratch, architecture=architecture)
    return Student(new_student(training_rows(), CARD, settings({"scratch": student}, **train)), RUNTIME.predict_rows)


@pytest.fixture(scope="module")
def trained(toys):
    return diagnose_student(Student.load(toys("decoder").folder, RUNTIME), ROWS)


def test_a_trained_students_attention_and_confidence(trained):
    assert trained["student"] == {
        "kind": "encoder_decoder",
        "mode": "step_by_step",
        "parameters": trained["student"]["parameters"],
    }
    assert set(trained["attention"]) == {"encoder", "decoder", "cross"} and trained["written"] == "rationale"
    for part, found in trained["attention"].items():
        assert ("diagonal" in found) is (part != "cross") and found["next_layer"] == []
        assert len(found["entropy"]) == 1 and len(found["entropy"][0]) == 2, "one layer of two heads"
        assert all(0 <= value <= 1 for name in ("entropy", "sparsity") for value in found[name][0])
    sure = trained["confidence"]
    assert sure["label_probability_right"]["count"] == len(ROWS) and sure["label_probability_right"]["mean"] > 0.9
    assert "label_probability_wrong" not in sure and sure["label_entropy"]["mean"] < 0.3
    assert sure["text_probability"]["count"] == len(ROWS) < sure["token_probability"]["count"]


def test_the_probability_of_its_own_text_is_the_one_it_had_when_writing(toys):
    student = Student.load(toys("decoder").folder, RUNTIME)
    (made,) = student.model.generate(student.model.inputs([ROWS[0].input], "rationale"), "rationale")
    looked = observe(student.model, ROWS[0], made.text)
    logs = torch.log_softmax(looked.logits, -1).gather(-1, looked.targets[:, None])
    assert logs.mean().exp().item() == pytest.approx(made.probability, abs=1e-4)
    weights, seen = looked.attention["decoder"]
    assert torch.allclose(weights.sum(-1), torch.ones(()), atol=1e-5) and not (weights * ~seen).any(), (
        "no weight on what comes later"
    )


@pytest.mark.parametrize(
    ("architecture", "train", "parts", "written"),
    [
        ("decoder_only", {}, {"decoder"}, "rationale"),
        ("decoder_only", {"mode": "standard", "task_token": "prefix"}, {"decoder"}, "label"),
        ("encoder", {}, {"encoder"}, None),
        ("encoder_decoder", {"mode": "single_task"}, {"encoder", "decoder", "cross"}, "rationale"),
    ],
)
def test_every_kind_is_looked_at(architecture, train, parts, written):
    found = diagnose_student(untrained(architecture, **train), ROWS[:2])
    assert set(found["attention"]) == parts and found["written"] == written and found["rows"] == 2
    assert ("token_probability" in found["confidence"]) is (written is not None)


def test_the_page_shows_all_of_it_offline_and_as_text(trained):
    other = diagnose_student(untrained("decoder_only"), ROWS[:2])
    first = {"name": "<b>a</b>", "commit": "f" * 40} | trained
    text = diagnostics_page([first, {"name": "workspace", "commit": None} | other])
    assert text.count("<svg") == 5 + 5 + 4 + len(set(trained["confidence"]) | set(other["confidence"]))
    assert (
        "default-src 'none'" in text and "<script" not in text and "<b>" not in text and "&lt;b&gt;a&lt;/b&gt;" in text
    )
    assert ABOUT.split(".")[0] in text and "do not rank" in text and "has none" in text
    assert all(title in text for title in ATTENTION_TITLES.values())
    assert all(CONFIDENCE_TITLES[name] in text for name in trained["confidence"])


def test_rows_are_those_that_both_judged_the_same_each_time(monkeypatch):
    judged = {
        "a": [Judged(str(n), f"row {n}") for n in range(9)],
        "b": [Judged(str(n), f"row {n}" if n < 6 else "other") for n in range(3, 9)],
        "c": [],
    }
    monkeypatch.setattr(experiment, "judged_at", judged.__getitem__)
    assert [row.id for row in shared_test_rows(["a", "b"], 9)] == ["3", "4", "5"]
    assert len(shared_test_rows(["a"], 4)) == 4 and shared_test_rows(["a"], 4) == shared_test_rows(["a"], 4)
    with pytest.raises(DataError, match="a and c judged no test row in common"):
        shared_test_rows(["a", "c"], 4)
