"""How a stage starts: with nothing but params.yaml, and never by a question for help."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from distill.errors import UserError
from distill.running import run_front_door, run_stage
from house import STAGES


@pytest.mark.parametrize(("argument", "code"), [("--help", 0), ("-h", 0), ("--rows", 2), ("train", 2)])
def test_an_argument_starts_no_work(monkeypatch, capsys, argument, code):
    monkeypatch.setattr(sys, "argv", ["stages/annotate.py", argument])
    with pytest.raises(SystemExit) as stopped:
        run_stage("annotate", lambda: pytest.fail("it worked"))
    assert stopped.value.code == code
    assert "usage: annotate.py" in "".join(capsys.readouterr())


def test_a_script_says_what_it_is_and_leaves_nothing_behind(tmp_path):
    done = subprocess.run(
        [sys.executable, STAGES / "annotate.py", "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "Asks the teacher for labels and rationales" in done.stdout and not list(tmp_path.iterdir())


def test_arguments_are_left_to_a_script_that_takes_them(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stages/drift.py", "--rows", "3"])
    done = []
    run_stage("drift", lambda: done.append(sys.argv[1:]), takes_arguments=True)
    assert done == [["--rows", "3"]]


def test_a_stage_begins_and_ends_with_its_name(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stages/subsample.py"])
    monkeypatch.setattr(sys.modules["__main__"], "__doc__", "Makes the training set: whose labels.\n\nreads   rows\n")
    run_stage("subsample", lambda: print("rows"))
    begin, rows, end = capsys.readouterr().out.splitlines()
    assert (begin, rows) == ("subsample: makes the training set: whose labels.", "rows")
    assert end.startswith("subsample: done in ")


@pytest.mark.parametrize("script", sorted(STAGES.glob("*.py")), ids=lambda file: file.stem)
def test_a_scripts_help_begins_with_what_it_does_and_has_an_example(script):
    description = ast.get_docstring(ast.parse(script.read_text()), clean=False) or ""
    first, _, rest = description.partition("\n")
    assert 20 < len(first) <= 120 and first[0].isupper() and re.search(r"(?m)^run +(dvc|python|echo) ", rest)
    assert (
        "formatter_class=argparse.RawDescriptionHelpFormatter" in script.read_text()
        or "run_stage(" in script.read_text()
    )


@pytest.mark.parametrize(
    ("work", "code"),
    [
        (lambda: raises(UserError("a.csv: no such file")), "plan: a.csv: no such file"),
        (lambda: raises(KeyboardInterrupt()), 130),
        (lambda: 1, 1),
        (lambda: None, None),
    ],
)
def test_a_front_door_ends_without_a_traceback(work, code):
    with pytest.raises(SystemExit) as stopped:
        run_front_door("plan", work)
    assert stopped.value.code == code


def test_a_setting_that_proves_wrong_late_is_named_with_its_line(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stages/train.py"])
    (tmp_path / "params.yaml").write_text("train:\n  steps: 1\n")
    error = UserError("train.steps: is 1; this student needs 2")
    for run in (run_stage, run_front_door):
        with pytest.raises(SystemExit) as stopped:
            run("train", lambda: raises(error))
        assert stopped.value.code == "train: params.yaml:2: train.steps: is 1; this student needs 2"


def raises(error: BaseException) -> None:
    raise error
