"""How a stage starts: with nothing but params.yaml, and never by a question for help."""

from __future__ import annotations

import subprocess
import sys

import pytest

from distill.running import run_stage
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
