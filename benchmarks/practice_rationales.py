"""Measure what rationales teach on the practice task, against label-only training tuned as hard.

    python benchmarks/practice_rationales.py --out FOLDER tune     the grid, on the tuning seeds
    python benchmarks/practice_rationales.py --out FOLDER study    the arms, on fresh seeds; then the table
    python benchmarks/practice_rationales.py --out FOLDER table    the table of the arms that are finished
    python benchmarks/practice_rationales.py --out FOLDER table --record gold_labels    and its rows for the docs
    python benchmarks/practice_rationales.py --out FOLDER study --training data/training/train.jsonl

A seed draws the task's rows, the initial weights and the order of rows; fresh seeds are no tuning seeds.
`tune` shows the configurations that the default was picked from, on the tuning seeds, and trains label-only
on a grid of more configurations than those, at twice the steps: all of it on the first tuning seed, the best
on the second as well, ranked by mean validation accuracy. Test rows have no say. `study` takes the best of
the grid as its tuned label-only arm, and once more with the best of 1, 2, 4 and 8 times step-by-step's steps on
the tuning seeds; all else is from params.yaml.

With --training the rows of that file are trained on (what a teacher answered, as the pipeline wrote it),
and data/prepared/ is validated and tested on; then a seed draws weights and order alone.

Every trained cell is kept in FOLDER, so a run that was interrupted goes on where it was. What was held equal:
"1x" is as many steps as step-by-step's, "2x" about its seconds on one thread, "4x" its floating-point
operations (1.01 against 0.25 GFLOP a step of 32 rows). The seconds in the table are of one machine, and
comparable only where nothing else ran on it.
Intervals are Student's t at 95 % over seeds, cut at 0 and 1. A run is "at chance" below the share of the
test rows' largest class plus three standard errors.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import math
import random
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "stages"))

import tables  # noqa: E402
from scipy.stats import t  # noqa: E402
from sklearn.feature_extraction.text import CountVectorizer  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402

from distill import paths  # noqa: E402
from distill.rows.files import read_object, write_json  # noqa: E402
from distill.rows.records import Example, TaskCard, TrainingRow, read_json, read_rows  # noqa: E402
from distill.settings import Settings, load_settings  # noqa: E402
from distill.student.predicting import Student  # noqa: E402
from distill.student.training import train_student  # noqa: E402
from distill.tasks.registry import get_task  # noqa: E402

TUNING_SEEDS = (101, 102)
FRESH_SEEDS = (11, 12, 13, 14, 15)
BAG = "logistic regression on word 1-2-grams"

# What step-by-step was tuned over: changes to BASE, each on both tuning seeds.
BASE = {
    "task_token": "decoder", "label_weight": 0.2, "steps": 700, "batch_rows": 32, "learning_rate": 2e-3,
    "embedding_learning_rate": 2e-2, "weight_decay": 0.3, "schedule": "linear", "max_gradient_norm": 1.0,
}  # fmt: skip
TRIED: tuple[dict[str, Any], ...] = (
    {},
    {"schedule": "constant"},
    {"schedule": "constant", "label_weight": 0.5},
    {"schedule": "constant", "weight_decay": 0.2},
    {"schedule": "constant", "weight_decay": 0.1},
    {"schedule": "constant", "weight_decay": 0.1, "batch_rows": 16, "steps": 1400},
    {"schedule": "constant", "weight_decay": 0.1, "learning_rate": 4e-3},
    {"task_token": "prefix"},
    {"learning_rate": 4e-3},
    {"embedding_learning_rate": 4e-2},
    {"max_gradient_norm": None},
    {"weight_decay": 0.03},
    {"weight_decay": 0.1},
    {"weight_decay": 0.1, "task_token": "prefix"},
    {"weight_decay": 0.1, "label_weight": 0.5},
    {"weight_decay": 0.1, "max_gradient_norm": 0.5},
    {"weight_decay": 0.1, "embedding_learning_rate": 1e-2},
    {"weight_decay": 0.1, "steps": 1000},
    {"weight_decay": 0.1, "steps": 1000, "task_token": "prefix"},
    {"weight_decay": 0.1, "steps": 1200},
    {"weight_decay": 0.1, "steps": 1400},
)
# What label-only is tuned over; the embeddings learn ten times as fast as the rest, as in BASE.
LEARNING_RATES = (1e-3, 2e-3, 4e-3)
WEIGHT_DECAYS = (0.03, 0.1, 0.3, 1.0)
SCHEDULES = ("linear", "constant")
TIMES = (1, 2, 4, 8)  # of step-by-step's steps, that the best configuration is tuned over
REMATCH = 6  # the best of the grid that the second tuning seed decides between


@dataclass(frozen=True)
class Arm:
    """What is trained: on which rationales, for how many times `train.steps`, with which settings changed."""

    name: str
    rationales: str  # own | shuffled | none
    times: int = 1
    train: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Data:
    """The rows of one seed."""

    train: list[TrainingRow]
    validation: list[Example]
    test: list[Example]
    card: TaskCard


@dataclass(frozen=True)
class Cell:
    """What one arm came to on one seed."""

    accuracy: float
    validation_accuracy: float
    chance: float
    seconds: float
    best_step: int


def generated(settings: Settings, seed: int) -> Data:
    """Fresh rows with gold labels and rationales."""
    task = get_task(replace(settings.task, seed=seed))
    splits = task.splits()
    train = [TrainingRow(row.id, row.input, row.label or "", row.rationale) for row in splits["train"]]
    return Data(train, splits["validation"], splits["test"], task.card())


def given(training: Path, _: int) -> Data:
    """The rows of a training file, and the prepared rows beside it."""
    validation, test = (read_rows(paths.prepared(split), Example) for split in ("validation", "test"))
    return Data(read_rows(training, TrainingRow), validation, test, read_json(paths.TASK_CARD, TaskCard))


def with_rationales(rows: list[TrainingRow], which: str, seed: int) -> list[TrainingRow]:
    """`shuffled`: every rationale moves to another row, so that as many rows have one."""
    if which == "own":
        return rows
    if which == "none":
        return [replace(row, rationale=None) for row in rows]
    order = [index for index, row in enumerate(rows) if row.rationale is not None]
    random.Random(seed).shuffle(order)
    moved = {taker: rows[giver].rationale for giver, taker in zip(order, order[1:] + order[:1], strict=True)}
    return [replace(row, rationale=moved.get(index)) for index, row in enumerate(rows)]


def effective(settings: Settings, arm: Arm, seed: int) -> Settings:
    """The settings of one cell."""
    mode = "standard" if arm.rationales == "none" else settings.train.mode
    train = replace(settings.train, **{"mode": mode, "seed": seed, **arm.train})
    return replace(
        settings, student=replace(settings.student, seed=seed), train=replace(train, steps=train.steps * arm.times)
    )


def trained(settings: Settings, which: str, seed: int, data: Data) -> Cell:
    """Trains one cell and tests it."""
    rows = with_rationales(data.train, which, seed)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        made = train_student(rows, data.validation, data.card, settings, model, Path(folder) / "plot.json")
        found = Student.load(model, settings.runtime).label(data.test)
    gold = [row.label for row in data.test]
    accuracy = sum(label == right for (label, _), right in zip(found, gold, strict=True)) / len(gold)
    label = made.metrics["label"]
    return Cell(
        accuracy, label["validation_accuracy"], chance(gold), made.runtime["seconds"], made.metrics["best_step"]
    )


def chance(gold: list[str | None]) -> float:
    """The largest class's share, plus three standard errors."""
    share = max(Counter(gold).values()) / len(gold)
    return share + 3 * math.sqrt(share * (1 - share) / len(gold))


