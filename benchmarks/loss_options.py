"""Measure what each option of the loss is worth on the practice task: the option against the same run without it.

    python benchmarks/loss_options.py --out FOLDER                       every arm, on fresh seeds
    python benchmarks/loss_options.py --out FOLDER --steps 1200          fewer; at 600 a plain student was at chance
    python benchmarks/loss_options.py --out FOLDER --arms off soft       some of them

A seed draws the task's rows, the simulated teacher's answers (three to each training row, at temperature 1, which
vote on the label), the initial weights and the order of rows. All arms of a seed share its answers, and the option is
all that an arm changes. Students are judged on gold labels: the best weights by the validation rows, the accuracy on
the test rows. One JSON line an arm: its lead over the arm without the option in points, seed by seed, and Student's t
interval at 95 % of the mean of those differences. `proven` is that the whole interval is above 0.

Every trained cell is kept in FOLDER, so a run that was interrupted goes on where it was. The figures say how the
options do on this task, size of student and number of steps; three to five seeds show differences of a few
points, no smaller ones.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "stages"))

import tables  # noqa: E402
from practice_rationales import FRESH_SEEDS, Cell, Data, interval, trained  # noqa: E402

from distill import paths  # noqa: E402
from distill.annotation.annotation import annotate  # noqa: E402
from distill.prompts.prompt_file import read_prompts  # noqa: E402
from distill.rows.files import read_object, write_json  # noqa: E402
from distill.rows.records import Annotation, read_rows, write_rows  # noqa: E402
from distill.selection.training_set import training_set  # noqa: E402
from distill.settings import Settings, load_settings  # noqa: E402
from distill.tasks.registry import get_task  # noqa: E402
from distill.teacher import open_teacher  # noqa: E402

SAMPLES = 3


@dataclass(frozen=True)
class Arm:
    """What is changed, and the arm that it is held against."""

    against: str | None
    train: dict[str, Any] = field(default_factory=dict)
    subsample: dict[str, Any] = field(default_factory=dict)


HALF = {"explanation_rate": 0.5}
ARMS = {
    "off": Arm(None),
    "smoothing": Arm("off", {"label_smoothing": 0.1}),
    "mutual": Arm("off", {"mutual_information": 0.1}),
    "soft": Arm("off", {"soft_labels": 0.5}),
    "half": Arm(None, subsample=HALF),
    "half, empty": Arm("half", {"missing_rationale": "empty"}, HALF),
}


def annotated(settings: Settings, seed: int, folder: Path) -> tuple[Any, list[Annotation], Any]:
    """The seed's splits, the simulated teacher's answers to its training rows, and its card."""
    task = get_task(replace(settings.task, seed=seed))
    splits, card = task.splits(), task.card()
    path = folder / f"answers-{seed}.jsonl"
    if not path.is_file():
        asked = replace(settings, teacher=replace(settings.teacher, seed=seed))
        with open_teacher(asked, "benchmark") as teacher:
            write_rows(path, annotate(teacher, splits, read_prompts(paths.PROMPT, card), card, asked)["train"])
    return splits, read_rows(path, Annotation), card


def cell(settings: Settings, name: str, seed: int, folder: Path) -> tuple[Cell, dict[str, Any]]:
    """What the arm came to on the seed, trained where it is not there yet, and its rationales' metrics."""
    arm = ARMS[name]
    train = replace(settings.train, seed=seed, **arm.train)
    subsample = replace(settings.subsample, **arm.subsample)
    made = replace(settings, train=train, subsample=subsample, student=replace(settings.student, seed=seed))
    what = {
        section: asdict(getattr(made, section))
        for section in ("task", "teacher", "annotate", "subsample", "student", "train")
    }
    path = folder / f"{hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:16]}.json"
    if not path.is_file():
        print(f"{name}, seed {seed}", file=sys.stderr, flush=True)
        splits, answers, card = annotated(made, seed, folder)
        rows, metrics = training_set(splits["train"], answers, subsample)
        found = trained(made, "own", seed, Data(rows, splits["validation"], splits["test"], card))
        write_json(path, {"arm": name, "seed": seed, "cell": asdict(found), "rationale": metrics["rationale"]})
    kept = read_object(path)
    return Cell(**kept["cell"]), kept["rationale"]


def line(name: str, cells: dict[str, list[Cell]], rationale: dict[str, Any], seeds: list[int]) -> dict[str, Any]:
    """An arm's figures, accuracies in per cent."""
    found = [100 * one.accuracy for one in cells[name]]
    said: dict[str, Any] = {
        "arm": name, "changed": ARMS[name].train | ARMS[name].subsample, "seeds": seeds,
        "accuracy": [round(one, 1) for one in found],
        "mean": round(statistics.fmean(found), 1), "at_chance": sum(one.accuracy < one.chance for one in cells[name]),
        "validation": round(100 * statistics.fmean(one.validation_accuracy for one in cells[name]), 1),
        "seconds": round(statistics.fmean(one.seconds for one in cells[name]), 1), "rationale": rationale,
    }  # fmt: skip
    against = ARMS[name].against
    if against is not None:
        leads = [100 * (one.accuracy - other.accuracy) for one, other in zip(cells[name], cells[against], strict=True)]
        low, high = interval(leads)
        said |= {
            "against": against,
            "lead": round(statistics.fmean(leads), 1),
            "low": round(low, 1),
            "high": round(high, 1),
            "proven": low > 0,
        }
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder that answers and finished cells are kept in")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(FRESH_SEEDS), help="at least two")
    parser.add_argument("--steps", type=int, help="in place of train.steps")
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--record", metavar="NAME", help="write the rows to metrics/tables/NAME.json")
    options = parser.parse_args()
    if len(set(options.seeds)) < 2:
        parser.error("--seeds: at least two different ones")
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ["DISTILL_STORE"] = str(options.out.absolute() / "responses.sqlite")
    base = load_settings(ROOT / "params.yaml")
    base = replace(
        base,
        teacher=replace(base.teacher, temperature=1.0),
        annotate=replace(base.annotate, samples=SAMPLES, test_rows=0, validation_rows=0),
        train=replace(base.train, steps=options.steps or base.train.steps),
    )
    wanted = [name for name in ARMS if name in {*options.arms, *(ARMS[arm].against for arm in options.arms)}]
    cells: dict[str, list[Cell]] = {}
    told: dict[str, dict[str, Any]] = {}
    for seed in options.seeds:
        for name in wanted:
            one, rationale = cell(base, name, seed, options.out)
            cells.setdefault(name, []).append(one)
            told[name] = rationale
    lines = [line(name, cells, told[name], options.seeds) for name in wanted]
    for figures in lines:
        print(json.dumps(figures), flush=True)
    if options.record:
        rows = [
            {key: figures[key] for key in ("arm", "seeds", "accuracy", "against") if key in figures}
            for figures in lines
        ]
        tables.record(options.record, "docs/loss-options.md", rows, test_rows=None)


if __name__ == "__main__":
    main()
