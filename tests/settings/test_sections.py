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
        ({"student.scratch.heads": 5}, "student.scratch.heads: is 5 and student.scratch.d_model is 64, which"),
        (
            {"teacher.provider": "recorded"},
            "prompt.optimizer: is 'opro' and teacher.provider is recorded, which cannot be asked anew: set this to "
            "fixed, or teacher.provider to openai",
        ),
        (
            {"prompt.file": "mine.yaml"},
            "prompt.file: is 'mine.yaml' and prompt.optimizer is opro, which does not read it: set this to null, or "
            "prompt.optimizer to fixed",
        ),
        (
            {"annotate.show_gold": True, "annotate.separate_labels": 0.5},
            "annotate.separate_labels: is 0.5 and annotate.show_gold is true, with which the labels are the gold ones: "
            "set this to 0, or annotate.show_gold to false",
        ),
        (
            {"student.lora.rank": 8},
            "student.lora.rank: is 8 and student.name is scratch, and adapters need pretrained weights: set this to 0, "
            "or student.name to a pretrained model",
        ),
        ({"runtime.budget_since": "May"}, "runtime.budget_since: is 'May'; allowed: null, or a day or time, as"),
        ({"teacher.provider": "gpt"}, "teacher.provider: is 'gpt'; allowed: simulated, openai, local, recorded"),
        (
            {"train.mode": "standard", "train.missing_rationale": "empty"},
            "train.missing_rationale: is 'empty' and train.mode is standard, which trains on no rationale: set this to "
            "mask, or train.mode to step_by_step",
        ),
        (
            {"train.mode": "single_task", "train.mutual_information": 0.1},
            "train.mutual_information: is 0.1, which ties two tasks together, and train.mode is single_task, which has "
            "one: set this to 0, or train.mode to step_by_step",
        ),
        (
            {"train.soft_labels": 0.5},
            "train.soft_labels: is 0.5, annotate.samples is 1 and teacher.logprobs is false, so of the teacher only "
            "the label is known: set this to 0, or teacher.logprobs to true, or annotate.samples above 1",
        ),
        ({"train.missing_rationale": "drop"}, "train.missing_rationale: is 'drop'; allowed: mask, empty"),
        ({"subsample.explanation_rate": 1.2}, "subsample.explanation_rate: is 1.2; allowed: at least 0 and at most 1"),
    ],
)
def test_checks_across_keys(make_settings, changes, message):
    with pytest.raises(SettingsError, match=message):
        make_settings(**changes)


def test_settings_that_do_not_go_together_are_named_at_their_own_line(tmp_path):
    lines = (ROOT / "params.yaml").read_text().splitlines()
    rank, accumulation = lines.index("    rank: 0"), lines.index("  gradient_accumulation: 1")
    for line, text, key in (
        (rank, "    rank: 8", "student.lora.rank"),
        (accumulation, "  gradient_accumulation: 3", "train.gradient_accumulation"),
    ):
        file = tmp_path / "params.yaml"
        file.write_text("\n".join([*lines[:line], text, *lines[line + 1 :]]))
        with pytest.raises(SettingsError) as error:
            load_settings(file)
        assert str(error.value).startswith(f"{file}:{line + 1}: {key}: is ")


def test_the_values_of_a_preset_are_the_ones_that_are_checked(make_settings):
    changes = {"preset.name": "zero-shot-2403.15886-base", "train.soft_labels": 0.5}
    assert make_settings(**changes).train.soft_labels == 0.0
    with pytest.raises(SettingsError, match=r"train\.soft_labels: is 0\.5"):
        make_settings(**changes, **{"preset.keep": ["train.soft_labels"]})


def test_a_missing_file_says_where_to_run():
    with pytest.raises(SettingsError, match=r"cannot be read .* run from the repository's root"):
        load_settings(Path("nowhere/params.yaml"))


def test_soft_labels_are_taken_where_something_is_known(make_settings):
    assert make_settings(**{"train.soft_labels": 0.5, "teacher.logprobs": True}).train.soft_labels == 0.5
    assert (
        make_settings(**{"train.soft_labels": 0.5, "annotate.samples": 3, "teacher.temperature": 1.0}).train.soft_labels
        == 0.5
    )
