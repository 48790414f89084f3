"""Two processes, with weights spread over both (FSDP) and without, against one.

They are forks of this process, with what `accelerate launch` would tell them of the README's configuration file in
their environment: to start Python and torch anew takes longer than all that is tested here.
"""

import json
import os
import re
import signal
import socket
import sys
import traceback
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
import yaml
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.state import AcceleratorState
from accelerate.utils.launch import prepare_multi_gpu_env
from safetensors.torch import load_file
from toy_student import CARD, CLASSES, RUNTIME, STUDENT, examples, settings, training_rows
from transformers import BartConfig, BartForConditionalGeneration, T5Config, T5ForConditionalGeneration

from distill.settings import SettingsError
from distill.settings.student import LoraSettings
from distill.student import processes, sharding, training
from distill.student.loading import load_student, new_student, save_student
from distill.student.trainer import TwoTaskTrainer
from distill.student.training import train_student
from house import ROOT

pytestmark = pytest.mark.whole

ENCODER = {"scratch": replace(STUDENT.scratch, architecture="encoder")}
# Two rows a micro-batch, of which few have a rationale: at most steps only one process has one, or none.
FEW = {"share": 0.2, "train": {"gradient_accumulation": 4}}
CASES = {
    "tied": {"spread": True, **FEW},
    "untied": {
        "spread": True,
        "share": 0.2,
        "student": {"name": "hub/t5"},
        "train": {"gradient_accumulation": 4, "task_token": "prefix"},
    },
    "bart": {"spread": True, "student": {"name": "hub/bart"}},
    "adapters": {"spread": True, "student": {"name": "hub/llama", "lora": LoraSettings(4, 16.0, 0.0, ())}, **FEW},
    "bf16": {"spread": True, "train": {"precision": "bf16", "gradient_checkpointing": True}},
    "plain": {"spread": False},
    "classes": {"spread": False, "student": ENCODER},
    "choices": {"spread": False, "student": ENCODER, "choices": True},
}
COUNTED = ("parameters", "trained_parameters", "rows", "compute")


def train(folder, name, spread, share=0.5, student=None, train=None, choices=False):
    made = settings(student, **({"steps": 12, "evaluate_every": 5, "warmup_steps": 0} | (train or {})))
    made = replace(made, runtime=SimpleNamespace(**(vars(RUNTIME) | {"checkpoint_steps": 4})))
    rows, validation, card = training_rows(share), examples()[:12], CARD
    if choices:
        rows = [replace(row, choices=CLASSES[: 2 + (row.label == "sink")]) for row in rows]
        validation = [replace(row, choices=CLASSES) for row in validation]
        card = replace(CARD, kind="choices", classes=())
    return train_student(rows, validation, card, made, folder / name, folder / f"{name}.json")


def kill_at(step):
    """The second process kills itself as the step's losses are computed."""
    original = TwoTaskTrainer.compute_loss

    def compute(self, *given, **named):
        if self.state.global_step == step and not processes.is_first():
            os.kill(os.getpid(), signal.SIGKILL)
        return original(self, *given, **named)

    TwoTaskTrainer.compute_loss = compute


