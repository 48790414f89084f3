"""How much of a chip's matrix-product rate training reaches, for our arrangement of a step and the published one.

    python benchmarks/gpu_training.py --device cuda --shapes t5-base t5-large
    python benchmarks/gpu_training.py --device cpu --shapes tiny --steps 3        a smoke test of the script itself

What is measured are shapes, not weights: the sizes of T5-base and T5-large (arXiv 1910.10683, section 3.7) with
random weights, on random tokens whose lengths are spread as CommonsenseQA's and PaLM-540B's rationales are
(inputs 48 tokens on average, labels 3, rationales 28, the longest 62). bf16 autocast over fp32 weights, fused AdamW,
64 rows a step as in arXiv 2403.15886. Ours: task token in the decoder, rows of like length together. Published:
benchmarks/published.py, rows drawn at random. Collating and copying to the device are timed, as training does both.

One JSON line a shape comes out: `matmul_tflop_s`, the rate of a large bf16 product in the same run; and for each
arrangement rows and real tokens (padding is none) a second, the operations that the step's padded tensors need
(distill.student.compute), their share of that rate, the share that would be left without padding's operations, and
the ten kernels that take longest, with their shares of the time.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from published import Collator, Feature, PublishedStep, random_batches
from speed_rows import settings_of
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from distill.rows.records import TaskCard, TrainingRow
from distill.student.architecture import Architecture, EncodedRows
from distill.student.batching import POOL, BatchSchedule
from distill.student.compute import gflop_per_step, passes
from distill.student.loading import new_student

SHAPES = {
    "tiny": {"d_model": 64, "d_ff": 128, "heads": 4, "encoder_layers": 2, "decoder_layers": 2},
    "t5-base": {"d_model": 768, "d_ff": 3072, "heads": 12, "encoder_layers": 12, "decoder_layers": 12},
    "t5-large": {"d_model": 1024, "d_ff": 4096, "heads": 16, "encoder_layers": 24, "decoder_layers": 24},
}
VOCABULARY = {"tiny": 600, "t5-base": 32_128, "t5-large": 32_128}
PREFIX = [5, 6]  # the tokens of a prefix
Step = Callable[[], None]


def student_of(shape: str, device: torch.device) -> Architecture:
    """A T5 of the shape with random weights, which tells its tasks by the decoder's token."""
    settings = settings_of("default")
    sizes = replace(
        settings.student.scratch, architecture="encoder_decoder", vocabulary=600, dropout=0.1, **SHAPES[shape]
    )
    settings = replace(
        settings, student=replace(settings.student, scratch=sizes), train=replace(settings.train, task_token="decoder")
    )
    row = TrainingRow("1", "words of no meaning", "label", "a rationale of some more words")
    student = new_student([row], TaskCard("shapes", "classes", "", (), {}, ("label",)), settings)
    student.model.resize_token_embeddings(VOCABULARY[shape])
    return student.to(device).train()


def synthetic(rows: int, vocabulary: int, numbers: random.Random) -> EncodedRows:
    """Random tokens of the lengths that the module names."""

    def texts(mean: float, spread: float, least: int, most: int) -> list[list[int]]:
        middle = math.log(mean) - spread**2 / 2
        lengths = (min(max(round(numbers.lognormvariate(middle, spread)), least), most) for _ in range(rows))
        return [[numbers.randrange(10, vocabulary) for _ in range(length)] for length in lengths]

    return EncodedRows(texts(48, 0.2, 25, 101), texts(3, 0.4, 2, 7), texts(28, 0.35, 8, 62))


def features(rows: EncodedRows) -> list[Feature]:
    """The same rows as the published arrangement reads them."""
    return [
        {
            "label": {"input_ids": PREFIX + given, "labels": label},
            "rationale": {"input_ids": PREFIX + given, "labels": told or []},
        }
        for given, label, told in zip(rows.inputs, rows.labels, rows.rationales, strict=True)
    ]