def bag_of_words(data: Data) -> Cell:
    """Logistic regression on the words and pairs of words of the input; C by validation accuracy."""
    vectorizer = CountVectorizer(ngram_range=(1, 2), binary=True)
    inputs = vectorizer.fit_transform(row.input for row in data.train)
    best: tuple[float, float] = (-1.0, 0.0)
    for strength in (0.01, 0.1, 1.0, 10.0, 100.0):
        model = LogisticRegression(C=strength, max_iter=2000).fit(inputs, [row.label for row in data.train])
        validation, test = (
            float(model.score(vectorizer.transform(row.input for row in rows), [row.label for row in rows]))
            for rows in (data.validation, data.test)
        )
        best = max(best, (validation, test), key=lambda pair: pair[0])
    return Cell(best[1], best[0], chance([row.label for row in data.test]), 0.0, 0)


class Cells:
    """Cells by everything that determines them, kept in a folder."""

    def __init__(self, folder: Path, settings: Settings, data: Callable[[int], Data], source: str):
        self.folder, self.settings, self.data, self.source = folder, settings, data, source

    def path(self, arm: Arm, seed: int) -> tuple[Path, dict[str, Any]]:
        """The cell's file, and all that determines the cell."""
        settings = effective(self.settings, arm, seed)
        what = {
            "rationales": arm.rationales,
            "source": self.source,
            "seed": seed,
            "student": asdict(settings.student),
            "train": asdict(settings.train) if arm.name != BAG else BAG,
            "task": asdict(settings.task),
            "threads": settings.runtime.threads,
        }
        key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
        return self.folder / f"{key}.json", what

    def get(self, arm: Arm, seed: int) -> Cell:
        """The cell, trained where it is not there yet."""
        path, what = self.path(arm, seed)
        if path.is_file():
            return Cell(**read_object(path)["cell"])
        print(f"{arm.name}, seed {seed}, {arm.train or ''}", file=sys.stderr, flush=True)
        data = self.data(seed)
        cell = (
            bag_of_words(data)
            if arm.name == BAG
            else trained(effective(self.settings, arm, seed), arm.rationales, seed, data)
        )
        write_json(path, {"what": what, "cell": asdict(cell)})
        return cell


