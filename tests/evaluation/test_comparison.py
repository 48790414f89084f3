"""Two experiments compared: by the library, and as a person asks for it in a repository under the real Git and DVC."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from distill.errors import UserError
from distill.evaluation.comparison import compare_answers, comparison_text
from distill.rows.records import Judged, write_rows
from house import ROOT, STAGES
from scratch import Repository


def rows(wrong=(), count=40, **more) -> list[Judged]:
    """Test rows whose gold label is "yes"; the student says "no" to the wrong ones."""
    said = ["no" if number in wrong else "yes" for number in range(count)]
    return [
        Judged(f"r{i:02}", f"row {i}", gold="yes", student_label=label, student_right=label == "yes", **more)
        for i, label in enumerate(said)
    ]


def test_the_figures_are_those_of_the_paired_tests():
    found = compare_answers(rows(wrong=(0, 1)), rows(wrong=(1, 2, 3, 4, 5, 6, 7)), "student", 0.95)
    assert (found["rows"], found["first"]["accuracy"], found["second"]["accuracy"]) == (40, 0.95, 0.825)
    less = found["first_less_second"]
    assert (less["first_only"], less["second_only"], less["difference"], less["p_value"]) == (6, 1, 0.125, 0.125)
    assert less["ci_low"] < 0.125 < less["ci_high"]
    assert [row["id"] for row in found["changed"]] == ["r00", "r02", "r03", "r04", "r05", "r06", "r07"]
    assert found["changed"][0] == {"id": "r00", "input": "row 0", "gold": "yes", "first": "no", "second": "yes"}


def test_rows_are_joined_and_not_taken_in_their_order():
    assert compare_answers(rows(wrong=(3,)), rows(wrong=(3,))[::-1], "student", 0.95)["changed"] == []


def test_other_test_rows_are_refused_unless_the_shared_ones_are_asked_for():
    one, other = rows(count=40), rows(wrong=(0,), count=30)
    other[5] = replace(other[5], gold="no", student_right=False)
    with pytest.raises(
        UserError, match=r"40 and 30 labelled test rows with an answer of the student, 29 of them the same .* --shared"
    ):
        compare_answers(one, other, "student", 0.95)
    found = compare_answers(one, other, "student", 0.95, shared=True)
    assert found["rows"] == 29 and found["first_less_second"]["first_only"] == 1
    with pytest.raises(UserError, match="share no labelled test row that the teacher answered: first 0, second 0"):
        compare_answers(one, one, "teacher", 0.95)
    with pytest.raises(UserError, match="share no labelled test row"):
        compare_answers(rows(), [replace(row, id="x" + row.id) for row in rows()], "student", 0.95, shared=True)


def test_teachers_are_compared_where_both_were_asked():
    asked = [replace(row, teacher_label="no", teacher_right=False, teacher_status="ok") for row in rows()]
    better = [replace(row, teacher_label="yes", teacher_right=True) for row in asked]
    assert (
        compare_answers(better[:3] + rows()[3:], asked[:3] + rows()[3:], "teacher", 0.95)["first_less_second"][
            "first_only"
        ]
        == 3
    )


def test_the_table_says_the_method_of_each_figure_and_cannot_steer_a_terminal():
    wild = rows(wrong=(0,))
    wild[0] = replace(wild[0], student_label="no\x1b[2J\nmore")
    text = comparison_text(compare_answers(rows(), wild, "student", 0.95), ("main", "other"), most=1)
    assert "main   100.0%   91.2% to 100.0% (Wilson)" in text
    assert (
        "difference +2.5 points" in text
        and "(Tango's score interval, as fewer than 10 rows differ); p = 1 (McNemar, exact)" in text
    )
    many = comparison_text(compare_answers(rows(), rows(wrong=range(10)), "student", 0.95), ("a", "b"), most=0)
    assert "(paired bootstrap, 10,000 draws); p = 0.002 (McNemar, exact)" in many
    assert "p < 0.0001" in comparison_text(
        compare_answers(rows(), rows(wrong=range(20)), "student", 0.95), ("a", "b"), most=0
    )
    assert 'r00: "row 0" gold "yes", first "yes", second "no [2J more"' in text and "\x1b" not in text
    assert "and 1 more (--rows 2, or --json)" in comparison_text(
        compare_answers(rows(), rows(wrong=(1, 2)), "student", 0.95), ("a", "b"), most=1
    )


STAGE = (
    "stages:\n  evaluate:\n    cmd: cp made.jsonl data/judged.jsonl\n    deps: [made.jsonl]\n"
    "    outs: [data/judged.jsonl]\n"
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Repository:
    """One commit, an experiment of it with other answers, and a workspace with still others; a stand-in makes them."""
    home = tmp_path_factory.mktemp("compare")
    path = home / "clone"
    (path / "data").mkdir(parents=True)
    made = Repository(path, home)
    made.git("init", "-q", "-b", "main")
    for key, value in (("user.name", "test"), ("user.email", "test@example.invalid"), ("commit.gpgsign", "false")):
        made.git("config", key, value)
    made.dvc("init", "-q")
    shutil.copy(ROOT / "params.yaml", path / "params.yaml")
    (path / "dvc.yaml").write_text(STAGE)
    for message, answers in (("other", rows(wrong=range(10))), ("main", rows(wrong=(0,)))):
        write_rows(path / "made.jsonl", answers)
        made.repro("--quiet")
        made.commit(message)
    made.git("update-ref", "refs/exps/ab/cdef/slow-hare", "HEAD~1")
    write_rows(path / "data" / "judged.jsonl", rows(count=20))
    return made


def test_a_commit_against_an_experiment_and_against_the_workspace(repository):
    def script(*arguments: str) -> str:
        return repository.python(str(STAGES / "compare.py"), *arguments, check=False)

    found = json.loads(script("main", "slow-hare", "--json"))
    assert found["revisions"] == {"first": "main", "second": "slow-hare"} and len(found["changed"]) == 9
    assert (found["first"]["right"], found["second"]["right"], found["first_less_second"]["p_value"]) == (
        39,
        30,
        0.00390625,
    )
    assert script("main").startswith("compare: the two were not tested on the same rows: 40 and 20")
    assert script("fast-fox").startswith("compare: fast-fox: neither a Git revision nor an experiment")
