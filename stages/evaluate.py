"""Judges the student on the test rows, beside its teacher, and says what it cost.

reads   data/student/, data/training/train.jsonl, data/prepared/{train,validation,test}.jsonl, data/prepared/task.json,
        data/annotated/{train,validation,test}.jsonl, metrics/{optimize_prompt,annotate,train}.json
writes  data/predictions.jsonl, data/judged.jsonl, metrics/headline.json (the numbers that people look for first),
        metrics/evaluate.json (all of them), metrics/plots/{confusion,cascade}.json
run     dvc repro evaluate
        dvc metrics diff --targets metrics/headline.json     against the last commit
"""

from typing import Any

from distill import paths
from distill.evaluation.assessment import Split, assess
from distill.evaluation.headline import headline
from distill.evaluation.judging import confusion_rows
from distill.evaluation.summary import evaluation_summary
from distill.rows.files import read_object, write_json, write_metrics, write_plot
from distill.rows.records import Annotation, Example, TaskCard, TrainingRow, read_json, read_rows, write_rows
from distill.running import run_stage
from distill.settings import load_settings


def main() -> dict[str, Any]:
    settings = load_settings()
    card = read_json(paths.TASK_CARD, TaskCard)
    rows = read_rows(paths.TRAINING, TrainingRow)
    splits = {
        split: Split(read_rows(paths.prepared(split), Example), read_rows(paths.annotated(split), Annotation))
        for split in paths.SPLITS
    }
    search, annotation, training = (
        read_object(paths.metrics(stage)) for stage in ("optimize_prompt", "annotate", "train")
    )
    assessment = assess(paths.STUDENT, rows, splits, card, settings, search, annotation)
    write_rows(paths.PREDICTIONS, assessment.predictions)
    write_rows(paths.JUDGED, assessment.rows)
    write_metrics(paths.HEADLINE_METRICS, headline(assessment.metrics, annotation, training), sort_keys=False)
    write_metrics(paths.metrics("evaluate"), assessment.metrics)
    write_plot(paths.CONFUSION_PLOT, confusion_rows(assessment.rows, card.kind))
    write_json(paths.CASCADE_PLOT, assessment.curve)
    print(evaluation_summary(assessment.metrics, assessment.measured), flush=True)
    return assessment.measured


if __name__ == "__main__":
    run_stage("evaluate", main)
