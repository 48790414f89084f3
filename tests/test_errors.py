"""A disk that takes no more, as files, torch and safetensors say it: one line, and what was there before stays."""

from __future__ import annotations

import sys

import pytest

from distill.errors import disk_fault
from distill.rows.files import write_json
from distill.running import run_stage


def write_out(path):
    write_json(path, "x" * 100_000)


def write_weights(path):
    import torch
    from safetensors.torch import save_file

    save_file({"weights": torch.zeros(100_000)}, path)


def write_optimizer(path):
    import torch

    torch.save({"state": torch.zeros(100_000)}, path)


@pytest.mark.parametrize("write", [write_out, write_weights, write_optimizer])
def test_a_stage_on_a_full_disk_ends_in_one_line(tmp_path, monkeypatch, largest_file, write):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stages/train.py"])
    with largest_file(50_000), pytest.raises(SystemExit) as ended:
        run_stage("train", lambda: write(tmp_path / "out"))
    line = ended.value.code
    assert line.startswith("train: ") and "cannot be written" in line and "make room, then run again" in line
    assert "\n" not in line and ended.value.code != 0


def test_the_file_is_named_and_what_was_there_stays(tmp_path, largest_file):
    out = tmp_path / "out.json"
    write_json(out, {"old": 1})
    with largest_file(50_000), pytest.raises(OSError) as failed:
        write_out(out)
    assert disk_fault(failed.value).startswith(f"{out}: cannot be written (File too large)")
    assert out.read_text() == '{\n  "old": 1\n}\n' and [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_another_error_is_none_of_the_disks():
    assert disk_fault(ValueError("no space")) is None and disk_fault(FileNotFoundError(2, "No such file")) is None
