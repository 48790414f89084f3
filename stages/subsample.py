"""Makes the training set: whose labels, how many rows, and the share that keeps its rationale.

reads   data/prepared/{train.jsonl,task.json}, data/annotated/train.jsonl
writes  data/training/train.jsonl, metrics/subsample.json
run     dvc repro subsample
"""

from distill import paths
from distill.rows.files import write_metrics
from distill.rows.records import Annotation, Example, TaskCard, read_json, read_rows, write_rows
from distill.running import run_stage
from distill.selection.training_set import training_set
from distill.settings import load_settings


def main() -> None:
    settings, card = load_settings().subsample, read_json(paths.TASK_CARD, TaskCard)
    examples = read_rows(paths.prepared("train"), Example)
    annotations = read_rows(paths.annotated("train"), Annotation)
    rows, metrics = training_set(examples, annotations, settings, card.kind)
    write_rows(paths.TRAINING, rows)
    write_metrics(paths.metrics("subsample"), metrics)


if __name__ == "__main__":
    run_stage("subsample", main)
