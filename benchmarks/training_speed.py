"""Rows a second in training, against the published arrangement (benchmarks/published.py), and the same losses.

    python benchmarks/training_speed.py                  the default student on the practice task's own rows
    python benchmarks/training_speed.py --data FOLDER    CommonsenseQA with PaLM-540B's answers (cqa_*.json, palm540b/)
                                                         or GSM8K with people's solutions (train.jsonl, test.jsonl)
    python benchmarks/training_speed.py --data FOLDER --shape t5-small --rows 64 --steps 16 --pairs 3

The same model, rows, optimizer, seed and precision (fp32), one thread. The arrangements take turns, `--pairs` times,
on the same rows: ours in its own batches, of rows of like length, the published one in batches drawn at random.
A ratio is that of one turn; shown are the median and the range. `cpu` ratios are of the process's own seconds, which
other work on the machine disturbs less than the `wall` ones. `flop` is the ratio of floating-point operations:
what is left between it and the others is what the operations cost; `tokens` are counted with
their padding. The first steps of a turn are not timed. `turns` has the seconds of each, by the wall clock and of the
process; with --record NAME the rows are kept for the docs (benchmarks/tables.py).

`largest_loss_difference` is between the two arrangements with prefixes over `--trajectory` steps in the very
same batches, of the label's, the rationale's and the total loss. One JSON line comes out.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tables
import torch
from published import (
    Collator,
    Feature,
    PublishedStep,
    PublishedTrainer,
    features,
    published_arguments,
    random_batches,
)
from speed_rows import SHAPES, name_of, rows_of, settings_of
from transformers import TrainerCallback

from distill.settings import Settings
from distill.student.architecture import Architecture, EncodedRows
from distill.student.batching import POOL, BatchSchedule
from distill.student.compute import padded_tokens, pass_flop, passes
from distill.student.loading import new_student
from distill.student.trainer import TwoTaskTrainer, training_arguments

CPU = torch.device("cpu")
WARM = 1  # steps before the clock starts


class Clock(TrainerCallback):
    """Wall and process seconds of the steps after the first WARM ones."""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        now = time.perf_counter(), time.process_time()
        if state.global_step == WARM:
            self.started = now
        self.seconds = (
            [end - start for end, start in zip(now, self.started, strict=True)]
            if state.global_step > WARM
            else [0.0, 0.0]
        )
        self.steps = state.global_step - WARM


class Arrangements:
    """The students of both arrangements, with the same weights wherever they have the same parameters."""

    def __init__(self, settings: Settings, data: Path | None):
        rows, _, card = rows_of(settings, data)
        self.settings = settings
        self.students: dict[str, tuple[Architecture, EncodedRows]] = {}
        for token in ("prefix", "decoder"):
            student = new_student(rows, card, replace(settings, train=replace(settings.train, task_token=token)))
            self.students[token] = student, student.encode(rows)
        student = self.students["prefix"][0]
        self.features: list[Feature] = features(
            student.tokenizer, rows, settings.student.max_input_tokens, settings.student.max_rationale_tokens
        )

    def schedule(self, token: str, steps: int) -> list[list[int]]:
        train = self.settings.train
        return BatchSchedule(self.students[token][1].lengths(), train.batch_rows, steps, train.seed).batches

    def ours(self, token: str, steps: int) -> tuple[TwoTaskTrainer, Clock]:
        """Trains a copy of the student for some steps."""
        student, encoded = self.students[token]
        settings, clock = replace(self.settings.train, steps=steps, task_token=token), Clock()
        with tempfile.TemporaryDirectory() as folder:
            trainer = TwoTaskTrainer(
                copy.deepcopy(student), encoded, settings, training_arguments(settings, CPU, Path(folder)), clock
            )
            trainer.train()
        return trainer, clock

    def published(self, batches: Sequence[Sequence[int]]) -> tuple[PublishedTrainer, Clock]:
        """Trains a copy of the same model on these batches."""
        student = copy.deepcopy(self.students["prefix"][0])
        settings, clock = replace(self.settings.train, steps=len(batches)), Clock()
        with tempfile.TemporaryDirectory() as folder:
            made = published_arguments(settings, CPU, Path(folder))
            trainer = PublishedTrainer(student.model, student.tokenizer, self.features, batches, settings, made, clock)
            trainer.train()
        return trainer, clock

    def flop_ratio(self, token: str, ours: Sequence[Sequence[int]], theirs: Sequence[Sequence[int]]) -> float:
        """Operations of the published arrangement on its batches, over those of ours on ours."""
        student, encoded = self.students[token]
        usual = self.students["prefix"][0]
        mine = (
            sum(pass_flop(student, encoded, part) for batch in ours for part in passes(student, encoded, batch))
            / len(ours)
            / 1e9
        )
        return (
            PublishedStep(usual.model, Collator(usual.tokenizer.pad_token_id), self.features).gflop_per_step(theirs)
            / mine
        )

    def tokens(self, token: str, ours: Sequence[Sequence[int]], theirs: Sequence[Sequence[int]]) -> dict[str, int]:
        """Tokens of these steps: what the rows have, what each of our batches would have in one pass, what it has in
        the passes that are made, and what the published arrangement has; all but the first with their padding."""
        student, rows = self.students[token]
        usual = self.students["prefix"][1]
        parts = [part for batch in ours for part in passes(student, rows, batch)]
        return {
            "needed": sum(padded_tokens(rows, [index]) for batch in ours for index in batch),
            "one_pass": sum(padded_tokens(rows, batch) for batch in ours),
            "passes": sum(padded_tokens(rows, part) for part in parts),
            "published": sum(padded_tokens(usual, batch) for batch in theirs),
        }


def loss_difference(made: Arrangements, steps: int) -> float:
    """The largest difference of a loss at a step, both arrangements with prefixes and the same batches."""
    ours, _ = made.ours("prefix", steps)
    theirs, _ = made.published(made.schedule("prefix", steps))
    weight, largest = made.settings.train.label_weight, 0.0
    for (mine, told, _), (label, rationale) in zip(ours.recent, theirs.losses, strict=True):
        pairs = [
            (mine, label),
            (told, rationale),
            (weight * mine + (1 - weight) * told, weight * label + (1 - weight) * rationale),
        ]
        largest = max(largest, *(abs(float(one - other)) for one, other in pairs))
    return largest


def ratios(made: Arrangements, token: str, steps: int, pairs: int) -> dict[str, Any]:
    """How many times the rows a second of the published arrangement ours trains on, in turns."""
    batches = made.schedule(token, steps)
    drawn = random_batches(batches, made.settings.train.seed)
    found: dict[str, list[float]] = {"wall": [], "cpu": []}
    rows_per_s: dict[str, list[float]] = {"ours": [], "published": []}
    turns: list[dict[str, list[float]]] = []
    for _ in range(pairs):
        clocks = {"published": made.published(drawn)[1], "ours": made.ours(token, steps)[1]}
        turns.append({name: [round(seconds, 3) for seconds in clock.seconds] for name, clock in clocks.items()})
        for place, name in enumerate(found):
            found[name].append(clocks["published"].seconds[place] / clocks["ours"].seconds[place])
        for name, clock in clocks.items():
            rows_per_s[name].append(clock.steps * made.settings.train.batch_rows / clock.seconds[1])
    shown: dict[str, Any] = {
        "flop": round(made.flop_ratio(token, batches[:POOL], drawn[:POOL]), 2),
        "tokens": made.tokens(token, batches, drawn),
    }
    if pairs:
        shown |= {
            name: {"median": round(statistics.median(some), 2), "range": [round(min(some), 2), round(max(some), 2)]}
            for name, some in found.items()
        }
        shown["turns"] = turns
        shown["rows_per_cpu_s"] = {name: round(statistics.median(some), 1) for name, some in rows_per_s.items()}
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data",
        type=Path,
        help="folder of CommonsenseQA and PaLM-540B's answers, or of GSM8K; none: the practice task",
    )
    parser.add_argument("--shape", choices=SHAPES, default="default")
    parser.add_argument("--rows", type=int, help="rows a step; default: train.batch_rows")
    parser.add_argument("--steps", type=int, default=4 * POOL, help="steps a turn")
    parser.add_argument(
        "--pairs", type=int, default=5, help="turns; 0: operations and tokens are counted, nothing is timed"
    )
    parser.add_argument("--trajectory", type=int, default=50, help="steps whose losses are compared; 0: none")
    parser.add_argument("--tokens", nargs="+", choices=("prefix", "decoder"), default=["decoder", "prefix"])
    parser.add_argument("--record", metavar="NAME", help="write the rows to metrics/tables/NAME.json")
    given = parser.parse_args()
    if given.record and not given.pairs:
        parser.error("--record needs --pairs above 0")
    torch.set_num_threads(1)
    settings = settings_of(given.shape)
    train = replace(settings.train, batch_rows=given.rows or settings.train.batch_rows, embedding_learning_rate=None)
    made = Arrangements(replace(settings, train=train), given.data)
    result: dict[str, Any] = {
        "rows": name_of(given.data),
        "shape": given.shape,
        "batch_rows": train.batch_rows,
        "steps": given.steps,
        "pairs": given.pairs,
    }
    if given.trajectory:
        result["largest_loss_difference"] = {"steps": given.trajectory, "nats": loss_difference(made, given.trajectory)}
    for token in given.tokens:
        result[f"ratio_{token}"] = ratios(made, token, given.steps, given.pairs)
    print(json.dumps(result))
    if given.record:
        rows = [
            {"data": result["rows"], "student": given.shape, "token": token, "batch_rows": train.batch_rows}
            | {"steps": given.steps}
            | {key: result[f"ratio_{token}"][key] for key in ("flop", "tokens", "turns")}
            for token in given.tokens
        ]
        losses = result.get("largest_loss_difference")
        tables.record(given.record, "docs/training.md", rows, "training_speed", loss_difference=losses)


if __name__ == "__main__":
    main()
