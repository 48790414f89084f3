from __future__ import annotations

from decimal import Decimal

import pytest
import yaml

from distill.settings import load_settings
from distill.settings.loader import SettingsError
from distill.studies.changes import changed_settings, check_key, override, result_settings, setting_value
from house import ROOT

TEXT = (ROOT / "params.yaml").read_text()


def node(text: str) -> yaml.Node:
    return yaml.compose(text, Loader=yaml.SafeLoader)


def test_a_change_reaches_its_setting_and_no_other():
    made = changed_settings(TEXT, {"train.learning_rate": node("1e-4"), "student.scratch.d_model": node("32")}, "here")
    before = load_settings(ROOT / "params.yaml")
    assert setting_value(made, "train.learning_rate") == 1e-4 and setting_value(made, "student.scratch.d_model") == 32
    assert setting_value(made, "train.steps") == before.train.steps
    assert changed_settings(TEXT, {}, "here") == before


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("train.stepz", "1", "here: train.stepz: no such setting; known there: mode, "),
        ("trains.steps", "1", "here: trains.steps: no such setting; known there: task, teacher, "),
        ("train.steps.more", "1", "here: train.steps.more: no such setting; it is no section"),
        ("student.scratch", "1", "here: student.scratch: is a section; name one of its settings: architecture, "),
        ("train.steps", "many", "here: train.steps: is 'many'; allowed: a whole number"),
        (
            "subsample.explanation_rate",
            "1.5",
            "here: subsample.explanation_rate: is 1.5; allowed: at least 0 and at most 1",
        ),
        ("subsample.strategy", "clever", "here: subsample.strategy: is 'clever'; allowed: random, balanced"),
    ],
)
def test_a_change_that_no_setting_takes_is_refused_with_what_is_allowed(key, value, said):
    with pytest.raises(SettingsError) as caught:
        changed_settings(TEXT, {key: node(value)}, "here")
    assert str(caught.value).startswith(said)


def test_a_change_that_a_preset_would_undo_is_refused():
    preset = {"preset.name": node("zero-shot-2403.15886-base"), "train.steps": node("77")}
    with pytest.raises(
        SettingsError,
        match=r"^here: train\.steps: preset zero-shot-2403\.15886-base sets it, whatever stands here; name it in "
        r"preset\.keep",
    ):
        changed_settings(TEXT, preset, "here")
    assert changed_settings(TEXT, preset | {"preset.keep": node("[train.steps]")}, "here").train.steps == 77


def test_what_is_recorded_is_all_but_what_changes_no_result():
    settings = load_settings(ROOT / "params.yaml")
    plain = result_settings(settings)
    assert "runtime" not in plain and plain["train"]["steps"] == settings.train.steps
    assert plain["prompt"]["rationale_words"] == [10, 40]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3, "k=3"),
        (2e-05, "k=2e-05"),
        (Decimal("0.15"), "k=0.15"),
        (True, "k=true"),
        (None, "k=null"),
        ("google/t5-v1_1-base", "k=google/t5-v1_1-base"),
        ("true", "k='true'"),
        ("1e3", "k='1e3'"),
        ("it's, so", "k='it\\'s, so'"),
        ((10, 40), "k=[10,40]"),
        ((), "k=[]"),
    ],
)
def test_a_value_is_said_as_dvc_takes_it(value, said):
    assert override("k", value) == said


def test_a_key_that_is_there_is_no_error():
    check_key("student.lora.rank", "here")
