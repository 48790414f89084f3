"""Reads the task, cuts its splits, and says what is in them.

reads   task.path, or the hub data set task.hub
writes  data/prepared/{train,validation,test}.jsonl, data/prepared/task.json, metrics/prepare.json
run     dvc repro prepare
"""

from distill import paths
from distill.rows.files import write_json, write_metrics
from distill.rows.records import write_prepared
from distill.running import run_stage, try_student
from distill.settings import load_settings
from distill.tasks.registry import get_task
from distill.tasks.survey import survey

PLAN = "`python stages/plan.py` says what the next run asks it and what that may cost"


def main() -> None:
    settings = load_settings()
    task = get_task(settings.task)
    splits = task.splits()
    report = survey(splits, task, settings.student.max_input_tokens, settings.train.batch_rows)
    for split in paths.SPLITS:
        write_prepared(paths.prepared(split), splits[split])
    write_json(paths.TASK_CARD, task.card())
    write_metrics(paths.metrics("prepare"), report.metrics)
    for notice in report.notices:
        print(f"note: {notice}", flush=True)
    try_student(settings.student)
    print(f"the teacher: {settings.teacher.model} ({settings.teacher.provider}); {PLAN}", flush=True)


if __name__ == "__main__":
    run_stage("prepare", main)
