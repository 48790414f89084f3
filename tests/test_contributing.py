"""The examples of CONTRIBUTING.md, each registered and run as what it adds would be."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import replace

import pytest

from distill.rows.records import Annotation, Example
from distill.search import optimizers
from distill.search.search import Search
from distill.selection import strategies
from distill.selection.training_set import training_set
from distill.settings.subsample import SubsampleSettings
from distill.tasks import registry
from distill.tasks.base import Task
from distill.teacher import open_teacher
from distill.templates import render
from house import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def block(heading: str) -> str:
    """The example under a heading."""
    section = TEXT[TEXT.index(f"### {heading}") :]
    return re.search(r"```python\n(.*?)```", section, re.DOTALL).group(1)


@pytest.fixture
def example(tmp_path, monkeypatch):
    """example(heading): the block under it as a module that can be imported by its name, and the name."""

    def load(heading: str):
        name = "example_of_" + re.sub(r"\W+", "_", heading.lower())
        (tmp_path / f"{name}.py").write_text(block(heading), encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        spec = importlib.util.spec_from_file_location(name, tmp_path / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module, name

    return load


@pytest.mark.parametrize("heading", re.findall(r"^### (.+)", TEXT, re.MULTILINE))
def test_an_example_is_short_and_documented(heading):
    code = block(heading)
    assert code.startswith('"""') and len(code.splitlines()) <= 34


def test_the_data_set(example, monkeypatch, make_settings, tmp_path):
    _, module = example("A data set")
    monkeypatch.setitem(registry.TASKS, "boolq", f"{module}:BoolQ")
    rows = [
        {"question": f"is {n} even", "passage": f"Even are {n} to {2 * n}.", "answer": n % 2 == 0} for n in range(20)
    ]
    for name, part in (("train", rows[:16]), ("dev", rows[16:])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    settings = make_settings(**{
        "task.name": "boolq", "task.path": str(tmp_path), "task.train_rows": "all", "task.test_rows": "all",
        "task.overlap": "allow",  # these rows differ in numbers alone
        "task.validation_rows": 0.25,
    })  # fmt: skip
    task = registry.get_task(settings.task)
    assert isinstance(task, Task)
    splits = task.splits()
    assert {split: len(part) for split, part in splits.items()} == {"train": 12, "validation": 4, "test": 4}
    first = splits["test"][0]
    assert (first.id, first.label, first.input) == ("boolq-test-00000", "yes", "is 16 even? Even are 16 to 32.")
    card = task.card()
    assert card.classes == ("no", "yes")
    assert render(card.prompts["label"]["user"], first.fields).startswith("Even are 16 to 32.\n\nis 16 even?")
    (tmp_path / "dev.jsonl").write_text(json.dumps({"question": "q", "passage": "p", "answer": "yes"}) + "\n")
    with pytest.raises(Exception, match=r"dev.jsonl:1.*must be true or false"):
        registry.get_task(settings.task).splits()


def test_the_optimizer(example, monkeypatch, make_settings):
    """Against the simulated teacher, on rows of the practice task, as optimize_prompt runs it."""
    _, module = example("An optimizer of prompts")
    monkeypatch.setitem(optimizers.OPTIMIZERS, "blind", f"{module}:Blind")
    sizes = {"task.train_rows": 60, "task.validation_rows": 3, "task.test_rows": 3, "prompt.search_rows": 10,
             "prompt.first_rows": 5, "prompt.holdout_rows": 20, "prompt.steps": 2, "prompt.candidates": 3}  # fmt: skip
    settings = make_settings(**sizes)
    settings = replace(settings, prompt=replace(settings.prompt, optimizer="blind"))
    task = registry.get_task(settings.task)
    splits = task.splits()
    with open_teacher(settings, "test") as teacher:
        outcome = Search(teacher, task.card(), splits["train"], settings).run()
    rejected = sum(outcome.rejected.values())
    assert len(outcome.candidates) - 1 + rejected == 6 and rejected < 6
    assert outcome.winner.held_out.rows == 20


def test_the_strategy(example, monkeypatch):
    module, _ = example("A strategy: which rows keep their rationale")
    monkeypatch.setitem(strategies.STRATEGIES, "longest_input", module.longest_input)
    examples = [Example(f"r{n:02}", "word " * (n % 10 + 1), {}, label="gold") for n in range(40)]
    answers = [Annotation(row.id, "explain", "label", "why", "ok", "raw", "stop", "m") for row in examples]
    kept = {}
    for rate in (0.1, 0.5):
        settings = SubsampleSettings(rate, 1.0, "longest_input", "teacher", "own", 1.0, None, "keep", 1)
        rows, metrics = training_set(examples, answers, settings, "classes")
        kept[rate] = {row.id for row in rows if row.rationale is not None}
        assert metrics["rationale"]["kept"] == round(40 * rate)
    assert kept[0.1] == {"r09", "r19", "r29", "r39"} and kept[0.1] < kept[0.5]
    assert kept[0.5] == {row.id for row in examples if len(row.input.split()) > 5}
