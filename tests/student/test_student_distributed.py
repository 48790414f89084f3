"""Two processes under `accelerate launch`, started by the front door itself, against one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

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


# By which a process knows that a launcher started it.
LAUNCHED = ("ACCELERATE_MIXED_PRECISION", "WORLD_SIZE")


@pytest.fixture
def unlaunched(monkeypatch):
    """As in a shell, whatever other tests told this process; what `launch` would start."""
    started = []
    monkeypatch.setattr(sys, "argv", ["stages/train.py"])
    for name in LAUNCHED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TORCH_CPP_LOG_LEVEL", "ERROR")
    monkeypatch.setenv("DISTILL_PARENT", "1")  # so that `launch` changes it for this test alone
    monkeypatch.setattr("accelerate.commands.launch.launch_command", started.append)
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
    with pytest.raises(SystemExit) as ended:
        launch(make_settings(**{"runtime.accelerate_config": str(file)}).runtime)
    assert ended.value.code == 0 and os.environ["DISTILL_PARENT"] == str(os.getpid())
    assert (unlaunched[0].config_file, unlaunched[0].training_script) == (str(file), "stages/train.py")


def test_more_processes_than_the_machine_can_hold_are_refused(unlaunched, make_settings, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    with pytest.raises(SettingsError, match=r"^runtime\.processes: is 5; allowed on this machine: at most 4"):
        launch(make_settings(**{"runtime.processes": 5}).runtime)
    assert not unlaunched


def processes(marker: str) -> list[int]:
    """Those whose environment holds the marker."""
    holding = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if marker.encode() in (place / "environ").read_bytes():
                holding.append(int(place.name))
    return holding


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_those_that_train_together_end_with_the_one_that_launched_them(place, number):
    """A training too long to end by itself, killed while it trains."""
    params = yaml.safe_load(paths.PARAMS.read_text())
    params["train"]["steps"], params["runtime"]["checkpoint_steps"] = 20_000, 3
    paths.PARAMS.write_text(yaml.safe_dump(params))
    marker = f"TRAINED_IN={place}"
    name, _, value = marker.partition("=")
    # As in a shell: what a training before told this process would read as a launch.
    environment = {key: told for key, told in os.environ.items() if key not in LAUNCHED} | {name: value}
    with open(place / "log", "w") as log:
        stage = subprocess.Popen(
            [sys.executable, str(ROOT / "stages" / "train.py")], env=environment, stdout=log, stderr=log
        )
        try:
            wait_until(lambda: list(paths.checkpoints().glob("*/step-*")) or stage.poll() is not None, 120)
            assert stage.poll() is None and len(processes(marker)) == 3, (place / "log").read_text()
            stage.send_signal(number)
            assert stage.wait(10) == (-number if number == signal.SIGKILL else 128 + number)
            wait_until(lambda: not processes(marker), 10)
            assert processes(marker) == []
        finally:
            for left in processes(marker):
                os.kill(left, signal.SIGKILL)
    assert "Traceback" not in (place / "log").read_text()


def wait_until(true: Callable[[], object], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.02)
