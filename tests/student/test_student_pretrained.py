"""A student out of somebody's folder: whole and of the task's language, or refused in a line before anybody is paid."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from toy_student import CARD, settings, training_rows
from transformers import (
    BertConfig,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from distill import paths
from distill.errors import UserError
from distill.running import run_apart
from distill.settings import SettingsError
from distill.student.loading import new_student
from distill.student.tokenizing import train_tokenizer
from house import ROOT

CHINESE = ("退款", "投诉", "咨询")


def t5(folder, tokenizer=None):
    tokenizer = tokenizer or train_tokenizer(["a fork on the roof", "sink", "it is made of iron"], 512)
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=32, num_heads=2, num_layers=2, num_decoder_layers=2,
        decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def word_tokenizer():
    """A tokenizer that knows English words alone."""
    words = ["<pad>", "</s>", "<unk>", "sink", "shed", "shelf", "a", "fork"]
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return t5(tmp_path_factory.mktemp("t5"))


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "t5")


def load(folder, card=CARD, rows=None):
    return new_student(rows or training_rows(), card, settings({"name": str(folder)}))


def change_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def test_a_whole_folder_is_taken(whole):
    assert load(whole).plan.kind == "encoder_decoder"


@pytest.mark.parametrize(
    "name",
    ["encoder.block.1.layer.0.SelfAttention.q.weight", "decoder.final_layer_norm.weight", "shared.weight"],
)
def test_a_missing_weight_is_named(folder, name):
    change_weights(folder, lambda weights: weights.pop(name))
    with pytest.raises(SettingsError, match="cannot be loaded: weights are missing, which would be random numbers: "):
        load(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite_are_named(folder, value):
    def change(weights):
        weights["decoder.block.0.layer.2.DenseReluDense.wi.weight"][3, 4] = value

    change_weights(folder, change)
    with pytest.raises(SettingsError, match=r"weights are not finite numbers: decoder\.block\.0\.layer\.2\.Dense"):
        load(folder)


def truncated(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def huge_header(folder):
    (folder / "model.safetensors").write_bytes((2**60).to_bytes(8, "little") + b"{}")


def other_shape(folder):
    change_weights(folder, lambda weights: weights.update({"shared.weight": torch.zeros(5, 16)}))


def pickled(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'true'\ntR.")


def other_tokenizer(folder):
    train_tokenizer([f"word{i} {i * 7919}" for i in range(2000)], 2000).save_pretrained(folder)


def text_in(name, text):
    return lambda folder: (folder / name).write_text(text)


@pytest.mark.parametrize(
    "damage",
    [
        truncated, huge_header, other_shape, pickled, other_tokenizer,
        text_in("config.json", ""), text_in("config.json", "[]"), text_in("config.json", '{"model_type": "none"}'),
        text_in("config.json", '{"model_type": "t5", "d_model": -1, "vocab_size": 9}'),
        text_in("config.json", '{"model_type": "x", "auto_map": {"AutoConfig": "evil.Config"}}'),
        text_in("config.json", "[" * 10_000),
        text_in("tokenizer.json", "{"), text_in("tokenizer.json", "{}"), text_in("tokenizer_config.json", "[]"),
        text_in("model.safetensors", ""), text_in("model.safetensors", "version https://git-lfs.github.com/spec/v1"),
        lambda folder: (folder / "model.safetensors").unlink(),
        lambda folder: shutil.rmtree(folder) or folder.mkdir(),
    ],
)  # fmt: skip
def test_a_damaged_folder_is_refused_in_one_line(folder, damage):
    damage(folder)
    with pytest.raises(SettingsError, match=r"student\.name: .* cannot be loaded: ") as error:
        load(folder)
    assert "\n" not in str(error.value) and len(str(error.value)) < 600


def test_a_head_that_is_missing_is_drawn_and_an_encoder_that_is_not_whole_is_refused(tmp_path):
    tokenizer = train_tokenizer(["a fork on the roof"], 512)
    tokenizer.cls_token, tokenizer.sep_token = "</s>", "</s>"
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert load(tmp_path).plan.kind == "encoder"
    change_weights(tmp_path, lambda weights: weights.pop("encoder.layer.0.output.dense.weight"))
    with pytest.raises(SettingsError, match="weights are missing, which would be random numbers: "):
        load(tmp_path)


@pytest.mark.parametrize("kind", ["classes", "choices"])
def test_a_tokenizer_that_does_not_tell_labels_apart_is_refused(tmp_path, kind):
    folder = t5(tmp_path, word_tokenizer())
    rows = [replace(training_rows()[0], label=label, choices=CHINESE * (kind == "choices")) for label in CHINESE]
    card = replace(CARD, kind=kind, classes=CHINESE if kind == "classes" else ())
    with pytest.raises(SettingsError, match="its tokenizer does not tell the labels '退款' and '投诉' apart"):
        load(folder, card, rows)
    rows = [replace(row, label=label, choices=()) for row, label in zip(rows, CARD.classes, strict=True)]
    student = load(folder, CARD, rows)
    unknown = student.encode(rows).unknown_tokens(student.unknown())
    assert unknown["label"] == 0 and unknown["input"] > 0 and unknown["rationale"] > 0


def test_a_byte_level_tokenizer_tells_all_labels_apart(whole):
    rows = [replace(training_rows()[0], label=label) for label in CHINESE]
    student = load(whole, replace(CARD, classes=CHINESE), rows)
    assert student.encode(rows).unknown_tokens(student.unknown()) == {"input": 0, "label": 0, "rationale": 0}


def test_the_student_is_tried_before_anybody_is_paid(folder, tmp_path):
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["task"] |= {
        "path": str(ROOT / params["task"]["path"]),
        "train_rows": 60,
        "validation_rows": 9,
        "test_rows": 9,
    }
    params["student"]["name"] = str(folder)
    params["prompt"]["optimizer"] = "fixed"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))

    def run(stage):
        command = [sys.executable, str(ROOT / "stages" / f"{stage}.py")]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert run("prepare").returncode == 0 and run("optimize_prompt").returncode == 0
    change_weights(folder, lambda weights: weights.pop("shared.weight"))
    params["prompt"]["optimizer"] = "opro"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    line = next(
        place
        for place, text in enumerate((tmp_path / "params.yaml").read_text().splitlines(), 1)
        if str(folder) in text
    )
    for stage in ("prepare", "optimize_prompt", "annotate"):
        refused = run(stage)
        assert refused.returncode == 1 and "Traceback" not in refused.stderr
        assert refused.stderr.splitlines()[-1].startswith(
            f"{stage}: params.yaml:{line}: student.name: {str(folder)!r} (revision None) cannot be loaded: weights are"
        )
    assert not paths.store().exists(), "nobody was asked"


def test_a_process_of_its_own_ends_in_one_line_whatever_it_does(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for code, message in (
        ("raise ValueError('five')", r"loading: failed \(ValueError: five\)"),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            r"loading: failed \(signal 9, perhaps for want of mem",
        ),
        ("import sys; sys.exit(3)", r"loading: failed \(exit status 3\)"),
        ("import sys; sys.exit('own_module: a: is wrong')", r"^a: is wrong$"),
    ):
        (tmp_path / "own_module.py").write_text(code)
        with pytest.raises(UserError, match=message):
            run_apart("own_module", "loading")
    (tmp_path / "own_module.py").write_text("")
    run_apart("own_module", "loading")


def test_a_decoder_only_student_is_tried_in_the_same_way(tmp_path):
    tokenizer = train_tokenizer(["a fork on the roof"], 512)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_attention_heads=2, num_hidden_layers=1,
        pad_token_id=0, eos_token_id=1, bos_token_id=None,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert load(tmp_path).plan.kind == "decoder_only"
    index = {"metadata": {}, "weight_map": {"model.norm.weight": "model-00001-of-00002.safetensors"}}
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(SettingsError, match="cannot be loaded"):
        load(tmp_path)


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "model.ckpt", "weights.pkl"])
def test_pickled_weights_are_refused_also_beside_safetensors(folder, name, beside):
    if beside:
        shutil.copy(folder / "model.safetensors", folder / name)
    else:
        (folder / "model.safetensors").rename(folder / name)
    with pytest.raises(SettingsError, match=f"{name}: a pickle, which can run code when it is read; keep the weights"):
        load(folder)


def test_a_trainers_arguments_are_no_weights(folder):
    (folder / "training_args.bin").write_bytes(b"x")
    load(folder)


HOSTILE = {
    "code of its own": ("config.json", lambda text: text.replace("{", '{"auto_map": {"AutoModel": "evil.Model"},', 1)),
    "no JSON": ("config.json", lambda text: text[:40]),
    "a list": ("config.json", lambda text: "[]"),
    "a header without end": ("model.safetensors", lambda data: (2**62).to_bytes(8, "little") + data[8:]),
    "a header of nothing": ("model.safetensors", lambda data: bytes(8) + data[8:]),
    "half its weights": ("model.safetensors", lambda data: data[: len(data) // 2]),
    "no weights": ("model.safetensors", lambda data: b""),
    "a tokenizer that is no JSON": ("tokenizer.json", lambda text: "x"),
    "a tokenizer of nothing": ("tokenizer.json", lambda text: "{}"),
    "a tokenizer of another shape": ("tokenizer.json", lambda text: text.replace('"model"', '"modal"')),
    "negative sizes": ("config.json", lambda text: text.replace('"d_model": 16', '"d_model": -16')),
    "sizes that are words": ("config.json", lambda text: text.replace('"num_layers": 2', '"num_layers": "two"')),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_folder_is_refused_in_one_line(folder, name):
    file, change = HOSTILE[name]
    path = folder / file
    before = path.read_bytes() if file.endswith("safetensors") else path.read_text()
    after = change(before)
    assert after != before
    path.write_bytes(after if isinstance(after, bytes) else after.encode())
    with pytest.raises(UserError) as raised:
        load(folder)
    assert "\n" not in str(raised.value) and "cannot be loaded: " in str(raised.value) and len(str(raised.value)) < 900


def test_whatever_loads_a_model_is_told_to_run_no_code():
    """On the syntax tree: `from_pretrained` always gets NO_CODE. `datasets` runs no code since 4.0, and takes no such
    argument."""
    calls = [
        (file.name, node)
        for file in sorted((ROOT / "stages").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "from_pretrained"
    ]
    assert len(calls) >= 9
    for name, call in calls:
        spread = {keyword.value.id for keyword in call.keywords if keyword.arg is None and hasattr(keyword.value, "id")}
        assert "NO_CODE" in spread, f"{name}:{call.lineno}"
    assert int(importlib.metadata.version("datasets").split(".")[0]) >= 4
