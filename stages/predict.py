"""Asks the trained student about rows of your own; one JSON line a row comes out, in the order of the rows.
A file of any size is read a few batches at a time; standard error says how many rows a second.

run     echo "How big is a ladle next to a tram?" | python stages/predict.py
        python stages/predict.py rows.csv --explain > answers.jsonl
        python stages/predict.py data/prepared/test.jsonl --model data/student

A .csv, .tsv, .jsonl or .parquet file may be the one that the task was made of: with the columns of task.table, with
labels or without. Or it has a column `input`, and where it likes `id` and `choices` (a JSON list, or with | between).
Any other file, and what is piped in, is text, an input a line: it must look as data/training/train.jsonl shows.
"""

import argparse
import json
import sys
from pathlib import Path

from distill import paths
from distill.progress import Progress
from distill.running import run_front_door
from distill.settings import load_settings
from distill.student.answering import INPUT_FORMATS, read_inputs, student_answers
from distill.student.predicting import Student


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=Path, help="a file; none: standard input")
    parser.add_argument(
        "--format", choices=INPUT_FORMATS, help="of the rows; default: by the file's ending, text for standard input"
    )
    parser.add_argument("--model", type=Path, default=paths.STUDENT, help="folder of the student; default: %(default)s")
    parser.add_argument("--explain", action="store_true", help="the student's own rationale as well")
    options = parser.parse_args()
    settings = load_settings()
    rows = read_inputs(options.rows, options.format, settings.task)
    student = Student.load(options.model, settings.runtime)
    with Progress("predict", bar=not sys.stdout.isatty()) as progress:
        for answer in student_answers(student, rows, options.explain):
            print(json.dumps(answer, ensure_ascii=False), flush=True)
            progress.add()


if __name__ == "__main__":
    run_front_door("predict", main)
