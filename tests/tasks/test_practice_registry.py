"""Tasks by name, and tasks from outside the package."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from distill.errors import DataError
from distill.settings import load_settings
from distill.tasks.base import Task
from distill.tasks.registry import TASKS, get_task

SETTINGS = replace(load_settings(Path(__file__).parents[2] / "params.yaml").task, path="x")
OWN = """
from distill.templates import Template
from distill.rows.records import Example
from distill.tasks.base import Task

class Parity(Task):
    name = "parity"
    kind = "classes"
    description = "Odd or even?"
    classes = ("odd", "even")
    fields = ("number",)
    explain = label_only = Template("", "{number}")

    def splits(self):
        return {
            split: [Example(f"{split}-{n}", str(n), {"number": str(n)}, label=self.classes[1 - n % 2])]
            for n, split in enumerate(("train", "validation", "test"))
        }

class NoTask:
    pass
"""


@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_registered_name_leads_to_a_task_of_that_name(name):
    table = replace(SETTINGS.table, columns=("message",), description="Decide.")
    task = get_task(replace(SETTINGS, name=name, table=table))
    assert isinstance(task, Task) and task.name == name and task.settings.path == "x"
    assert task.card().prompts["explain"]["user"] == task.explain.user


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(
        DataError,
        match=r"task\.name: is 'practise'; allowed: anli1, anli2, anli3, cqa, esnli, gsm8k, practice, svamp, table, or "
        r"a class of your own",
    ):
        get_task(replace(SETTINGS, name="practise"))


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_parity.py").write_text(OWN)
    (tmp_path / "own_broken.py").write_text("class Parity(:\n")
    (tmp_path / "own_failing.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_task_from_outside_the_package(own):
    task = get_task(replace(SETTINGS, name="own_parity:Parity"))
    assert task.splits()["validation"][0].label == "odd"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own_parity:Missing", "cannot be imported .*Missing"),
        ("no_such_module:Parity", "cannot be imported .*no_such_module"),
        ("own_parity:NoTask", "is not a task; it must be a subclass"),
        ("own_parity:OWN", "cannot be imported"),
        (":", r"cannot be imported \(ValueError: Empty module name\)"),
        (":Parity", "cannot be imported"),
        ("own_parity:", "cannot be imported"),
        ("own_parity:Parity:x", "cannot be imported"),
        ("..own_parity:Parity", "cannot be imported"),
        ("own_broken:Parity", r"cannot be imported \(SyntaxError: .*\); is the module on the Python path\?"),
        ("own_failing:Parity", r"cannot be imported \(ZeroDivisionError: division by zero\)"),
        ("distill.tasks.base:Task", "is not a task; it must be a subclass"),
        ("distill.tasks.published:Published", "is not a task; it must be a subclass"),
        ("x" * 5000, r"task\.name: is 'x{59}…'; allowed: anli1"),
    ],
)
def test_what_is_no_task_says_so(own, name, message):
    with pytest.raises(DataError, match=message) as error:
        get_task(replace(SETTINGS, name=name))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["practice", "gsm8k"])
def test_a_device_or_a_pipe_is_refused_before_it_is_read(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", str(tmp_path / "pipe")):
        with pytest.raises(DataError, match=r"task\.path: .*: is a device or a pipe.*allowed: a file or a folder"):
            get_task(replace(SETTINGS, name=name, path=path))
