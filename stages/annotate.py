"""Asks the teacher for labels and rationales, or takes those that people wrote.

reads   data/prepared/*, data/prompt.yaml
writes  data/annotated/{train,validation,test}.jsonl, metrics/annotate.json
run     dvc repro annotate
"""

from typing import Any

from distill import paths
from distill.annotation.annotation import (
    annotate,
    annotation_metrics,
    check_failures,
    cost_of,
    human_annotations,
    rows_to_ask,
)
from distill.prompts.prompt_file import read_prompts
from distill.rows.files import write_metrics
from distill.rows.records import Annotation, Example, TaskCard, read_json, read_rows, write_rows
from distill.running import run_stage
from distill.settings import load_settings
from distill.teacher import open_teacher


def main() -> dict[str, Any]:
    settings = load_settings()
    card = read_json(paths.TASK_CARD, TaskCard)
    templates = read_prompts(paths.PROMPT, card)
    splits = {split: read_rows(paths.prepared(split), Example) for split in paths.SPLITS}
    asked = rows_to_ask(splits, settings.annotate)
    found: dict[str, list[Annotation]] = {split: [] for split in asked}
    name, measured = "nobody was asked", {}
    if any(asked.values()):
        with open_teacher(settings, "annotate") as teacher:
            found = annotate(teacher, splits, templates, card, settings)
            name, measured = teacher.describe(), teacher.bill.runtime()
            print(teacher.bill.closing_line(), flush=True)
        check_failures([answer for split in found.values() for answer in split], settings)
    if settings.annotate.rationale_source == "human":
        found["train"], name = human_annotations(splits["train"], settings.annotate), f"{name}; train: human labels and rationales"
    metrics: dict[str, Any] = {"cost": {}, "teacher": name}
    for split, rows in found.items():
        write_rows(paths.annotated(split), rows)
        metrics[split] = annotation_metrics(rows, splits[split], card, settings.annotate)
        metrics["cost"][split] = cost_of(rows, settings.teacher, settings.runtime.prices)
        if rows:
            labels, rationales = (sum(getattr(row, name) is not None for row in rows) for name in ("label", "rationale"))
            print(f"{split}: {len(rows):,} rows, {labels:,} with a label, {rationales:,} with a rationale", flush=True)
    write_metrics(paths.metrics("annotate"), metrics)
    return measured


if __name__ == "__main__":
    run_stage("annotate", main)
