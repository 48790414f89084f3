"""Every path, once. All are relative to the root of the run's own checkout, where DVC starts a stage,
save the response store and the checkpoints, which all experiments of a clone share."""

from __future__ import annotations

import os
from pathlib import Path

PARAMS = Path("params.yaml")
# DVC's own: the pipeline, and what it read and wrote.
PIPELINE = Path("dvc.yaml")
LOCK = Path("dvc.lock")
RUNNING = Path(".dvc/tmp/rwlock")  # what the DVC processes that run here read and write
RUN_CACHE = Path(".dvc/cache/runs")  # a folder for each command with its inputs, in it a file for each result

PREPARED = Path("data/prepared")
TASK_CARD = PREPARED / "task.json"
SPLITS = ("train", "validation", "test")

PROMPT = Path("data/prompt.yaml")
# Prompt files that people edit: the one above is an out, which DVC deletes before its stage runs.
PROMPTS = Path("data/prompts")
ANNOTATED = Path("data/annotated")
TRAINING = Path("data/training/train.jsonl")
# The trained student, and the folder made of it for handing over, with its card.
STUDENT = Path("data/student")
MODEL = Path("data/model")
ONNX = Path("data/onnx")
DIAGNOSTICS = Path("diagnostics")
PREDICTIONS = Path("data/predictions.jsonl")
# The test rows with what student and teacher answered, for people and for comparing experiments.
JUDGED = Path("data/judged.jsonl")

METRICS = Path("metrics")
# The numbers that people look for first; evaluate writes them.
HEADLINE_METRICS = METRICS / "headline.json"
PLOTS = METRICS / "plots"
PROMPT_SEARCH_PLOT = PLOTS / "prompt_search.json"
PROMPT_SEARCH_TABLE = PLOTS / "prompt_search.md"
TRAINING_PLOT = PLOTS / "training.json"
TRAINING_SPEED_PLOT = PLOTS / "training_speed.json"
CONFUSION_PLOT = PLOTS / "confusion.json"
CASCADE_PLOT = PLOTS / "cascade.json"
# Tables of studies, and what all experiments at hand say together: written by front doors, no stage's outs.
STUDIES = METRICS / "studies"
STUDY_PLOTS = PLOTS / "studies"
FRONTIER_METRICS = METRICS / "frontier.json"
FRONTIER_TABLE = METRICS / "frontier.md"
FRONTIER_PLOT = PLOTS / "frontier.json"
REPORT = METRICS / "report.html"
# Seconds, money paid now and money saved: what differs from run to run, and no stage depends on.
RUNTIME_METRICS = METRICS / "runtime.json"


def prepared(split: str) -> Path:
    """The prepared rows of one of SPLITS."""
    return PREPARED / f"{split}.jsonl"


def annotated(split: str) -> Path:
    """The teacher's answers to rows of one of SPLITS."""
    return ANNOTATED / f"{split}.jsonl"


def metrics(stage: str) -> Path:
    """The metrics file of a stage."""
    return METRICS / f"{stage}.json"


def store() -> Path:
    """The response store: DISTILL_STORE where it is set, else `.distill/responses.sqlite` of the clone.

    DVC sets DVC_ROOT to the clone itself, in temporary and queued runs too, whose own folder is deleted.
    """
    override = os.environ.get("DISTILL_STORE")
    if override:
        return source(override)
    return Path(os.environ.get("DVC_ROOT") or ".") / ".distill" / "responses.sqlite"


def checkpoints() -> Path:
    """Where training leaves what it needs to go on after a kill: beside the response store, for the same reason."""
    return store().parent / "checkpoints"


def tokens() -> Path:
    """Texts that were tokenized before, beside the response store."""
    return store().parent / "tokens"


def source(path: str) -> Path:
    """A path that the user gave, absolute, relative to the root, or from a home folder, as far as there is one."""
    return Path(os.path.expanduser(path))
