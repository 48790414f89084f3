"""What a changed setting reruns: a table for every setting, and the real DVC driven through changes.

The scratch repository has this project's dvc.yaml and params.yaml; its stage scripts write a hash of what
they declare to read (tests/stand_in/stage.py), so that every change goes down as far as it can.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from house import ROOT, SCRIPTS
from scratch import Repository, changed, new

pytestmark = pytest.mark.whole

FROM = {first: list(SCRIPTS[SCRIPTS.index(first) :]) for first in SCRIPTS}
# Whatever a section holds, a change of any key in it reruns these and no more.
RERUNS = {
    "task": FROM["prepare"],
    "teacher": FROM["optimize_prompt"],
    "prompt": FROM["optimize_prompt"],
    "annotate": FROM["annotate"],
    "subsample": FROM["subsample"],
    "preset": FROM["train"],
    "student": FROM["train"],
    "train": FROM["train"],
    "evaluate": FROM["evaluate"],
    "hand_over": ["hand_over"],
    "report": ["report"],
    "runtime": [],
}
# Driven changes: one in every section, and one of every kind of value. Each takes the place of the one before, upstream
# first, so that what the one before reran and this one does not has to come back from the run cache.
CHANGES = [
    {"task.seed": 2},
    {"teacher.model": "another"},
    {"prompt.weights.accuracy": 2.0},
    {"annotate.rationale_rate": 0.5},
    {"subsample.labels": "gold"},
    {"preset.keep": ["train.steps"]},
    {"student.scratch.d_model": 32},
    {"train.learning_rate": 0.001},
    {"evaluate.confidence": 0.9},
    {"hand_over.license": "mit"},
    {"report.rows": 10},
    {"runtime.concurrency": 64, "runtime.threads": 2, "runtime.prices": {}, "runtime.key_env": "OTHER_KEY"},
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Repository:
    tmp = tmp_path_factory.mktemp("reruns")
    stages = tmp / "stages"
    shutil.copytree(ROOT / "stages", stages, ignore=shutil.ignore_patterns("__pycache__"))
    for stage in SCRIPTS:
        shutil.copy(ROOT / "tests" / "stand_in" / "stage.py", stages / f"{stage}.py")
    made = new(tmp, stages=stages)
    assert made.repro() == list(SCRIPTS)
    made.commit("first run")
    return made


def keys(place: dict, dotted: str = "") -> list[str]:
    found = []
    for key, value in place.items():
        name = f"{dotted}{key}"
        found += keys(value, f"{name}.") if isinstance(value, dict) and name != "runtime.prices" else [name]
    return found


def test_the_table_has_every_setting():
    """Each key of params.yaml is in a section of the table, and DVC watches whole sections, so no key escapes it."""
    declared = {
        stage: body["params"] for stage, body in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items()
    }
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for setting in keys(params):
        section = setting.split(".")[0]
        first = [stage for stage in SCRIPTS if section in declared[stage]][:1]
        assert RERUNS[section][:1] == first, setting
    assert {setting.split(".")[0] for change in CHANGES for setting in change} == set(params)


@pytest.fixture
def write(repository) -> Iterator[Callable[[str, str], None]]:
    """Writes a file of the repository for one test; afterwards it is as it was, and DVC has not looked yet."""
    before: dict[Path, str | None] = {}

    def write(name: str, text: str) -> None:
        place = repository.path / name
        before[place] = place.read_text() if place.exists() else None
        place.write_text(text)

    yield write
    for place, text in before.items():
        place.unlink() if text is None else place.write_text(text)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_a_changed_setting_reruns_what_it_affects_and_the_way_back_from_another_nothing(repository, write, change):
    write("params.yaml", changed((repository.path / "params.yaml").read_text(), change))
    assert repository.repro() == RERUNS[next(iter(change)).split(".")[0]]


@pytest.mark.parametrize(
    ("files", "first"),
    [
        (["stages/distill/search/search.py"], "optimize_prompt"),
        (["stages/distill/selection/strategies.py"], "subsample"),
        (["stages/distill/student/training.py"], "train"),
        (["stages/distill/settings/train.py", "stages/distill/running.py", "README.md"], None),
    ],
)
def test_an_edit_of_the_code_reruns_the_stages_that_use_it(repository, write, files, first):
    for file in files:
        place = repository.path / file
        write(file, (place.read_text() if place.exists() else "") + "\n# edited\n")
    assert repository.repro() == (FROM[first] if first else [])


def test_when_all_is_as_at_first_nothing_runs(repository):
    assert repository.repro() == []
