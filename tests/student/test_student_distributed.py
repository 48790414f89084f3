"""Two processes under `accelerate launch`, started by the front door itself, against one."""

import json
import os
import subprocess
import sys

import pytest
import yaml
from toy_student import CARD, examples, training_rows

from distill import paths
from distill.rows.files import write_json
from distill.rows.records import Example, TrainingRow, read_rows, write_rows
from distill.settings import SettingsError, load_settings
from distill.student.processes import launch
from distill.student.training import train_student
from house import ROOT

SIZES = {"vocabulary": 512, "d_model": 32, "d_ff": 64, "heads": 2, "encoder_layers": 1, "decoder_layers": 1}
TRAIN = {"steps": 12, "batch_rows": 16, "gradient_accumulation": 2, "evaluate_every": 5, "seeds": 2, "warmup_steps": 0}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with all that the stage reads, as the working directory."""
    monkeypatch.chdir(tmp_path)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["student"]["scratch"] |= SIZES
    params["train"] |= TRAIN
    params["runtime"] |= {"device": "cpu", "processes": 2, "checkpoint_steps": 4}
    paths.PARAMS.write_text(yaml.safe_dump(params))
    # Half of the rows have no rationale, so that the parts of a step differ in how many targets they have.
    write_rows(paths.TRAINING, training_rows(0.5))
    write_rows(paths.prepared("validation"), examples()[:12])
    write_json(paths.TASK_CARD, CARD)
    return tmp_path


def test_two_processes_give_the_losses_of_one(place):
    ran = subprocess.run(
        [sys.executable, str(ROOT / "stages" / "train.py")], capture_output=True, text=True, timeout=200
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("train: done in") == 1
    # The first process alone speaks; so short a training says nothing of how far it is.
    assert ran.stdout.count("train: trains the student") == 1 and ran.stderr == ""
    curve, metrics = (json.loads(path.read_text()) for path in (paths.TRAINING_PLOT, paths.metrics("train")))
    assert json.loads(paths.RUNTIME_METRICS.read_text())["train"]["rows_per_s"] > 0
    assert [row["step"] for row in json.loads(paths.TRAINING_SPEED_PLOT.read_text())] == [5, 10, 12]
    assert not list(paths.checkpoints().iterdir())

    out = place / "alone"
    rows, validation = read_rows(paths.TRAINING, TrainingRow), read_rows(paths.prepared("validation"), Example)
    alone = train_student(rows, validation, CARD, load_settings(), out / "model", out / "plot.json")
    for ours, theirs in zip(curve, json.loads((out / "plot.json").read_text()), strict=True):
        assert ours == {name: pytest.approx(value, abs=2e-5) for name, value in theirs.items()}
    assert metrics["seeds"]["validation_accuracy"]["each"] == {
        seed: pytest.approx(value, abs=1e-6)
        for seed, value in alone.metrics["seeds"]["validation_accuracy"]["each"].items()
    }
    assert metrics["parameters"] == alone.metrics["parameters"]


@pytest.fixture
def unlaunched(monkeypatch):
    """As in a shell, whatever other tests told this process; what `launch` would start."""
    started = []
    for name in ("ACCELERATE_MIXED_PRECISION", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TORCH_CPP_LOG_LEVEL", "ERROR")
    monkeypatch.setattr(os, "execv", lambda program, arguments: started.append(arguments))
    return started


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("distributed_type: DEEPSPEED\n", "asks for DeepSpeed; set distributed_type to FSDP"),
        ("distributed_type: FSDP\nfsdp_config: {fsdp_version: 1}\n", "fsdp_version is 1; set it to 2"),
        ("distributed_type: FSDP\n", "fsdp_version is not there; set it to 2"),
        (None, r"is no file; `accelerate config --config_file .*cluster\.yaml` writes one"),
    ],
)
def test_what_cannot_be_launched_is_refused_before_it_is(tmp_path, unlaunched, make_settings, told, message):
    file = tmp_path / "cluster.yaml"
    if told:
        file.write_text(told)
    with pytest.raises(SettingsError, match=message):
        launch(make_settings(**{"runtime.accelerate_config": str(file)}).runtime)
    assert not unlaunched


def test_a_configuration_file_is_passed_on(tmp_path, unlaunched, make_settings):
    file = tmp_path / "cluster.yaml"
    file.write_text("distributed_type: FSDP\nfsdp_config: {fsdp_version: 2}\n")
    launch(make_settings(**{"runtime.accelerate_config": str(file)}).runtime)
    assert unlaunched[0][1:5] == ["-m", "accelerate.commands.launch", "--config_file", str(file)]
