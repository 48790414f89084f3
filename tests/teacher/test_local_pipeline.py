"""The pipeline with a local teacher, as a user runs it: ten rows by a real model, and again without it."""

from __future__ import annotations

import pytest
from small_model import MODEL, SHA256, small_model

from scratch import new

pytestmark = pytest.mark.whole

SMALL = {
    "task.train_rows": 10, "task.validation_rows": 10, "task.test_rows": 10, "annotate.validation_rows": 0,
    "annotate.test_rows": 0, "prompt.optimizer": "fixed",
}  # fmt: skip


def test_ten_rows_are_annotated_by_a_model_and_taken_from_the_store_without_it(tmp_path):
    file = small_model()
    clone = new(tmp_path, **SMALL)
    teacher = [
        f"teacher.provider=local teacher.model={MODEL} teacher.local.sha256={SHA256} teacher.local.context_tokens=512",
        f"runtime.local.file={file} runtime.local.threads=1 teacher.max_tokens=24 annotate.max_failed_share=1",
    ]
    settings = [word for setting in " ".join(teacher).split() for word in ("-S", setting)]
    output = clone.dvc("exp", "run", *settings, "annotate")
    assert f"annotate: llama.cpp loads {file}: 4 slots of 512 tokens, threads: 1\n" in output
    metrics = clone.json("metrics/annotate.json")
    assert metrics["teacher"] == f"{MODEL}, a GGUF file on this machine (SHA-256 {SHA256[:12]}…)"
    cost = metrics["cost"]["train"]
    assert (cost["calls"], cost["usd"]) == (10, None) and cost["tokens_in"] > 500 and 10 <= cost["tokens_out"] <= 240
    annotated = (clone.path / "data/annotated/train.jsonl").read_bytes()
    assert len(annotated.splitlines()) == 10

    clone.set(**{"runtime.local.file": None})
    output = clone.dvc("repro", "-f", "-s", "annotate")
    assert "llama.cpp" not in output
    assert (clone.path / "data/annotated/train.jsonl").read_bytes() == annotated
    assert clone.json("metrics/annotate.json") == metrics
