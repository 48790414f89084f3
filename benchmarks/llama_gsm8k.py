"""A tiny Llama with LoRA on GSM8K through the whole pipeline: the path that a real 8B student would take.

    python benchmarks/llama_gsm8k.py --data FOLDER                    train.jsonl and test.jsonl as they are published
    python benchmarks/llama_gsm8k.py --data FOLDER --mode single_task the solution is written before the number

A Llama of the given sizes is trained as a language model on the questions of the train rows alone, which stands in for
pretraining, and saved as a Hugging Face folder. In a scratch clone of this repository, `dvc repro evaluate` then runs
the stages with that folder as `student.name`, adapters of `--rank`, and people's solutions as the rationales
(`annotate.rationale_source: human`); no teacher is asked. One JSON line comes out: the exact match of the final number
on the test rows, with its interval, the parameters trained, the compute and the minutes. A model of this size does not
learn arithmetic; what the run shows is that every stage takes it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "stages"))

import torch  # noqa: E402
import yaml  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402

from distill.student.batching import mask, padded  # noqa: E402
from distill.student.tokenizing import train_tokenizer  # noqa: E402

VOCABULARY = 4000


def pretrained(folder: Path, rows: list[dict[str, str]], hidden: int, layers: int, steps: int) -> None:
    """Writes the folder of a Llama that has read the questions."""
    torch.manual_seed(1)
    tokenizer = train_tokenizer([text for row in rows for text in row.values()], VOCABULARY)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=hidden, intermediate_size=3 * hidden, num_hidden_layers=layers,
        num_attention_heads=hidden // 32,
        tie_word_embeddings=True, bos_token_id=None, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, fused=True)
    ids = tokenizer([row["question"] for row in rows], truncation=True, max_length=128)["input_ids"]
    for step in range(steps):
        batch = [ids[index] for index in torch.randint(len(ids), (16,)).tolist()]
        tokens, seen = padded(batch, tokenizer.pad_token_id), mask(batch)
        loss = model(input_ids=tokens, attention_mask=seen, labels=tokens.masked_fill(seen == 0, -100)).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if step % 50 == 0 or step == steps - 1:
            print(f"pretraining {step + 1}/{steps}  loss {loss.item():.2f}", file=sys.stderr)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def changed(params: dict[str, Any], changes: dict[str, Any]) -> str:
    """params.yaml with other values."""
    for dotted, value in changes.items():
        *sections, key = dotted.split(".")
        place = params
        for section in sections:
            place = place[section]
        if key not in place:
            sys.exit(f"{dotted} is not in params.yaml")
        place[key] = value
    return yaml.safe_dump(params, sort_keys=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--mode", choices=("step_by_step", "single_task", "standard"), default="step_by_step")
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--pretraining-steps", type=int, default=200)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch-rows", type=int, default=16)
    parser.add_argument("--test-rows", type=int, default=500)
    given = parser.parse_args()
    torch.set_num_threads(1)
    started = time.monotonic()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "DISTILL_"))}
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        rows = [json.loads(line) for line in (given.data / "train.jsonl").read_text(encoding="utf-8").splitlines()]
        pretrained(clone / "pretrained", rows, given.hidden, given.layers, given.pretraining_steps)
        params = yaml.safe_load((clone / "params.yaml").read_text(encoding="utf-8"))
        changes = {
            "task.name": "gsm8k", "task.path": str(given.data.resolve()), "task.train_rows": "all",
            "task.validation_rows": 200,
            "task.test_rows": given.test_rows, "prompt.optimizer": "fixed", "annotate.rationale_source": "human",
            "annotate.validation_rows": 0, "annotate.test_rows": 0, "student.name": "pretrained",
            "student.lora.rank": given.rank,
            "student.max_input_tokens": 200, "student.max_rationale_tokens": 160, "train.mode": given.mode,
            "train.label_weight": 0.5,
            "train.steps": given.steps, "train.batch_rows": given.batch_rows, "train.learning_rate": 0.002,
            "train.embedding_learning_rate": None,
            "train.evaluate_every": math.ceil(given.steps / 2), "train.warmup_steps": 20, "evaluate.rationale_rows": 20,
        }  # fmt: skip
        (clone / "params.yaml").write_text(changed(params, changes), encoding="utf-8")
        subprocess.run(
            [sys.executable, "-m", "dvc", "repro", "evaluate"],
            cwd=clone,
            env=environment,
            stdout=sys.stderr,
            check=True,
        )
        trained, found = (json.loads((clone / f"metrics/{stage}.json").read_text()) for stage in ("train", "evaluate"))
    label = found["student"]["label"]
    print(json.dumps({
        "mode": given.mode, "rank": given.rank, "parameters": trained["parameters"],
        "trained_parameters": trained["trained_parameters"],
        "steps": trained["steps"], "batch_rows": given.batch_rows, "tflop": round(trained["compute"]["tflop"], 2),
        "train_rows": trained["rows"],
        "rationale_coverage": trained["rationale"]["coverage"], "test_rows": found["rows"],
        "exact_match": {name: label[name] for name in label if name.startswith("accuracy")},
        "minutes": round((time.monotonic() - started) / 60, 1),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
