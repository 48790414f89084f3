"""Asks the teacher for labels and rationales, or takes those that people wrote.

reads   data/prepared/*, data/prompt.yaml
writes  data/annotated/{train,validation,test}.jsonl, metrics/annotate.json
run     dvc repro annotate
"""

from typing import Any

from distill import paths
from distill.annotation.annotation import annotate, check_failures, human_annotations
from distill.annotation.asks import annotation_asks, opening_line
from distill.annotation.measures import split_in_words, stage_metrics
from distill.prompts.prompt_file import read_prompts
from distill.rows.files import write_metrics
from distill.rows.records import Annotation, Example, TaskCard, read_json, read_rows, write_rows
from distill.running import run_stage, try_student
from distill.settings import load_settings
from distill.teacher import open_teacher


def main() -> dict[str, Any]:
    settings = load_settings()
    card = read_json(paths.TASK_CARD, TaskCard)
    templates = read_prompts(paths.PROMPT, card)
    splits = {split: read_rows(paths.prepared(split), Example) for split in paths.SPLITS}
    asks = annotation_asks(splits, settings)
    annotations: dict[str, list[Annotation]] = {split: [] for split in paths.SPLITS}
    name, measured = "nobody was asked", {}
    if asks:
        try_student(settings.student)
        with open_teacher(settings, "annotate") as teacher:
            print(f"annotate: {opening_line(teacher, asks, templates, card, settings)}", flush=True)
            annotations = annotate(teacher, splits, templates, card, settings)
            name, measured = teacher.describe(), teacher.bill.runtime()
            print(teacher.bill.closing_line(), flush=True)
        check_failures([answer for split in annotations.values() for answer in split], settings)
    if settings.annotate.rationale_source == "human":
        annotations["train"] = human_annotations(splits["train"], settings.annotate)
        name = f"{name}; train: human labels and rationales"
    for split, rows in annotations.items():
        write_rows(paths.annotated(split), rows)
        print(split_in_words(split, rows), flush=True)
    write_metrics(paths.metrics("annotate"), stage_metrics(name, annotations, splits, card, settings))
    return measured


if __name__ == "__main__":
    run_stage("annotate", main)