def launched(folder):
    """What accelerate makes of the file in docs/training.md, but for the devices."""
    text = (ROOT / "docs/training.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?distributed_type: FSDP.*?)```", text, re.S)
    file = folder / "fsdp.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(block) | {"num_processes": 2, "use_cpu": True}))
    arguments, _, _ = _validate_launch_command(
        launch_command_parser().parse_args(["--config_file", str(file), "--main_process_port", "0", "train.py"])
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    return prepare_multi_gpu_env(arguments) | place | {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}


def together(folder, run):
    """Runs `run` in two processes; their exit codes, and what the first said."""
    environment = launched(folder)
    said = folder / "said"
    children = []
    for rank in range(2):
        child = os.fork()
        if child == 0:
            signal.alarm(120)
            os.dup2(os.open(said if rank == 0 else os.devnull, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
            sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
            code = 1
            try:
                os.environ.update(
                    environment, RANK=str(rank), LOCAL_RANK=str(rank), DISTILL_STORE=str(folder / "store" / "x.sqlite")
                )
                os.chdir(folder)
                AcceleratorState._reset_state(reset_partial_state=True)
                run()
                code = 0
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    return codes, said.read_text(encoding="utf-8")


def case(folder, name, saved_as=None):
    os.environ["ACCELERATE_USE_FSDP"] = str(CASES[name]["spread"]).lower()
    os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = str(name != "bart").lower()
    trained = train(folder, saved_as or name, **CASES[name])
    if trained:
        (folder / f"{name}-metrics.json").write_text(json.dumps(trained.metrics))


def pretrained(name, folder):
    """A tiny model of the kind in a folder, as the hub has them."""
    made = settings(
        {"scratch": replace(STUDENT.scratch, architecture="decoder_only" if name == "llama" else "encoder_decoder")}
    )
    student = new_student(training_rows(), CARD, made)
    if name == "t5":
        student.model = T5ForConditionalGeneration(
            T5Config(**student.model.config.to_dict() | {"tie_word_embeddings": False})
        )
    if name == "bart":
        sizes = {
            f"{part}_{size}": value
            for part in ("encoder", "decoder")
            for size, value in [("layers", 1), ("attention_heads", 2), ("ffn_dim", 64)]
        }
        tokens = {
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 1,
            "decoder_start_token_id": 1,
            "forced_eos_token_id": None,
        }
        student.model = BartForConditionalGeneration(
            BartConfig(vocab_size=len(student.tokenizer), d_model=32, dropout=0.0, **sizes, **tokens)
        )
    save_student(student, folder)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The folder in which two processes have trained CASES."""
    folder = tmp_path_factory.mktemp("together")
    for name in ("llama", "t5", "bart"):
        pretrained(name, folder / "hub" / name)
    codes, said = together(folder, lambda: [case(folder, name) for name in CASES])
    assert codes == [0, 0], said
    return folder


@pytest.mark.parametrize("name", CASES)
def test_two_processes_give_the_losses_and_weights_of_one(place, tmp_path, monkeypatch, name):
    monkeypatch.chdir(place)
    alone = train(tmp_path, name, **CASES[name]).metrics
    metrics = json.loads((place / f"{name}-metrics.json").read_text())
    assert [metrics[counted] for counted in COUNTED] == [alone[counted] for counted in COUNTED]
    curves = (json.loads((folder / f"{name}.json").read_text()) for folder in (place, tmp_path))
    load_student(place / name)
    for ours, theirs in zip(*curves, strict=True):
        if name == "bf16":
            # Two processes round other parts of a step than one does.
            assert ours["loss"] == pytest.approx(theirs["loss"], abs=0.02)
        else:
            assert ours == {key: pytest.approx(value, abs=2e-5) for key, value in theirs.items()}
    if name != "bf16":
        ours, theirs = (load_file(folder / name / "model.safetensors") for folder in (place, tmp_path))
        assert ours.keys() == theirs.keys()
        for key, value in theirs.items():
            torch.testing.assert_close(ours[key], value, atol=2e-4, rtol=0)


@pytest.mark.parametrize("name", ["tied", "plain"])
def test_a_run_of_two_processes_goes_on_after_a_kill_to_the_same_bytes(place, name):
    codes, _ = together(place, lambda: (kill_at(9), case(place, name, "again")))
    assert codes == [1, -signal.SIGKILL]
    parts = {file.name for file in place.glob("store/checkpoints/*/step-8/pytorch_model_fsdp_0/*.distcp")}
    # Each process has written its own part of the weights, where they were spread.
    assert parts == ({"__0_0.distcp", "__1_0.distcp"} if name == "tied" else set())
    codes, said = together(place, lambda: case(place, name, "again"))
    assert codes == [0, 0], said
    assert "goes on after step 8" in said
    assert (place / "again.json").read_bytes() == (place / f"{name}.json").read_bytes()
    for file in (place / name).iterdir():
        assert (place / "again" / file.name).read_bytes() == file.read_bytes()


def test_the_checkpoints_of_spread_weights_are_no_others(tmp_path, monkeypatch):
    def key():
        place = training._place(training_rows(), examples(), CARD, settings(), tmp_path)
        place.release(True)
        return place.key

    whole = key()
    monkeypatch.setenv("FSDP_STATE_DICT_TYPE", "FULL_STATE_DICT")
    assert key() == whole
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    full = key()
    monkeypatch.setenv("FSDP_STATE_DICT_TYPE", "SHARDED_STATE_DICT")
    assert len({whole, full, key()}) == 3


def refused(monkeypatch, kind="encoder_decoder", buffer=None, environment=(), **changed):
    for key, value in ({"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"} | dict(environment)).items():
        monkeypatch.setenv(key, value)
    student = torch.nn.Linear(1, 1)
    student.plan = SimpleNamespace(kind=kind)
    if buffer:
        student.register_buffer(buffer, torch.zeros(1))
    with pytest.raises(SettingsError) as raised:
        sharding.check_sharding(student, SimpleNamespace(coverage=0.5), settings(**changed).train)
    return str(raised.value)


def test_what_cannot_be_spread_is_refused_with_a_way_out(monkeypatch):
    sharding.check_sharding(
        SimpleNamespace(plan=SimpleNamespace(kind="encoder")),
        SimpleNamespace(coverage=0.5),
        settings(optimizer="adafactor").train,
    )
    with monkeypatch.context() as patch:
        deepspeed = {"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_USE_FSDP": "false"}
        assert "set distributed_type to FSDP" in refused(patch, environment=deepspeed)
    assert "fsdp_version is 1; set it to 2" in refused(monkeypatch, environment={"FSDP_VERSION": "1"})
    assert "choose MULTI_GPU" in refused(monkeypatch, kind="encoder")
    assert "set it to adamw" in refused(monkeypatch, optimizer="adafactor")
    assert "train.mutual_information: is 0.1" in refused(monkeypatch, mutual_information=0.1)
    efficient = {"FSDP_CPU_RAM_EFFICIENT_LOADING": "true"}
    assert "cannot hand out final_logits_bias" in refused(
        monkeypatch, buffer="final_logits_bias", environment=efficient
    )
