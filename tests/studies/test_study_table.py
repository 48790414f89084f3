from __future__ import annotations

import csv
import json

from test_study_summary import ROWS, row

from distill.studies.summary import by_arm
from distill.studies.table import write_tables
from distill.studies.wording import arms_latex, arms_text, notes


def test_the_files_say_the_same(tmp_path):
    """The bits of right rows are in the JSON alone."""
    with_bits = [{**one, "right": "ff"} for one in ROWS]
    arms = by_arm(ROWS, {"own": None, "other": "own"}, 0.95)
    table, whole = write_tables(tmp_path, "mine", with_bits, {"question": "Which?", "arms": arms})
    with open(table, newline="") as file:
        read = list(csv.DictReader(file))
    assert "right" not in read[0]
    assert [(row["arm"], row["seed"], row["accuracy"], row["status"]) for row in read][-1] == (
        "other",
        "3",
        "",
        "crashed",
    )
    kept = json.loads(whole.read_text())
    assert (
        kept["cells"] == with_bits
        and kept["arms"]["other"]["failures"]["crashed"] == 1
        and kept["question"] == "Which?"
    )


ARMS = by_arm(ROWS, {"own": None, "other": "own"}, 0.95)


def test_the_table_for_people():
    lines = arms_text(ARMS, 0.95).splitlines()
    assert lines[2] == "| own | 92.0 % ± 2.0 | 83.4 to 98.3 % | 90.0 to 94.0 % | 3 of 3 | 0, 0, 0 |  |  |  |  |  |"
    assert lines[3].startswith(
        "| other | 57.0 % ± 32.5 | 0.0 to 100.0 % | 34.0 to 80.0 % | 2 of 3 | 1, 0, 1 | -35.0 (-100"
    )


def test_the_same_in_latex():
    lines = arms_latex(ARMS, 0.95).splitlines()
    assert lines[0] == r"\begin{tabular}{l" + 10 * "r" + "}" and lines[-1] == r"\end{tabular}"
    assert lines[4].startswith(r"own & 92.0 \% $\pm$ 2.0 & 83.4 to 98.3 \% & ") and lines[4].endswith(r" \\")
    assert r"label\_only \& \$5 \{x\}" in arms_latex({"label_only & $5 {x}": ARMS["own"]}, 0.95)


def test_what_the_table_does_not_say_is_said():
    spread, p, unpaired, *rest = notes(ARMS, "own", None)
    assert "over seeds and test rows" in spread and "Holm's method for the 1 arms" in p and "wider" in unpaired
    assert not rest
    one = by_arm([*ROWS, row("single", 1, 0.9)], {"own": None, "other": "own", "single": "own"}, 0.95)
    assert "Holm's method for the 2 arms" in list(notes(one, "own", None))[1]
    assert list(notes(one, "own", None))[3] == (
        "One seed alone, so that its luck is not in the interval: single; the arms with several seeds have a standard"
        " deviation of up to 32.5 points over theirs."
    )
    tuned = {"arm": "other", "tried": 3, "validation_accuracy": 0.5}
    assert list(notes(ARMS, "own", tuned))[-1] == (
        "Labels alone, tuned over their steps: other is the best of 3 by validation accuracy (50.0 %). On test it has"
        " 57.0 %, own 92.0 %."
    )
