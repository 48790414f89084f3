"""params.yaml is in the form that DVC writes, so that an experiment changes the lines of its settings and no other."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from distill.settings import load_settings
from house import ROOT


def overridden(folder, *overrides: str) -> list[str]:
    """The lines that `dvc exp run -S …` changes in a fresh copy of the file, by the code that it calls, through Git."""
    code = "import sys; from dvc.utils.hydra import apply_overrides; apply_overrides('params.yaml', sys.argv[1:])"
    subprocess.run([sys.executable, "-c", code, *overrides], cwd=folder, check=True)
    done = subprocess.run(["git", "diff", "-U0"], cwd=folder, check=True, capture_output=True, text=True)
    return [line for line in done.stdout.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]


@pytest.fixture
def folder(tmp_path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for command in (("init", "-q"), ("add", "-A")):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.parametrize(
    ("override", "lines"),
    [
        ("train.steps=2401", ["-  steps: 2400", "+  steps: 2401"]),
        ("teacher.base_url=http://localhost:8000/v1", ["-  base_url:", "+  base_url: http://localhost:8000/v1"]),
        ("train.embedding_learning_rate=null", ["-  embedding_learning_rate: 2e-2", "+  embedding_learning_rate:"]),
        ("task.table.label=yes", ["-    label:", "+    label: yes"]),
        ("runtime.budget_since='2026-11-23T09:00'", ["-  budget_since:", "+  budget_since: 2026-11-23T09:00"]),
        ("task.table.classes=[yes,no]", ["-    classes: []", "+    classes:", "+    - yes", "+    - no"]),
        ("prompt.rationale_words=[5,20]", ["-  - 10", "-  - 40", "+  - 5", "+  - 20"]),
        ("runtime.prices.simulated-1.date='2026-11-24'", ["-      date: '2026-11-23'", "+      date: '2026-11-24'"]),
    ],
)
def test_an_experiment_changes_the_lines_of_its_setting_alone(folder, override, lines):
    assert overridden(folder, override) == lines
    load_settings(folder / "params.yaml")


def test_lists_that_are_filled_keep_the_comments_around_them(folder):
    lists = (
        "task.table.columns=[subject,body]",
        "task.table.classes=[yes,no]",
        "task.table.choices=[]",
        "preset.keep=[]",
    )
    filled = (*lists, "annotate.rationale_words=[20,40]", "annotate.gate.words=[5,50]", "student.lora.targets=[q_proj]")
    overridden(folder, *filled)
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    assert overridden(folder, "train.steps=2401") == ["-  steps: 2400", "+  steps: 2401"]
    table = load_settings(folder / "params.yaml").task.table
    assert (table.columns, table.classes) == (("subject", "body"), ("yes", "no"))
