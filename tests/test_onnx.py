"""ONNX: the older form of a folder, and with an environment of requirements-onnx.txt the export of every kind.

Optimum's exporter and transformers 5 cannot share an environment, so the export runs in another one's Python:
ONNX_PYTHON=/path/to/its/bin/python python -m pytest tests/test_onnx.py
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, replace

import pytest

from distill.errors import DataError, UserError
from distill.onnx.answering import CheckRow, ModelAnswers
from distill.onnx.converting import older_config, older_folder, older_tokenizer
from distill.onnx.exporting import ExportDiffers, check_answers, export, read_check_rows
from distill.student.plan import StudentPlan
from house import ROOT

PYTHON = os.environ.get("ONNX_PYTHON")
PLAN = StudentPlan(
    "encoder_decoder",
    "step_by_step",
    "decoder",
    "classes",
    ("a", "b"),
    32,
    4,
    24,
    name="scratch",
    revision=None,
    seed=1,
)


def test_a_models_own_rotations_are_kept():
    rope = {"rope_theta": 500_000.0, "rope_type": "llama3", "factor": 8.0}
    assert older_config({"hidden_size": 8, "rope_parameters": rope}) == {
        "hidden_size": 8, "rope_theta": 500_000.0, "rope_scaling": {"rope_type": "llama3", "factor": 8.0},
    }  # fmt: skip
    plain = older_config({"rope_parameters": {"rope_theta": 1e6, "rope_type": "default"}})
    assert plain == {"rope_theta": 1e6, "rope_scaling": None}
    assert older_config({"d_model": 8}) == {"d_model": 8}
    with pytest.raises(DataError, match="rope_parameters differ by kind of layer"):
        older_config(
            {"rope_parameters": {"full_attention": {"rope_theta": 1.0}, "sliding_attention": {"rope_theta": 2.0}}}
        )


def test_a_tokenizer_is_read_by_its_file():
    newer = {
        "backend": "tokenizers",
        "tokenizer_class": "TokenizersBackend",
        "extra_special_tokens": ["<label>"],
        "pad_token": "<pad>",
        "model_max_length": 32,
    }
    spaced = {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True}}
    assert older_tokenizer(newer, spaced, {}) == {
        "add_prefix_space": True, "pad_token": "<pad>", "model_max_length": 32,
        "additional_special_tokens": ["<label>"], "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
    }  # fmt: skip
    assert older_tokenizer({}, {"pre_tokenizer": None}, {"type_vocab_size": 2})["model_input_names"] == [
        "input_ids",
        "token_type_ids",
        "attention_mask",
    ]


def test_a_folder_is_converted_beside_itself(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "config.json").write_text('{"rope_parameters": {"rope_theta": 2.0}}')
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    place = older_folder(folder, tmp_path / "older")
    assert json.loads((place / "config.json").read_text())["rope_theta"] == 2.0
    assert (place / "model.safetensors").resolve() == folder / "model.safetensors"
    assert json.loads((folder / "config.json").read_text()) == {"rope_parameters": {"rope_theta": 2.0}}, (
        "the folder itself stays as it is"
    )


def test_rows_are_those_of_judged_jsonl_or_ones_own(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text(
        '{"id": "a", "input": "x", "choices": ["y", "z"], "student_label": "z", "gold": "y"}\n\n{"input": "w"}\n'
    )
    assert read_check_rows(file) == [CheckRow("a", "x", ("y", "z"), "z"), CheckRow("3", "w")]
    file.write_text('{"id": "a", "text": "x"}\n')
    with pytest.raises(DataError, match=r"rows.jsonl:1: no text in `input`; there is id, text"):
        read_check_rows(file)


def test_what_cannot_be_exported_is_said(tmp_path):
    PLAN.write(tmp_path / "model")
    with pytest.raises(DataError, match="there are no rows to check the export on"):
        export(tmp_path / "model", tmp_path / "onnx", [], 0)
    (tmp_path / "onnx").mkdir()
    with pytest.raises(DataError, match="exists and is no export of this project"):
        export(tmp_path / "model", tmp_path / "onnx", [CheckRow("1", "x")], 0)


def test_a_difference_is_an_error(monkeypatch, tmp_path):
    class Says(ModelAnswers):
        def __init__(self, *labels: str):
            self.said = list(labels)

        def labels(self, rows):
            return self.said

    rows = [CheckRow("1", "x", student_label="a"), CheckRow("2", "y", student_label="a"), CheckRow("3", "z")]

    def checked(by_torch, by_onnx, most):
        monkeypatch.setattr("distill.onnx.exporting.with_torch", lambda *_: Says(*by_torch))
        monkeypatch.setattr("distill.onnx.exporting.with_onnx", lambda *_: Says(*by_onnx))
        return asdict(check_answers(tmp_path, tmp_path, PLAN, rows, most))

    assert checked("aaa", "aaa", 0) == {"rows": 3, "torch": 0, "recorded": 2, "student": 0}
    differs = "onnxruntime and torch differ on 2 of 3 rows, first on '2': 'b' against 'a'"
    with pytest.raises(ExportDiffers, match=differs):
        checked("aaa", "abb", 9)
    with pytest.raises(
        ExportDiffers, match="the exported model and the student differ on 1 of 2 rows, first on '2': 'b' against 'a'"
    ):
        checked("abb", "abb", 0)
    assert checked("abb", "abb", 1)["student"] == 1
    assert issubclass(ExportDiffers, UserError)


@pytest.mark.skipif(not PYTHON, reason="needs ONNX_PYTHON, the Python of an environment of requirements-onnx.txt")
@pytest.mark.parametrize("name", ["decoder", "prefix", "single task", "decoder only", "classes", "choices"])
def test_onnxruntime_gives_the_students_labels(name, toys, tmp_path):
    from toy_student import CARD, CLASSES, RUNTIME, STUDENT, examples, settings, training_rows

    from distill.answers.choices import with_choices
    from distill.handover.folder import hand_over
    from distill.rows.records import TaskCard, TrainingRow
    from distill.student.predicting import Student
    from distill.student.training import train_student

    rows, training, card = examples(), training_rows(), CARD
    scratch = {"decoder only": "decoder_only", "classes": "encoder", "choices": "encoder"}.get(name, "encoder_decoder")
    student = {"scratch": replace(STUDENT.scratch, architecture=scratch)}
    if name == "choices":
        card = TaskCard("toy", "choices", "", (), {})
        rows = [replace(row, input=with_choices(row.input, CLASSES), choices=CLASSES) for row in rows]
        training = [TrainingRow(row.id, row.input, row.label or "", row.rationale, row.choices) for row in rows]
    if name in ("decoder", "prefix"):
        folder = toys(name).folder
    else:
        made = settings(student, mode="single_task" if name == "single task" else "step_by_step", evaluate_every=150)
        train_student(training, rows, card, made, tmp_path / "student", tmp_path / "plot.json")
        folder = tmp_path / "student"
    hand_over(folder, tmp_path / "model")
    labels = [label for label, _ in Student.load(folder, RUNTIME).label(rows)]
    judged = [
        {"id": row.id, "input": row.input, "choices": row.choices, "student_label": label}
        for row, label in zip(rows, labels, strict=True)
    ]
    (tmp_path / "judged.jsonl").write_text("".join(json.dumps(row) + "\n" for row in judged))
    command = [str(PYTHON), str(ROOT / "stages" / "export_onnx.py"), "model", "onnx", "--rows", "judged.jsonl"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "the same label on all of 64 rows" in done.stdout and "differs on 0 of 64" in done.stdout
    assert sorted((tmp_path / "onnx").glob("*.onnx")) and not list((tmp_path / "onnx").glob("*.bin"))