def grid() -> list[dict[str, Any]]:
    """Label-only's configurations."""
    return [
        {"learning_rate": rate, "embedding_learning_rate": 10 * rate, "weight_decay": decay, "schedule": schedule}
        for schedule, rate, decay in itertools.product(SCHEDULES, LEARNING_RATES, WEIGHT_DECAYS)
    ]


def validated(cells: Cells, arm: Arm, seeds: Iterable[int]) -> float:
    """Mean validation accuracy over seeds."""
    return statistics.fmean(cells.get(arm, seed).validation_accuracy for seed in seeds)


def tuned(cells: Cells) -> list[tuple[float, Arm]]:
    """(mean validation accuracy on both tuning seeds, label-only at twice the steps), the best first."""
    tried = [Arm("tuning label-only", "none", 2, changes) for changes in grid()]
    first = sorted(tried, key=lambda arm: -validated(cells, arm, TUNING_SEEDS[:1]))
    return sorted(((validated(cells, arm, TUNING_SEEDS), arm) for arm in first[:REMATCH]), key=lambda pair: -pair[0])


def tuned_times(cells: Cells, changes: dict[str, Any]) -> int:
    """Which of TIMES the steps is best by mean validation accuracy on both tuning seeds, of equals the fewest."""
    arms = {times: Arm("tuning label-only", "none", times, changes) for times in TIMES}
    return max(TIMES, key=lambda times: (validated(cells, arms[times], TUNING_SEEDS), -times))


def tune(cells: Cells) -> None:
    """One JSON line a configuration: label-only's finalists, then all that step-by-step was picked from."""
    print(f"label-only: the best {REMATCH} of {len(grid())}; step-by-step: all {len(TRIED)}", file=sys.stderr)
    for accuracy, arm in tuned(cells):
        print(json.dumps({"arm": "label-only", "validation_accuracy": round(accuracy, 4), **arm.train}), flush=True)
    for changes in TRIED:
        arm = Arm("tuning step-by-step", "own", 1, BASE | changes)
        print(
            json.dumps(
                {
                    "arm": "step-by-step",
                    "validation_accuracy": round(validated(cells, arm, TUNING_SEEDS), 4),
                    **arm.train,
                }
            ),
            flush=True,
        )


def arms(cells: Cells) -> Iterable[Arm]:
    """The arms of the study."""
    yield Arm("step-by-step", "own")
    yield Arm(BAG, "none")
    yield Arm("label-only, 1x the steps", "none", 1)
    yield Arm("label-only, 2x the steps", "none", 2)
    yield Arm("rationales of other rows", "shuffled")
    yield Arm("label-only tuned, 4x the steps", "none", 4, tuned(cells)[0][1].train)
    yield Arm("step-by-step, task token: prefix", "own", train={"task_token": "prefix"})
    yield Arm("label-only, 4x the steps", "none", 4)
    best = tuned(cells)[0][1].train
    yield Arm("label-only tuned, its steps too", "none", tuned_times(cells, best), best)


