"""The path of a real Llama with LoRA: a pretrained folder, GSM8K's files and people's solutions, stage by stage."""

from __future__ import annotations

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from distill.student.tokenizing import train_tokenizer
from scratch import new

pytestmark = pytest.mark.whole

SIZES = {
    "task.name": "gsm8k",
    "task.overlap": "allow",  # these rows differ in numbers alone
    "task.path": "data/gsm8k",
    "task.train_rows": "all",
    "task.validation_rows": 4,
    "task.test_rows": "all",
    "prompt.optimizer": "fixed",
    "prompt.search_rows": 4,
    "prompt.holdout_rows": 4,
    "annotate.rationale_source": "human",
    "annotate.validation_rows": 0,
    "annotate.test_rows": 0,
    "student.name": "pretrained",
    "student.lora.rank": 2,
    "train.steps": 5,
    "train.batch_rows": 4,
    "train.warmup_steps": 1,
    "train.evaluate_every": 5,
    "train.embedding_learning_rate": None,
    "evaluate.rationale_rows": 2,
    "runtime.speed_rows": 0,
}


def solved(split: str, count: int) -> list[dict[str, str]]:
    """Rows as GSM8K's files have them."""
    return [
        {
            "question": f"A {split} crate holds {n} jars and {n + 3} tins. How many things are in two crates?",
            "answer": f"One crate holds {n}+{n + 3}=<<{n}+{n + 3}={2 * n + 3}>>{2 * n + 3} things.\n"
            f"Two hold {2 * n + 3}*2={4 * n + 6}.\n#### {4 * n + 6}",
        }
        for n in range(2, 2 + count)
    ]


def test_a_pretrained_decoder_with_adapters_goes_through_the_whole_pipeline(tmp_path):
    clone = new(tmp_path, **SIZES)
    rows = {split: solved(split, count) for split, count in (("train", 16), ("test", 4))}
    (clone.path / "data/gsm8k").mkdir()
    for split, some in rows.items():
        (clone.path / f"data/gsm8k/{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some))
    tokenizer = train_tokenizer([text for row in rows["train"] for text in row.values()], 512)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=512,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        bos_token_id=None,
        eos_token_id=1,
    )
    for made in (LlamaForCausalLM(config), tokenizer):
        made.save_pretrained(clone.path / "pretrained")

    clone.repro("evaluate")

    trained, found = clone.json("metrics/train.json"), clone.json("metrics/evaluate.json")
    assert 0 < trained["trained_parameters"] < trained["parameters"] / 2, "the adapters alone are trained"
    assert trained["rationale"]["coverage"] == 1.0 and trained["rows"] == 12 and trained["steps"] == 5
    assert found["student"]["label"]["exact_match"] == found["student"]["label"]["accuracy"]
    assert found["untrained"]["label"]["accuracy"] <= 1 and found["cascade"]["threshold"] is None
    assert found["rows"] == 4 and 0 <= found["student"]["label"]["accuracy"] <= 1
    assert clone.json("metrics/annotate.json")["train"]["rows"] == 12
    predictions = [json.loads(line) for line in (clone.path / "data/predictions.jsonl").read_text().splitlines()]
    assert sorted(row["gold"] for row in predictions) == ["14", "18", "22", "26"]
    assert sum(row["rationale"] is not None for row in predictions) == 2
    before, after = (
        AutoModelForCausalLM.from_pretrained(clone.path / place) for place in ("pretrained", "data/student")
    )
    name = "model.layers.0.mlp.up_proj.weight"
    assert set(before.state_dict()) == set(after.state_dict()), "the adapters are merged"
    assert not torch.equal(before.state_dict()[name], after.state_dict()[name])

    assert {row["predicted"] for row in clone.json("metrics/plots/confusion.json")} <= {"right", "wrong", "no answer"}
    assert {row["gold"] for row in clone.json("metrics/plots/confusion.json")} == {"number"}
    clone.repro("report")
    page = (clone.path / "metrics/report.html").read_text()
    assert "People labelled 12" in page and "no teacher was asked" in page and "simulated</strong>" not in page
    assert "no classes that could be confused" in page
