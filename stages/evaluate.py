"""Judges the student on the test rows, beside its teacher, and says what it cost.

reads   data/student/, data/prepared/{test.jsonl,validation.jsonl,task.json}, data/annotated/{test,validation}.jsonl,
        metrics/optimize_prompt.json, metrics/annotate.json
writes  data/predictions.jsonl, data/judged.jsonl, metrics/evaluate.json, metrics/plots/{confusion,cascade}.json
run     dvc repro evaluate
"""

from typing import Any

from distill import paths
from distill.evaluation.assessment import Split, assess
from distill.evaluation.judging import confusion
from distill.evaluation.summary import summary
from distill.rows.files import read_object, write_json, write_metrics
from distill.rows.records import Annotation, Example, TaskCard, read_json, read_rows, write_rows
from distill.running import run_stage
from distill.settings import load_settings


def main() -> dict[str, Any]:
    settings = load_settings()
    card = read_json(paths.TASK_CARD, TaskCard)
    test, validation = (
        Split(read_rows(paths.prepared(split), Example), read_rows(paths.annotated(split), Annotation))
        for split in ("test", "validation")
    )
    search, annotation = (read_object(paths.metrics(stage)) for stage in ("optimize_prompt", "annotate"))
    found = assess(paths.STUDENT, test, validation, card, settings, search, annotation)
    write_rows(paths.PREDICTIONS, found.predictions)
    write_rows(paths.JUDGED, found.rows)
    write_metrics(paths.metrics("evaluate"), found.metrics)
    write_json(paths.CONFUSION_PLOT, confusion(found.rows, card.kind))
    write_json(paths.CASCADE_PLOT, found.curve)
    print(summary(found.metrics, found.measured), flush=True)
    return found.measured


if __name__ == "__main__":
    run_stage("evaluate", main)
