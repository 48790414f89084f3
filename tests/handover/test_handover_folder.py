"""The folder loads in three lines, in a fresh process without this project's code, and answers as the student does."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch
from handed_over import answers_of_strangers, lines
from toy_student import CARD, RUNTIME, STUDENT, examples, settings
from transformers import LlamaConfig, LlamaForCausalLM

from distill.answers.choices import with_choices
from distill.errors import DataError
from distill.handover.folder import HANDED_SUFFIXES, hand_over, link_or_copy
from distill.rows.files import read_object
from distill.rows.records import TaskCard, TrainingRow
from distill.settings.student import LoraSettings
from distill.student.predicting import Student
from distill.student.tokenizing import train_tokenizer
from distill.student.training import train_student

ROWS = [examples()[place] for place in (5, 24, 62)]
CHAT = "{% for m in messages %}<unk>{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}<unk>{% endif %}"
CHOICES = TaskCard("toy", "choices", "", (), {})


def offered(rows):
    return [replace(row, input=with_choices(row.input, CARD.classes), choices=CARD.classes) for row in rows]


def trained(folder, architecture="encoder_decoder", card=CARD, **train):
    student = {"scratch": replace(STUDENT.scratch, architecture=architecture)}
    validation = offered(examples()) if card is CHOICES else examples()
    rows = [TrainingRow(row.id, row.input, row.label, row.rationale, row.choices) for row in validation]
    train_student(
        rows, validation, card, settings(student, evaluate_every=60, **train), folder / "student", folder / "plot.json"
    )
    return folder / "student"


def adapted(folder):
    """LoRA on a model with a chat template, a beginning token and no padding token, as somebody else would leave it."""
    rows = examples()
    tokenizer = train_tokenizer([row.input for row in rows] + [row.rationale for row in rows], 512)
    tokenizer.pad_token = None
    tokenizer.chat_template = CHAT
    tokenizer.save_pretrained(folder / "base")
    torch.manual_seed(0)
    sizes = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    LlamaForCausalLM(LlamaConfig(**sizes, eos_token_id=1)).save_pretrained(folder / "base")
    made = settings({"name": str(folder / "base"), "lora": LoraSettings(8, 32.0, 0.0, ())}, steps=60, evaluate_every=60)
    train_student(
        [TrainingRow(row.id, row.input, row.label, row.rationale) for row in rows],
        rows,
        CARD,
        made,
        folder / "student",
        folder / "plot.json",
    )
    return folder / "student"


@pytest.fixture(scope="module")
def students(toys, tmp_path_factory):
    """Folders of students by name."""
    made = {name: toys(name).folder for name in ("decoder", "prefix")}
    made["single task"] = trained(tmp_path_factory.mktemp("single"), mode="single_task", steps=120)
    made["decoder only"] = trained(tmp_path_factory.mktemp("llama"), "decoder_only", steps=60)
    made["adapted chat"] = adapted(tmp_path_factory.mktemp("chat"))
    made["classes"] = trained(tmp_path_factory.mktemp("classes"), "encoder", steps=30)
    made["choices"] = trained(tmp_path_factory.mktemp("choices"), "encoder", CHOICES, steps=30)
    return made


@pytest.fixture(scope="module")
def folders(students, tmp_path_factory):
    """What is handed over of each, all in one folder that is nowhere near the code, and the plans."""
    where = tmp_path_factory.mktemp("elsewhere")
    return where, {name: hand_over(folder, where / name) for name, folder in students.items()}


def test_three_lines_in_a_fresh_process_say_what_the_student_says(students, folders):
    where, plans = folders
    codes, expected = [], []
    for name, plan in plans.items():
        own = Student.load(students[name], RUNTIME)
        rows = offered(ROWS) if name == "choices" else ROWS
        expected += [label for label, _ in own.label(rows)]
        shown = [lines(where / name, plan, row) for row in rows]
        codes += [use.label for use in shown]
        assert all(len(use.label.splitlines()) == (6 if name == "choices" else 3) for use in shown)
        assert (shown[0].rationale is None) is (plan.kind == "encoder")
        if shown[0].rationale:
            codes.append(shown[0].rationale)
            expected += own.explain(rows[:1])
    assert answers_of_strangers(codes, where) == expected
    assert len(set(expected)) > 4, "they say different things of different rows"


def test_the_projects_own_predict_reads_the_folder(students, folders):
    where, plans = folders
    for name in plans:
        student, same = Student.load(students[name], RUNTIME), Student.load(where / name, RUNTIME)
        rows = offered(ROWS) if name == "choices" else ROWS
        assert same.label(rows) == student.label(rows)
        assert same.explain(rows[:1]) == student.explain(rows[:1])


def test_weights_are_the_same_files_and_nothing_is_a_pickle(students, folders):
    where, plans = folders
    for name in plans:
        files = [path for path in (where / name).rglob("*") if path.is_file()]
        assert {path.suffix for path in files} <= set(HANDED_SUFFIXES) and not {".bin", ".pt", ".pkl", ".ckpt"} & {
            path.suffix for path in files
        }
        weights = where / name / "model.safetensors"
        assert weights.samefile(students[name] / "model.safetensors")
        assert not (where / name / "config.json").samefile(students[name] / "config.json"), (
            "what a person may edit is a copy"
        )


def test_a_folder_with_a_pickle_is_not_handed_over(students, tmp_path):
    shutil.copytree(students["decoder"], tmp_path / "student")
    (tmp_path / "student" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(DataError, match=r"has pytorch_model.bin; a folder to hand over holds only .*\.safetensors"):
        hand_over(tmp_path / "student", tmp_path / "model")


def test_a_link_that_cannot_be_is_a_copy(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"weights")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    link_or_copy(tmp_path / "link", tmp_path / "b")
    assert (tmp_path / "b").samefile(tmp_path / "a") and not (tmp_path / "b").is_symlink()

    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    link_or_copy(tmp_path / "a", tmp_path / "c")
    assert (tmp_path / "c").read_bytes() == b"weights" and not (tmp_path / "c").samefile(tmp_path / "a")


def test_generation_settings_are_greedy_bounded_and_lead_to_a_class(folders):
    where, plans = folders
    for name in ("decoder", "prefix", "single task", "decoder only"):
        config = read_object(where / name / "generation_config.json")
        assert config["do_sample"] is False and config["num_beams"] == 1 and config["eos_token_id"] == 1
        assert ("sequence_bias" in config) is (name != "prefix")
        if name != "single task":
            assert config["max_new_tokens"] == plans[name].max_label_tokens
    decoder = read_object(where / "decoder" / "generation_config.json")
    assert decoder["decoder_start_token_id"] == 3 and all(
        path[0] == 3 and bias == 256.0 for path, bias in decoder["sequence_bias"]
    )
    ends = [path for path, _ in decoder["sequence_bias"] if path[-1] == 1]
    assert len(ends) == len(CARD.classes)
    assert read_object(where / "decoder" / "tokenizer_config.json")["model_max_length"] == 32
