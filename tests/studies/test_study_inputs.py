from __future__ import annotations

import os
import subprocess

import pytest
import yaml

from distill.errors import UserError
from distill.studies.inputs import Inputs

PARAMS = {"task": {"path": "data/rows.csv"}}
PIPELINE = {
    "prepare": {
        "cmd": "prepare",
        "deps": ["code/prepare.py", "${task.path}"],
        "outs": ["data/prepared"],
        "metrics": [{"metrics/prepare.json": {"cache": False}}],
    },
    "train": {"cmd": "train", "deps": ["code/train.py", "data/prepared/train.jsonl"], "outs": ["data/student"]},
    "evaluate": {
        "cmd": "evaluate",
        "deps": ["code/evaluate.py", "data/student", "metrics/prepare.json"],
        "outs": ["data/predictions.jsonl"],
    },
    "report": {"cmd": "report", "deps": ["code/report.py", "data/predictions.jsonl"], "outs": ["report.html"]},
}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    for name in (
        "code/prepare.py",
        "code/train.py",
        "code/evaluate.py",
        "code/report.py",
        "data/rows.csv",
        "data/more.csv.dvc",
        "params.yaml",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": PIPELINE}))
    git("init", "-q")
    commit()
    return tmp_path


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", *arguments], check=True)


def commit() -> None:
    git("add", "-A")
    git("commit", "-q", "-m", "state")


def test_inputs_are_what_the_evaluation_and_all_before_it_declare_and_no_stage_makes(repository):
    assert Inputs().files(PARAMS) == ("data/rows.csv", "code/evaluate.py", "code/prepare.py", "code/train.py")


def test_a_committed_edit_of_declared_code_makes_another_fingerprint_and_one_of_the_report_does_not(repository):
    before = Inputs().fingerprint(PARAMS)
    (repository / "code/report.py").write_text("edited")
    commit()
    assert Inputs().fingerprint(PARAMS) == before
    (repository / "code/train.py").write_text("edited")
    assert Inputs().uncommitted([PARAMS]) == ["code/train.py"]
    commit()
    assert Inputs().uncommitted([PARAMS]) == []
    assert Inputs().fingerprint(PARAMS) != before


def test_data_that_dvc_keeps_counts_by_its_dvc_file_and_other_data_must_be_in_git(repository):
    (repository / "data/more.csv").write_text("large")
    (repository / ".gitignore").write_text("data/more.csv\n")
    kept = Inputs().fingerprint({"task": {"path": "data/more.csv"}})
    (repository / "data/more.csv.dvc").write_text("another version")
    commit()
    assert Inputs().fingerprint({"task": {"path": "data/more.csv"}}) != kept
    (repository / "data/loose.csv").write_text("not in Git")
    with pytest.raises(UserError, match=r"data/loose\.csv: not in Git, so a queued run would not see it"):
        Inputs().fingerprint({"task": {"path": "data/loose.csv"}})


def test_data_outside_the_repository_counts_by_its_content(repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "a.json").write_text("one")
    params = {"task": {"path": str(folder)}}
    before = Inputs().fingerprint(params)
    (folder / "a.json").write_text("two")
    assert Inputs().fingerprint(params) != before
    assert Inputs().uncommitted([params]) == []
