"""A fresh process that answers one row: what distill.evaluation.efficiency times. The row comes by standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from distill.rows.records import Example
from distill.settings import load_settings
from distill.student.predicting import Student


def main() -> None:
    row = json.load(sys.stdin)
    example = Example(row["id"], row["input"], {}, tuple(row["choices"]))
    print(Student.load(Path(sys.argv[1]), load_settings().runtime).label([example])[0][0])


if __name__ == "__main__":
    main()
