import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from toy_student import CARD, examples, settings, training_rows
from transformers import modeling_utils

from distill.settings import SettingsError
from distill.settings.student import ScratchSettings
from distill.student import compute
from distill.student.architecture import EncodedRows
from distill.student.batching import BatchSchedule
from distill.student.loading import new_student
from distill.student.trainer import MicroBatches, TwoTaskTrainer, training_arguments
from distill.student.training import train_student

SHORT = {"steps": 6, "evaluate_every": 3, "warmup_steps": 0}
KINDS = ("encoder_decoder", "decoder_only", "encoder")


def train(tmp_path, name, **changed):
    out = tmp_path / name
    train_student(
        training_rows(0.5), examples()[:12], CARD, settings(**(SHORT | changed)), out, out.with_suffix(".json")
    )
    return json.loads(out.with_suffix(".json").read_text()), load_file(out / "model.safetensors")


def test_parts_of_a_step_are_its_rows_in_order():
    schedule = BatchSchedule([3, 1, 2, 9, 4, 7, 5, 6], 4, 3, 1)
    parts = MicroBatches(schedule, 2)
    assert [len(part) for part in parts] == [2] * 6 and len(parts) == 6
    assert [a + b for a, b in zip(*[iter(parts)] * 2, strict=True)] == list(schedule)


@pytest.mark.parametrize(
    "options",
    [{}, {"soft_labels": 0.5, "label_smoothing": 0.1, "missing_rationale": "empty"}],
    ids=["plain", "options"],
)
@pytest.mark.parametrize(
    ("kind", "mode"), [*[(kind, "step_by_step") for kind in KINDS], *[(kind, "single_task") for kind in KINDS[:2]]]
)
def test_the_parts_of_a_step_lose_what_the_whole_step_loses(kind, mode, options):
    """Half of the rows have a rationale, and texts differ in length: means of means would be others."""
    mutual = 0.1 if options and mode == "step_by_step" and kind != "encoder" else 0.0
    data = [replace(row, label_probabilities={"shelf": 0.3, "shed": 0.2, "sink": 0.5}) for row in training_rows(0.5)]
    made = settings(
        mode=mode,
        student={"scratch": ScratchSettings(kind, 512, 32, 64, 2, 1, 1, 0.0)},
        mutual_information=mutual,
        **options,
    )
    model = new_student(data, CARD, made).eval()
    rows = model.encode(data)
    whole = list(range(4, 60, 7))
    batches = [model.collate(rows, part) for part in (whole[:3], whole[3:4], whole[4:])]
    expected = model(model.collate(rows, whole))
    targets = torch.stack([model.targets(batch) for batch in batches]).sum(0)
    losses = [model(batch) for batch in batches]
    for batch, found in zip(batches, losses, strict=True):
        assert model.targets(batch)[:2].tolist() == pytest.approx(
            [found.label_tokens.item(), found.rationale_tokens.item()]
        )
    shares = torch.stack([found.shares(targets).means() for found in losses]).sum(0)
    assert shares.tolist() == pytest.approx(expected.means().tolist(), abs=1e-5)
    assert (expected.mutual != 0) == bool(mutual)
    assert losses[0].label_tokens + losses[1].label_tokens < expected.label_tokens


@pytest.mark.parametrize("mode", ["standard", "step_by_step"])
def test_accumulation_changes_no_loss(tmp_path, mode):
    curve, weights = train(tmp_path, "whole", mode=mode)
    parts, same = train(tmp_path, "parts", mode=mode, gradient_accumulation=4)
    for ours, theirs in zip(parts, curve, strict=True):
        assert ours == {
            name: None if value is None else pytest.approx(value, abs=1e-5) for name, value in theirs.items()
        }
    assert max((weights[name] - same[name]).abs().max().item() for name in weights) < 1e-4


