"""How far the default run's student moves with its seed, and with the instructions of the CPU that trains it.

    dvc repro subsample                            # the rows that it is trained on
    python benchmarks/default_seeds.py measure     what the table lacks, two minutes a student; goes on where it stopped
    python benchmarks/default_seeds.py table       their table, and what a run elsewhere is expected to reach
    python benchmarks/default_seeds.py check       where the run of this clone stands (metrics/evaluate.json)

A student is trained and judged as the stages do it, by params.yaml, with another seed of weights and of the order of
rows. Another CPU is imitated: `ATEN_CPU_CAPABILITY` (PyTorch's own kernels), `ONEDNN_MAX_CPU_ISA` and `MKL_CBWR` (its
libraries) hold the arithmetic to older instructions, which sum in another order; a training is chaotic, so that the
weights differ in far more than the last digits. Rows go to metrics/default_seeds.json.

Expected of a run elsewhere: the prediction interval of one more draw from a normal distribution,
mean +- t(n - 1) * sd * sqrt(1 + 1/n), at 99 %, cut at 1.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "stages"))

from tables import made_with  # noqa: E402

from distill import paths  # noqa: E402
from distill.intervals import t_quantile  # noqa: E402
from distill.lock import content_hash  # noqa: E402
from distill.rows.files import read_object, write_metrics  # noqa: E402
from distill.settings import Settings, load_settings  # noqa: E402
from distill.studies.hierarchical import seeds_and_rows  # noqa: E402

TABLE = ROOT / "metrics" / "default_seeds.json"
SEEDS = range(1, 11)
# What PyTorch, oneDNN and MKL call the instructions that they may use.
INSTRUCTIONS = {
    "default": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "COMPATIBLE"},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"},
    "avx512": {"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "MKL_CBWR": "AVX512"},
}
LEVEL = 0.99

Row = dict[str, Any]


def read_table() -> dict[str, Any]:
    """{"made_of": what all students have in common, "rows": one a student}; without the file an empty one."""
    return read_object(TABLE) if TABLE.exists() else {"made_of": {}, "rows": []}


def measure(instructions: list[str]) -> None:
    """Trains what the table lacks, each student in a process of its own, as the libraries read their variables once.

    The table is read anew for each, so that two of these commands, for other instructions, can run side by side.
    """
    made_of = _made_of(load_settings())
    for seed, name in itertools.product(SEEDS, instructions):
        if any((row["seed"], row["instructions"]) == (seed, name) for row in _rows_of(made_of)):
            continue
        command = [sys.executable, __file__, "one", "--seed", str(seed), "--instructions", name]
        environment = os.environ | INSTRUCTIONS[name]
        shown = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        row = json.loads(shown.stdout.splitlines()[-1])
        rows = sorted([*_rows_of(made_of), row], key=lambda row: (row["instructions"], row["seed"]))
        write_metrics(TABLE, {"made_of": made_of, "rows": rows})
        print(f"seed {seed}, {name}: {100 * row['accuracy']:.1f} % of test rows", flush=True)


def _rows_of(made_of: dict[str, Any]) -> list[Row]:
    """The table's rows, or none where they were made of other rows or with other settings."""
    table = read_table()
    return table["rows"] if table["made_of"] == made_of else []