def interval(values: list[float]) -> tuple[float, float]:
    """Student's t at 95 %."""
    half = float(t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
    return statistics.fmean(values) - half, statistics.fmean(values) + half


def study(cells: Cells, seeds: list[int]) -> None:
    """Trains what is missing, one JSON line an arm."""
    for arm in arms(cells):
        found = [cells.get(arm, seed) for seed in seeds]
        low, high = interval([cell.accuracy for cell in found])
        print(json.dumps({
            "arm": arm.name, "seeds": seeds, "accuracy": [round(cell.accuracy, 4) for cell in found],
            "mean": round(statistics.fmean(cell.accuracy for cell in found), 4), "low": round(max(low, 0), 4),
            "high": round(min(high, 1), 4),
            "at_chance": sum(cell.accuracy < cell.chance for cell in found),
            "seconds": round(statistics.fmean(cell.seconds for cell in found), 1), "changed": arm.train,
        }), flush=True)  # fmt: skip


def table(cells: Cells, seeds: list[int], record: str | None = None) -> None:
    """The finished arms in Markdown, then step-by-step's lead over each, seed by seed; their rows to
    metrics/tables/<record>.json, where that is given."""
    rows: dict[str, list[Cell]] = {}
    for arm in arms(cells):
        if all(cells.path(arm, seed)[0].is_file() for seed in seeds):
            rows[arm.name] = [cells.get(arm, seed) for seed in seeds]
    print(
        "| arm | accuracy, each seed (%) | mean | 95 % interval | at chance | training (s) |\n"
        "| --- | --- | --- | --- | --- | --- |"
    )
    for name, found in rows.items():
        values = [100 * cell.accuracy for cell in found]
        low, high = interval(values)
        each = ", ".join(f"{value:.1f}" for value in values)
        failed = sum(cell.accuracy < cell.chance for cell in found)
        seconds = f"{statistics.fmean(cell.seconds for cell in found):.0f}"
        print(
            f"| {name} | {each} | {statistics.fmean(values):.1f} | {max(low, 0):.1f} to {min(high, 100):.1f} | "
            f"{failed} of {len(found)} | {seconds} |"
        )
    if record:
        arm_rows = [
            {
                "arm": name,
                "seeds": seeds,
                "accuracy": [round(100 * cell.accuracy, 2) for cell in found],
                "at_chance": sum(cell.accuracy < cell.chance for cell in found),
            }
            for name, found in rows.items()
        ]
        tables.record(record, "docs/results.md", arm_rows, test_rows=None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("phase", choices=("tune", "study", "table"))
    parser.add_argument("--out", type=Path, required=True, help="folder that finished cells are kept in")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=list(FRESH_SEEDS), help="of the study; at least two, and no tuning seed"
    )
    parser.add_argument(
        "--steps",
        type=int,
        help="of the rationale arms, in place of train.steps; 1000 is what the tuning chose on gold labels",
    )
    parser.add_argument(
        "--training", type=Path, help="rows to train on; none: the task's, with gold labels and rationales"
    )
    parser.add_argument("--record", metavar="NAME", help="write the table's rows to metrics/tables/NAME.json")
    options = parser.parse_args()
    if set(options.seeds) & set(TUNING_SEEDS) or len(set(options.seeds)) < 2:
        parser.error(f"--seeds: at least two different ones, and none of the tuning seeds {TUNING_SEEDS}")
    settings = load_settings(ROOT / "params.yaml")
    if options.steps:
        settings = replace(settings, train=replace(settings.train, steps=options.steps))
    if options.training:
        source = hashlib.sha256(options.training.read_bytes()).hexdigest()
        cells = Cells(options.out, settings, partial(given, options.training), source)
    else:
        cells = Cells(options.out, settings, partial(generated, settings), "gold")
    if options.phase == "tune":
        tune(cells)
        return
    if options.phase == "study":
        study(cells, options.seeds)
    table(cells, options.seeds, options.record)


if __name__ == "__main__":
    main()
