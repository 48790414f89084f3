"""The committed params.yaml, and the checks that look at more than one key."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from distill.settings import SettingsError, load_settings

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_file_loads_and_its_lines_are_short():
    load_settings(ROOT / "params.yaml")
    assert [line for line in (ROOT / "params.yaml").read_text().splitlines() if len(line) > 120] == []


def test_the_loader_reads_the_committed_file_as_yaml_does():
    plain = yaml.safe_load((ROOT / "params.yaml").read_text())
    settings = load_settings(ROOT / "params.yaml")
    assert settings.task.train_rows == plain["task"]["train_rows"]
    assert settings.train.learning_rate == float(plain["train"]["learning_rate"])
    assert settings.prompt.rationale_words == tuple(plain["prompt"]["rationale_words"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"task.validation_rows": 1.5},
            "task.validation_rows: is 1.5; allowed: a count of rows, a share of train below 1, or auto",
        ),
        ({"task.hub": "a/b"}, "task.revision: is empty; a hub data set needs the commit hash that it is pinned to"),
        ({"teacher.base_url": "localhost:8000"}, "teacher.base_url: is 'localhost:8000'; allowed: null, or an address"),
        (
            {"prompt.rationale_words": [40, 10]},
            r"prompt.rationale_words: is \[40, 10\]; allowed: \[least, most\] words",
        ),
        ({"student.scratch.heads": 5}, r"student.scratch.heads: is 5; it must divide d_model \(64\)"),
        (
            {"teacher.provider": "recorded"},
            "prompt.optimizer: is 'opro' and teacher.provider is recorded, which cannot be asked anew: set this to "
            "fixed",
        ),
        ({"teacher.provider": "gpt"}, "teacher.provider: is 'gpt'; allowed: simulated, openai, recorded"),
        (
            {"train.mode": "standard", "train.missing_rationale": "empty"},
            "train.missing_rationale: is 'empty'; train.mode standard trains on no rationale: set it to mask",
        ),
        (
            {"train.mode": "single_task", "train.mutual_information": 0.1},
            "train.mutual_information: is 0.1; it ties two tasks together, and train.mode single_task has one",
        ),
        (
            {"train.soft_labels": 0.5},
            r"train.soft_labels: is 0.5, and of a teacher that is asked once \(annotate.samples 1\) without log",
        ),
        ({"train.missing_rationale": "drop"}, "train.missing_rationale: is 'drop'; allowed: mask, empty"),
        ({"subsample.explanation_rate": 1.2}, "subsample.explanation_rate: is 1.2; allowed: at least 0 and at most 1"),
    ],
)
def test_checks_across_keys(make_settings, changes, message):
    with pytest.raises(SettingsError, match=message):
        make_settings(**changes)


def test_a_missing_file_says_where_to_run():
    with pytest.raises(SettingsError, match=r"cannot be read .* run from the repository's root"):
        load_settings(Path("nowhere/params.yaml"))


def test_soft_labels_are_taken_where_something_is_known(make_settings):
    assert make_settings(**{"train.soft_labels": 0.5, "teacher.logprobs": True}).train.soft_labels == 0.5
    assert (
        make_settings(**{"train.soft_labels": 0.5, "annotate.samples": 3, "teacher.temperature": 1.0}).train.soft_labels
        == 0.5
    )