def test_computing_a_step_in_several_passes_changes_no_loss(tmp_path, monkeypatch):
    monkeypatch.setattr(EncodedRows, "lengths", lambda self: [1] * len(self))  # rows of all lengths share a batch
    curve, weights = train(tmp_path, "whole")
    monkeypatch.setattr(compute, "PASS_FLOP", {"cpu": 0})
    passes = []
    original = TwoTaskTrainer.compute_loss
    monkeypatch.setattr(
        TwoTaskTrainer,
        "compute_loss",
        lambda self, model, inputs, *a, **k: passes.append(len(inputs)) or original(self, model, inputs, *a, **k),
    )
    cut, same = train(tmp_path, "cut")
    assert len(passes) == SHORT["steps"] and max(passes) > 1
    for ours, theirs in zip(cut, curve, strict=True):
        assert ours == {
            name: None if value is None else pytest.approx(value, abs=1e-5) for name, value in theirs.items()
        }
    assert max((weights[name] - same[name]).abs().max().item() for name in weights) < 1e-4


def test_gradient_checkpointing_changes_no_loss(tmp_path, monkeypatch):
    runs = []
    original = modeling_utils.checkpoint
    monkeypatch.setattr(modeling_utils, "checkpoint", lambda *a, **k: runs.append(1) or original(*a, **k))
    changed = {"student": {"scratch": ScratchSettings("encoder_decoder", 512, 32, 64, 2, 1, 1, 0.2)}}
    plain = train(tmp_path, "plain", **changed)
    assert not runs
    again = train(tmp_path, "again", gradient_checkpointing=True, **changed)
    assert runs
    assert again[0] == [{name: pytest.approx(value, abs=1e-5) for name, value in row.items()} for row in plain[0]]


def test_bf16_is_used_in_the_forward_pass_alone(tmp_path, monkeypatch):
    seen = set()
    original = TwoTaskTrainer.compute_loss

    def compute(self, *given, **named):
        handle = self.student.model.lm_head.register_forward_hook(lambda module, inputs, output: seen.add(output.dtype))
        loss = original(self, *given, **named)
        handle.remove()
        return loss

    monkeypatch.setattr(TwoTaskTrainer, "compute_loss", compute)
    fp32, _ = train(tmp_path, "fp32")
    assert seen == {torch.float32}
    seen.clear()
    bf16, weights = train(tmp_path, "bf16", precision="bf16")
    assert seen == {torch.bfloat16}
    assert {value.dtype for value in weights.values()} == {torch.float32}
    assert fp32 != bf16
    assert bf16[-1]["loss"] == pytest.approx(fp32[-1]["loss"], rel=0.05)


def test_bf16_on_a_gpu_that_cannot_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla P100")
    with pytest.raises(SettingsError, match=r"train\.precision: is bf16, which Tesla P100 cannot; set it to fp32"):
        training_arguments(settings(precision="bf16").train, torch.device("cuda"), tmp_path)


def test_rows_that_cannot_be_dealt_out_are_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(
        SettingsError, match=r"train.batch_rows: is 16; it must be a multiple of 6: .*\(2\) times the processes \(3\)"
    ):
        training_arguments(settings(gradient_accumulation=2).train, torch.device("cpu"), tmp_path)


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_rates_and_decay_hold_for_every_optimizer(tmp_path, optimizer):
    """With a rate of next to nothing only the embeddings move, and where nothing is learnt decay alone is seen."""
    still, changed = 1e-12, {"optimizer": optimizer, "schedule": "constant", "steps": 2, "evaluate_every": 2}
    rates = {"learning_rate": still, "embedding_learning_rate": 1e-2}
    before = new_student(training_rows(0.5), CARD, settings()).model.state_dict()
    _, weights = train(tmp_path, "moved", **changed, **rates)
    assert weights["shared.weight"].sub(before["shared.weight"]).abs().max() > 1e-3
    others = [name for name in weights if name != "shared.weight"]
    assert max((weights[name] - before[name]).abs().max().item() for name in others) < 1e-6
    _, decayed = train(
        tmp_path, "decayed", **changed, learning_rate=still, embedding_learning_rate=still, weight_decay=0.25 / still
    )
    kernel, norm = "decoder.block.0.layer.0.SelfAttention.q.weight", "decoder.final_layer_norm.weight"
    assert decayed[kernel] == pytest.approx(before[kernel] * 0.75**2, abs=1e-5)
    assert decayed[norm] == pytest.approx(before[norm], abs=1e-5)
