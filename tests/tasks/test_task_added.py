"""A task from outside the package: one file, one setting, and the pipeline's own stages take it from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
OWN = """
from distill.templates import Template
from distill.rows.records import Example
from distill.tasks.base import Task


class Parity(Task):
    name = "parity"
    kind = "classes"
    description = "Say whether a number is odd or even."
    classes = ("odd", "even")
    fields = ("number",)
    explain = Template("", "Is {number} odd or even? Explain, and end with \\"So the answer is X.\\"")
    label_only = Template("", "Is {number} odd or even? One word.")

    def splits(self):
        sizes = {"train": range(0, 40), "validation": range(40, 50), "test": range(50, 60)}
        return {split: [self.row(n) for n in numbers] for split, numbers in sizes.items()}

    def row(self, n):
        label, rationale = self.classes[1 - n % 2], f"{n} is {n} times one"
        return Example(f"n{n:02}", f"the number {n}", {"number": str(n)}, label=label, rationale=rationale)
"""


def test_one_file_and_one_setting_are_all_it_takes(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "parity.py").write_text(OWN)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["task"]["name"] = "parity:Parity"
    params["prompt"]["optimizer"] = "fixed"
    params["annotate"] |= {"rationale_source": "human", "validation_rows": 0, "test_rows": 0}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    path = os.pathsep.join([str(tmp_path / "own"), os.environ.get("PYTHONPATH", "")])
    for stage in ("prepare", "optimize_prompt", "annotate", "subsample"):
        run = subprocess.run(
            [sys.executable, str(ROOT / "stages" / f"{stage}.py")],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads((tmp_path / "metrics/prepare.json").read_text())
    assert report["train"]["label"] == {"even": 0.5, "odd": 0.5} and report["test"]["rows"] == 10
    prompts = yaml.safe_load((tmp_path / "data/prompt.yaml").read_text())
    assert prompts[0]["user"].startswith("Is {number} odd or even? Explain")
    trained_on = [json.loads(line) for line in (tmp_path / "data/training/train.jsonl").read_text().splitlines()]
    assert (
        len(trained_on) == 40 and trained_on[3]["label"] == "odd" and trained_on[3]["rationale"] == "3 is 3 times one"
    )
    annotated = json.loads((tmp_path / "metrics/annotate.json").read_text())
    assert annotated["teacher"] == "nobody was asked; train: human labels and rationales"
    assert set(annotated["cost"]["train"].values()) == {0}


def test_the_simulated_teacher_is_asked_about_its_rows(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "parity.py").write_text(OWN)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["task"]["name"] = "parity:Parity"
    params["prompt"]["optimizer"] = "fixed"
    params["teacher"]["path"] = str(ROOT / params["teacher"]["path"])
    params["runtime"]["stop_early"] = False  # it knows nothing of this task, and answers none of its rows
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    path = os.pathsep.join([str(tmp_path / "own"), os.environ.get("PYTHONPATH", "")])
    for stage in ("prepare", "optimize_prompt", "show_prompts", "annotate"):
        run = subprocess.run(
            [sys.executable, str(ROOT / "stages" / f"{stage}.py")],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stdout + run.stderr
    annotated = json.loads((tmp_path / "metrics/annotate.json").read_text())
    assert annotated["cost"]["train"]["calls"] == 40 and annotated["cost"]["test"]["calls"] == 10
    answers = [json.loads(line) for line in (tmp_path / "data/annotated/train.jsonl").read_text().splitlines()]
    assert len(answers) == 40 and all(answer["response"] for answer in answers)
