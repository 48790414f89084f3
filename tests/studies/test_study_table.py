from __future__ import annotations

import csv
import json

from test_study_summary import ROWS

from distill.studies.table import arms_text, by_arm, write_tables


def test_the_files_say_the_same(tmp_path):
    arms = by_arm(ROWS, {"own": None, "other": "own"}, 0.95)
    table, whole = write_tables(tmp_path, "mine", ROWS, {"question": "Which?", "arms": arms})
    with open(table, newline="") as file:
        read = list(csv.DictReader(file))
    assert [(row["arm"], row["seed"], row["accuracy"], row["status"]) for row in read][-1] == (
        "other",
        "3",
        "",
        "crashed",
    )
    kept = json.loads(whole.read_text())
    assert kept["cells"] == ROWS and kept["arms"]["other"]["failures"]["crashed"] == 1 and kept["question"] == "Which?"


def test_the_table_for_people():
    lines = arms_text(by_arm(ROWS, {"own": None, "other": "own"}, 0.95), 0.95).splitlines()
    assert lines[2] == "| own | 92.0 % | 87.0 to 97.0 % | 3 of 3 | 0, 0, 0 |  |  |"
    assert lines[3].startswith("| other | 57.0 % | 0.0 to 100.0 % | 2 of 3 | 1, 0, 1 | -35.0 (-100.0 to +100.0) |  |")
