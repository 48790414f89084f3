"""Writes the report of the run: one page that opens offline, with the money, the figures and every test row.

reads   metrics/*.json, metrics/plots/*.json, data/judged.jsonl, data/annotated/train.jsonl, data/prompt.yaml,
data/prepared/task.json writes  metrics/report.html run     dvc repro report
"""

from distill import paths
from distill.report.facts import gather
from distill.report.page import page
from distill.rows.files import write_text
from distill.running import run_stage
from distill.settings import load_settings


def main() -> None:
    settings = load_settings()
    text = page(gather(settings))
    write_text(paths.REPORT, text)
    print(f"{paths.REPORT}: {len(text.encode()) / 2**20:.1f} MiB; open it in a browser", flush=True)


if __name__ == "__main__":
    run_stage("report", main)
