"""Trains the student on labels and rationales, and keeps the weights that are best on the validation rows.

reads   data/training/train.jsonl, data/prepared/{validation.jsonl,task.json}
writes  data/student/, metrics/train.json, metrics/plots/training.json; metrics/plots/training_speed.json, which no
        stage depends on; .distill/checkpoints/, until it is done
run     dvc repro train; on several devices by runtime.processes or runtime.accelerate_config, or by hand:
        accelerate launch --multi_gpu --num_processes 2 stages/train.py
"""

from typing import Any

from distill import paths
from distill.rows.files import write_metrics
from distill.rows.records import Example, TaskCard, TrainingRow, read_json, read_rows
from distill.running import run_stage
from distill.settings import load_settings
from distill.student.processes import launch
from distill.student.training import train_student


def main() -> dict[str, Any] | None:
    settings = load_settings()
    launch(settings.runtime)
    trained = train_student(
        read_rows(paths.TRAINING, TrainingRow),
        read_rows(paths.prepared("validation"), Example),
        read_json(paths.TASK_CARD, TaskCard),
        settings,
        paths.STUDENT,
        paths.TRAINING_PLOT,
    )
    if trained is None:
        return None
    write_metrics(paths.metrics("train"), trained.metrics)
    return trained.runtime


if __name__ == "__main__":
    run_stage("train", main)
