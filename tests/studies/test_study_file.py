from __future__ import annotations

import pytest
from study_repository import NoInputs

from distill.settings.loader import SettingsError
from distill.studies.cells import Expander
from distill.studies.study_file import read_study
from house import ROOT

GOOD = """\
question: Which?
settings: {}
grid: {train.label_weight: [0.2, 0.5]}
arms: {one: {}, two: {train.mode: standard}}
controls: [label_only, matched_compute]
reference: one
seeds: {keys: [student.seed], values: [1, 2]}
"""


def refused(tmp_path, old: str, new: str) -> str:
    path = tmp_path / "study.yaml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(SettingsError) as caught:
        read_study(path)
    return str(caught.value).removeprefix(str(path))


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "data/studies").glob("*.yaml")))
def test_the_committed_studies_can_be_run(name):
    study = read_study(ROOT / "data/studies" / name)
    plan = Expander(study, name, (ROOT / "params.yaml").read_text(), NoInputs()).plan()  # type: ignore[arg-type]
    assert study.question.endswith("?") and len({cell.name for cell in plan.cells}) == len(plan.cells)


def test_a_study_is_what_its_file_says(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(GOOD)
    study = read_study(path)
    assert list(study.arms) == ["one", "two"] and study.controls == ("label_only", "matched_compute")
    assert [node.value for node in study.grid["train.label_weight"]] == ["0.2", "0.5"]
    assert study.seeds.values == (1, 2)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("question", "qestion", ":1: qestion: unknown key; known here: question, settings, grid"),
        ("grid: {train.label_weight: [0.2, 0.5]}\n", "", ":1: grid: is missing"),
        (
            "label_only, matched",
            "labels, matched",
            ":5: controls[0]: is 'labels'; allowed: label_only, label_only_2x, label_only_4x, label_only_8x,",
        ),
        (
            "[label_only, matched_compute]",
            "[matched_compute]",
            ":5: controls: matched_compute needs label_only beside it",
        ),
        (
            "matched_compute]",
            "more_labels]",
            ":5: controls: more_labels needs labels_asked beside it",
        ),
        (
            "values: [1, 2]",
            "values: [1, 2], more: {three: [3]}",
            ":7: seeds: more: 'three' is no arm and no control here",
        ),
        (
            "values: [1, 2]",
            "values: [1, 2], more: {one: [2, 3]}",
            ":7: seeds.more: one: must be whole numbers, each once",
        ),
        ("reference: one", "reference: three", ":6: reference: is 'three'; allowed: one, two"),
        ("values: [1, 2]", "values: [1, 1]", ":7: seeds.values: must be one whole number or more, each once"),
        ("values: [1, 2]", "values: [1, two]", ":7: seeds.values[1]: is 'two'; allowed: a whole number"),
        ("keys: [student.seed]", "keys: []", ":7: seeds.keys: is empty"),
        ("[0.2, 0.5]", "[]", ":3: grid: train.label_weight has no values"),
        (
            "settings: {}",
            "settings: {train.label_weight: 1.0}",
            ":3: grid: train.label_weight also stands under settings",
        ),
        (
            "two: {train.mode: standard}",
            "two: {student.seed: 3}",
            ":4: arms: two: student.seed also stands under seeds",
        ),
        ("arms: {one", "arms: {label_only: {}, one", ":4: arms: 'label_only' is the name of a control"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_line_and_what_is_allowed(tmp_path, old, new, said):
    assert refused(tmp_path, old, new).startswith(said)


def test_a_study_of_nothing_is_refused(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(
        "question: Which?\nsettings: {}\ngrid: {}\narms: {}\ncontrols: []\nreference: one\n"
        "seeds: {keys: [student.seed], values: [1]}\n"
    )
    with pytest.raises(SettingsError, match="a study needs either"):
        read_study(path)
