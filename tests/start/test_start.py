"""The front door that looks at a person's file: what it asks, what it writes, what it shows."""

from __future__ import annotations

import hashlib
import io
import shutil
import sys

import pytest

import start
from distill import paths
from distill.errors import UserError
from distill.settings import load_settings
from distill.start.answers import ask_person
from distill.teacher import open_teacher
from house import ROOT

DESCRIPTION = "Decide which desk answers."


class Person(io.StringIO):
    """Somebody at a terminal, with their answers."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "data" / "examples", tmp_path / "data" / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return tmp_path


def run(monkeypatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", *arguments])
    start.main()


def test_a_file_becomes_the_task_and_no_other_line_changes(folder, monkeypatch, capsys):
    before = (folder / "params.yaml").read_text().splitlines()
    run(
        monkeypatch,
        "data/examples/routing.csv",
        "--description",
        DESCRIPTION,
        "--model",
        "m-1",
        "--base-url",
        "http://localhost:9/v1",
    )
    settings, out = load_settings(paths.PARAMS), capsys.readouterr().out
    table = settings.task.table
    assert (settings.task.name, settings.task.path, settings.task.train_rows) == (
        "table",
        "data/examples/routing.csv",
        "all",
    )
    assert (table.kind, table.columns, table.label, table.classes, table.description) == (
        "classes",
        ("message",),
        "desk",
        (),
        DESCRIPTION,
    )
    assert {settings.task.test_rows, settings.task.validation_rows, settings.annotate.validation_rows} == {"auto"}
    assert {settings.prompt.search_rows, settings.prompt.holdout_rows} == {"auto"}
    assert (settings.teacher.provider, settings.teacher.model) == ("openai", "m-1")
    after = (folder / "params.yaml").read_text().splitlines()
    assert [line for line in before if line.lstrip().startswith("#")] == [
        line for line in after if line.lstrip().startswith("#")
    ]
    assert len(after) == len(before) + 1  # columns, now a list in a block
    assert "params.yaml: task.name: practice -> table" in out
    assert "task.test_rows is auto: 48 of 120 labelled rows" in out
    assert "[user]\n" + DESCRIPTION in out and "Choose one of: account, advice, billing, delivery, returns." in out
    assert "400 rows seen" in out and "unknown (no price)" in out and out.rstrip().endswith("dvc repro")


def test_a_gguf_file_becomes_the_teacher_by_its_hash(folder, monkeypatch, capsys):
    (folder / "small.Q4_1.gguf").write_bytes(b"GGUF and more")
    words = ("data/examples/routing.csv", "--description", DESCRIPTION, "--gguf", "small.Q4_1.gguf")
    run(monkeypatch, *words)
    settings, out = load_settings(paths.PARAMS), capsys.readouterr().out
    assert (settings.teacher.provider, settings.teacher.model) == ("local", "small.Q4_1")
    assert settings.teacher.local.sha256 == hashlib.sha256(b"GGUF and more").hexdigest()
    assert settings.runtime.local.file == "small.Q4_1.gguf"
    assert "small.Q4_1, a GGUF file on this machine (SHA-256 " in out and out.endswith("Next:\n  dvc repro\n")
    with pytest.raises(UserError, match="leave out --provider and --base-url"):
        run(monkeypatch, *words, "--base-url", "http://localhost:9/v1")


def test_a_second_time_nothing_is_changed(folder, monkeypatch, capsys):
    run(monkeypatch, "data/examples/routing.csv", "--description", DESCRIPTION)
    first = (folder / "params.yaml").read_text()
    capsys.readouterr()
    run(monkeypatch, "data/examples/routing.csv", "--description", DESCRIPTION)
    assert (folder / "params.yaml").read_text() == first and "params.yaml:" not in capsys.readouterr().out


def test_prompts_of_another_task_are_not_sent_over_the_rows(folder, monkeypatch, capsys):
    text = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(text.replace("  explain:\n", "  explain: How big is {question}?\n", 1))
    run(monkeypatch, "data/examples/routing.csv", "--description", DESCRIPTION)
    assert load_settings(paths.PARAMS).prompt.explain is None
    assert "params.yaml: prompt.explain: How big is {question}? -> null" in capsys.readouterr().out


def test_the_simulated_teacher_is_said_to_know_nothing(folder, monkeypatch, capsys):
    run(monkeypatch, "data/examples/routing.csv", "--description", DESCRIPTION)
    assert "The simulated teacher knows nothing of these rows." in capsys.readouterr().out


def test_what_the_simulated_teacher_does_not_know_it_is_not_asked(folder, monkeypatch):
    run(monkeypatch, "data/examples/routing.csv", "--description", DESCRIPTION)
    refused = pytest.raises(UserError, match=r"the practice task, not data/examples/routing\.csv; name a teacher")
    with refused, open_teacher(load_settings(paths.PARAMS), "annotate"):
        pass


def test_a_column_that_is_not_there_is_asked_for_again(folder, monkeypatch, capsys):
    rows = [f"s{i % 3},{chr(97 + i % 26) * 20}{i},{'ab'[i % 2] if i < 9 else ''}" for i in range(30)]
    (folder / "mine.csv").write_text("\n".join(["subject,text,team", *rows]))
    monkeypatch.setattr(sys, "stdin", Person("tema\n\n"))
    run(monkeypatch, "mine.csv", "--description", DESCRIPTION)
    seen = capsys.readouterr()
    assert "There is no column 'tema'. Which column is the label (team, subject, none)? [team]" in seen.err
    assert load_settings(paths.PARAMS).task.table.label == "team"
    assert "9 rows have a label:\n  a: 5 rows\n  b: 4 rows" in seen.out


def test_a_description_is_asked_for_and_never_guessed(folder, monkeypatch, capsys):
    with pytest.raises(UserError, match=r"In one sentence, what is to be decided\? Say it with --description"):
        run(monkeypatch, "data/examples/routing.csv")
    assert load_settings(paths.PARAMS).task.name == "practice"
    monkeypatch.setattr(sys, "stdin", Person("\n  Decide who answers. \n"))
    run(monkeypatch, "data/examples/routing.csv")
    assert load_settings(paths.PARAMS).task.table.description == "Decide who answers."
    assert capsys.readouterr().err.count("In one sentence") == 2


def test_enter_takes_what_is_suggested(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Person("\n"))
    assert ask_person("Which?", "--label", "desk") == "desk"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--label", "team"], r"no column 'team' \(there are: message, desk\)"),
        (["--columns", "text"], r"no column 'text' \(there are: message, desk\)"),
        (
            ["--columns", "message", "--kind", "choices"],
            r"Which column holds the row's own answers\? Say it with --choices",
        ),
        (["--label", "none", "--kind", "classes"], "Which classes are there .*Say it with --classes"),
    ],
)
def test_what_does_not_fit_leaves_the_settings_as_they_are(folder, monkeypatch, arguments, message):
    before = (folder / "params.yaml").read_bytes()
    with pytest.raises(UserError, match=message):
        run(monkeypatch, "data/examples/routing.csv", "--description", DESCRIPTION, *arguments)
    assert (folder / "params.yaml").read_bytes() == before


def test_a_value_that_the_settings_do_not_take_leaves_them_as_they_are(folder, monkeypatch):
    before = (folder / "params.yaml").read_bytes()
    with pytest.raises(UserError, match=r"params.yaml:\d+: teacher.base_url: is 'localhost'"):
        run(monkeypatch, "data/examples/routing.csv", "--description", DESCRIPTION, "--base-url", "localhost")
    assert (folder / "params.yaml").read_bytes() == before


def test_a_table_that_no_task_can_be_made_of_leaves_the_settings_as_they_are(folder, monkeypatch, capsys):
    """An input is missing in one row: the task was written first, and refused then."""
    table = folder / "mine.csv"
    table.write_text((folder / "data/examples/routing.csv").read_text() + ",orders\n")
    before = (folder / "params.yaml").read_bytes()
    with pytest.raises(UserError, match=r"mine\.csv"):
        run(monkeypatch, "mine.csv", "--description", DESCRIPTION)
    assert (folder / "params.yaml").read_bytes() == before and not capsys.readouterr().out