def one_student(seed: int, instructions: str) -> Row:
    """Trains and judges one student in a temporary folder."""
    import torch

    from distill.evaluation.assessment import Split, assess
    from distill.rows.records import Annotation, Example, TaskCard, TrainingRow, read_json, read_rows
    from distill.student.training import train_student

    used = torch.backends.cpu.get_cpu_capability().lower()
    if used != instructions:
        raise SystemExit(f"PyTorch uses the instructions {used} here, and not {instructions}; does the CPU have them?")
    settings = load_settings()
    settings = replace(
        settings,
        student=replace(settings.student, seed=seed),
        train=replace(settings.train, seed=seed),
        evaluate=replace(settings.evaluate, untrained=False, bars=False, rationale_rows=0),
        runtime=replace(settings.runtime, checkpoint_steps=None, speed_rows=0),
    )
    card = read_json(paths.TASK_CARD, TaskCard)
    rows = read_rows(paths.TRAINING, TrainingRow)
    splits = {
        split: Split(read_rows(paths.prepared(split), Example), read_rows(paths.annotated(split), Annotation))
        for split in paths.SPLITS
    }
    start = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "student"
        curve = Path(scratch) / "curve.json"
        trained = train_student(rows, splits["validation"].rows, card, settings, folder, curve)
        seconds = time.process_time() - start
        search, annotation = (read_object(paths.metrics(stage)) for stage in ("optimize_prompt", "annotate"))
        metrics = assess(folder, rows, splits, card, settings, search, annotation).metrics
    assert trained is not None
    return {
        "seed": seed,
        "instructions": instructions,
        "accuracy": metrics["student"]["label"]["accuracy"],
        "validation_accuracy": trained.metrics["label"]["validation_accuracy"],
        "sent": metrics["cascade"]["sent"],
        "cascade_accuracy": metrics["cascade"]["label"]["accuracy"],
        "cpu_s": round(seconds),
        "test_rows": len(splits["test"].rows),
        "made": made_with(),
    }


def expected(rows: list[Row]) -> tuple[float, float]:
    """The range that a run elsewhere is expected in."""
    values = [row["accuracy"] for row in rows]
    half = t_quantile(0.5 + LEVEL / 2, len(values) - 1) * statistics.stdev(values) * math.sqrt(1 + 1 / len(values))
    mean = statistics.fmean(values)
    return mean - half, min(1.0, mean + half)


def interval(rows: list[Row]) -> tuple[float, float]:
    """Of the mean accuracy, for other seeds and other test rows."""
    return seeds_and_rows([row["accuracy"] for row in rows], rows[0]["test_rows"], 0.95)


def table_text(rows: list[Row]) -> str:
    """The table of docs/results.md: students by the instructions that trained them, and all."""
    lines = [
        "| instructions | students | mean | 95 % interval | standard deviation | lowest to highest |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    groups = {name: [row for row in rows if row["instructions"] == name] for name in INSTRUCTIONS}
    measured = {name: group for name, group in groups.items() if len(group) > 1}
    for name, group in (measured | ({"all": rows} if len(measured) > 1 else {})).items():
        values = [100 * row["accuracy"] for row in group]
        low, high = (100 * end for end in interval(group))
        lines.append(
            f"| {name} | {len(group)} | {statistics.fmean(values):.1f} % | {low:.1f} to {high:.1f} % |"
            f" {statistics.stdev(values):.1f} points | {min(values):.1f} to {max(values):.1f} % |"
        )
    return "\n".join(lines)


def standing(accuracy: float, rows: list[Row]) -> tuple[bool, str]:
    """(whether a run's test accuracy is within what is expected, the sentence that says where it stands)."""
    low, high = expected(rows)
    mean = statistics.fmean(row["accuracy"] for row in rows)
    inside = low <= accuracy <= high
    return inside, (
        f"student: {100 * accuracy:.1f} % of test rows, {100 * (accuracy - mean):+.1f} points from the mean of"
        f" {len(rows)} students ({100 * mean:.1f} %), {'within' if inside else 'OUTSIDE'} the {100 * low:.1f} to"
        f" {100 * high:.1f} % expected of a run elsewhere"
    )


def _made_of(settings: Settings) -> dict[str, Any]:
    """What decides the students, but for seed and instructions: the rows and the settings."""
    rows = {"training_rows": content_hash(paths.TRAINING)}
    made_of = rows | {"student": asdict(settings.student), "train": asdict(settings.train)}
    return json.loads(json.dumps(made_of))  # as the table gives it back: lists instead of tuples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("measure", "table", "check", "one"))
    parser.add_argument("--instructions", default="avx2,default", help="that are imitated (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of `one`, which trains a single student")
    options = parser.parse_args()
    if options.what == "measure":
        measure(options.instructions.split(","))
    elif options.what == "one":
        print(json.dumps(one_student(options.seed, options.instructions)))
    elif options.what == "table":
        print(table_text(read_table()["rows"]))
    else:
        accuracy = read_object(paths.metrics("evaluate"))["student"]["label"]["accuracy"]
        inside, text = standing(accuracy, read_table()["rows"])
        print(text)
        sys.exit(not inside)


if __name__ == "__main__":
    main()