def matmul_rate(device: torch.device, size: int) -> float:
    """FLOP a second of bf16 products of square matrices, the best of some."""
    one, other = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    best = math.inf
    for _ in range(8):
        synchronized(device)
        started = time.perf_counter()
        one @ other
        synchronized(device)
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def synchronized(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def stepper(student: Architecture, losses: Iterator[Callable[[], Tensor]], device: torch.device) -> Step:
    """A training step on what comes next."""
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        with torch.autocast(device.type, dtype=torch.bfloat16):
            loss = next(losses)()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def moved(batch: dict[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """As DataLoader and Trainer do it: from pinned memory, without waiting."""
    return {
        name: (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)
        for name, tensor in batch.items()
    }


def kernels(step: Step, steps: int, device: torch.device) -> list[dict[str, Any]]:
    """The ten kernels that take longest over some steps."""
    cuda = device.type == "cuda"
    with profile(activities=[ProfilerActivity.CUDA if cuda else ProfilerActivity.CPU]) as profiled:
        for _ in range(steps):
            step()
        synchronized(device)
    spent = {
        event.key: event.self_device_time_total if cuda else event.self_cpu_time_total
        for event in profiled.key_averages()
    }
    everything = sum(spent.values()) or 1.0
    return [
        {"kernel": name[:80], "share": round(time / everything, 3)}
        for name, time in sorted(spent.items(), key=lambda item: -item[1])[:10]
    ]


def measured(step: Step, steps: int, warm: int, device: torch.device) -> float:
    """Seconds a step."""
    for _ in range(warm):
        step()
    synchronized(device)
    started = time.perf_counter()
    for _ in range(steps):
        step()
    synchronized(device)
    return (time.perf_counter() - started) / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=["t5-base", "t5-large"])
    parser.add_argument("--rows", type=int, default=64, help="rows a step")
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--warm", type=int, default=5, help="steps before the clock starts")
    given = parser.parse_args()
    device = torch.device(given.device)
    torch.set_num_threads(1)
    torch.manual_seed(1)
    for shape in given.shapes:
        rate = matmul_rate(device, 8192 if device.type == "cuda" else 512)
        numbers = random.Random(1)
        student, rows = student_of(shape, device), synthetic(given.rows * POOL * 4, VOCABULARY[shape], numbers)
        grouped = BatchSchedule(rows.lengths(), given.rows, given.steps, 1).batches
        drawn = random_batches(grouped, 1)
        twice, collate = features(rows), Collator(student.model.config.pad_token_id)

        def ours(batch: list[int], student: Architecture = student, rows: EncodedRows = rows) -> Tensor:
            parts = [student.collate(rows, part).to(device) for part in passes(student, rows, batch)]
            targets = torch.stack([student.targets(part) for part in parts]).sum(0)
            return torch.stack([student(part).shares(targets).total(0.5) for part in parts]).sum()

        def published(
            batch: list[int], student: Architecture = student, twice: list[Feature] = twice, collate: Collator = collate
        ) -> Tensor:
            both = collate([twice[index] for index in batch])
            label, rationale = (student.model(**moved(both[task], device)).loss for task in ("label", "rationale"))
            return 0.5 * label + 0.5 * rationale

        result: dict[str, Any] = {
            "shape": shape,
            "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
            "rows": given.rows,
        }
        result |= {"parameters": sum(p.numel() for p in student.parameters()), "matmul_tflop_s": round(rate / 1e12, 3)}
        real = sum(rows.lengths()[index] for batch in grouped for index in batch) / len(grouped)
        needed = gflop_per_step(student, rows, [[index] for batch in grouped[:POOL] for index in batch]) * given.rows
        for name, loss, batches in (("ours", ours, grouped), ("published", published, drawn)):
            step = stepper(
                student, itertools.cycle([lambda batch=batch, loss=loss: loss(batch) for batch in batches]), device
            )
            seconds = measured(step, given.steps, given.warm, device)
            flop = (
                gflop_per_step(student, rows, batches)
                if name == "ours"
                else PublishedStep(student.model, collate, twice).gflop_per_step(batches[:8])
            )
            result[name] = {
                "ms_per_step": round(seconds * 1000, 2),
                "rows_per_s": round(given.rows / seconds, 1),
                "tokens_per_s": round(real / seconds),
                "gflop_per_step": round(flop, 2),
                "share_of_matmul_rate": round(flop * 1e9 / seconds / rate, 4),
                "share_without_padding": round(needed * 1e9 / seconds / rate, 4),
                "kernels": kernels(step, min(4, given.steps), device),
            }
        result["rows_ratio"] = round(result["ours"]["rows_per_s"] / result["published"]["rows_per_s"], 2)
        print(json.dumps(result), flush=True)
        del student, step


if __name__ == "__main__":
    main()
