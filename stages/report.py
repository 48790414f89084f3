"""Writes the report of the run: one page that opens offline, with the money, the figures and every test row.

reads   metrics/*.json, metrics/plots/*.json, data/judged.jsonl, data/annotated/train.jsonl, data/prompt.yaml,
        data/prepared/task.json
writes  metrics/report.html
run     dvc repro report
"""

from distill import paths
from distill.report.page import report_page
from distill.report.run import read_run
from distill.rows.files import write_text
from distill.running import run_stage
from distill.settings import load_settings

# The last stage ends a run, so it says what to do with it.
WHERE_TO_LOOK = """\
where to look:
  metrics/report.html               the run on one page; open it in a browser
  dvc metrics diff                  what has changed since the last commit
  data/model/README.md              the model to hand over, with its card
  python stages/predict.py ROWS     its answers to rows of your own"""


def main() -> None:
    settings = load_settings()
    text = report_page(read_run(settings))
    write_text(paths.REPORT, text)
    print(f"{paths.REPORT}: {len(text.encode()) / 2**20:.1f} MiB\n{WHERE_TO_LOOK}", flush=True)


if __name__ == "__main__":
    run_stage("report", main)
