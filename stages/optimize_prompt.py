"""Finds the zero-shot prompt that asks the teacher for label and rationale.

reads   data/prepared/{train.jsonl,task.json}: a labelled slice of train; data/prompts/ where prompt.file names a file
writes  data/prompt.yaml, metrics/optimize_prompt.json, metrics/plots/prompt_search.{json,md}
run     dvc repro optimize_prompt
"""

from typing import Any

from distill import paths
from distill.prompts.prompt_file import fixed_prompts, hand_written, write_prompts
from distill.rows.files import write_metrics, write_plot, write_text
from distill.rows.records import Example, TaskCard, read_json, read_rows
from distill.running import run_stage, try_student
from distill.search.forecast import search_opening_line
from distill.search.outcome import trace_table, unsearched
from distill.search.search import Search
from distill.settings import load_settings
from distill.teacher import open_teacher


def main() -> dict[str, Any]:
    settings = load_settings()
    card = read_json(paths.TASK_CARD, TaskCard)
    measured: dict[str, Any] = {}
    if settings.prompt.optimizer == "fixed":
        templates = fixed_prompts(card, settings.prompt)
        origin, metrics, trace = unsearched(templates["explain"], settings.prompt.file or "params.yaml or the task")
    else:
        train = read_rows(paths.prepared("train"), Example)
        templates = hand_written(card, settings.prompt)
        try_student(settings.student)
        with open_teacher(settings, "optimize_prompt") as teacher:
            print(f"optimize_prompt: {search_opening_line(teacher, card, train, settings)}", flush=True)
            outcome = Search(teacher, card, train, settings).run()
            metrics = outcome.metrics() | {"cost": teacher.bill.metrics(), "teacher": teacher.describe()}
            print(outcome.closing_line(), teacher.bill.closing_line(), sep="\n", flush=True)
            measured = teacher.bill.runtime()
        templates["explain"] = outcome.template
        origin, trace = outcome.origin(settings.prompt.optimizer), outcome.trace()
    write_prompts(paths.PROMPT, templates, origin, card)
    write_metrics(paths.metrics("optimize_prompt"), metrics)
    write_plot(paths.PROMPT_SEARCH_PLOT, trace)
    write_text(paths.PROMPT_SEARCH_TABLE, trace_table(trace))
    return measured


if __name__ == "__main__":
    run_stage("optimize_prompt", main)
