"""Stands in for every stage script where a study's experiments are under test: writes each declared out, and of
the metrics what a study reads. Training crashes where train.batch_rows is 7."""

import json
import sys
from pathlib import Path

import yaml

stage = Path(__file__).stem
params, pipeline = (yaml.load(Path(name).read_text(), Loader=yaml.CSafeLoader) for name in ("params.yaml", "dvc.yaml"))
declared = pipeline["stages"][stage]
train = params["train"]
if stage == "train" and train["batch_rows"] == 7:
    sys.exit("train: seven rows are out of luck")

accuracy = 0.9 if train["mode"] == "step_by_step" else 0.35
cost = {"usd": 0.25, "calls": 10, "tokens_in": 1000, "tokens_out": 100}
metrics = {
    "annotate": {"cost": {"train": cost, "test": cost}},
    "train": {
        "steps": train["steps"],
        "compute": {"gflop_per_step": 1.0},
        "diverged": False,
        "seeds": {"failures": int(accuracy < 0.4)},
    },
    "evaluate": {
        "rows": 600,
        "cost": {"total": cost, "annotation": cost, "search": {"usd": 0.0}},
        "majority": {"label": {"accuracy": 0.3}},
        "student": {
            "label": {"accuracy": accuracy, "accuracy_ci_low": accuracy - 0.02, "accuracy_ci_high": accuracy + 0.02}
        },
        "teacher": {"name": "stand-in"},
    },
}
judged = "".join(
    json.dumps({"id": f"r{i:03}", "input": "x", "gold": "a", "student_right": i < 600 * accuracy}) + "\n"
    for i in range(600)
)
for kind in ("outs", "metrics", "plots"):
    for out in declared.get(kind, []):
        place = Path(out if isinstance(out, str) else next(iter(out)))
        inside = ["train.jsonl", "validation.jsonl", "test.jsonl", "task.json"] if not place.suffix else []
        for file in [place / name for name in inside] or [place]:
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.name == "judged.jsonl":
                file.write_text(judged)
                continue
            # Of another run, another student: or DVC would find the evaluation done.
            file.write_text(
                json.dumps(
                    metrics.get(stage, {"of": [train["mode"], train["seed"]]})
                    if place.parent.name == "metrics"
                    else {"of": [train["mode"], train["seed"]]}
                )
            )
