import json
from dataclasses import asdict, fields

import pytest
from toy_student import CARD, ToySettings, examples, settings, training_rows

from distill.settings import SettingsError, load_settings
from distill.settings.presets import PRESETS, Preset
from distill.settings.student import StudentSettings
from distill.settings.train import TrainSettings
from distill.student.training import train_student
from house import ROOT

BASE, SMALL = "zero-shot-2403.15886-base", "zero-shot-2403.15886-small"


def test_one_setting_selects_what_was_published(make_settings):
    plain = load_settings(ROOT / "params.yaml")
    made = make_settings(**{"preset.name": BASE})
    assert (made.student.name, made.student.revision) == (
        "google/t5-v1_1-base",
        "b5fc947a416ea3cb079532cb3c2bbadeb7f800fc",
    )
    train = made.train
    assert (train.learning_rate, train.steps, train.batch_rows, train.label_weight) == (5e-5, 10_000, 64, 0.5)
    assert (train.optimizer, train.weight_decay, train.embedding_learning_rate) == ("adamw", 0.0, None)
    assert (train.schedule, train.warmup_steps, train.max_gradient_norm) == ("linear", 0, 1.0)
    assert (train.task_token, train.missing_rationale) == ("prefix", "empty")
    assert (made.student.max_input_tokens, made.student.max_rationale_tokens) == (1024, 256)
    # What no paper says stays as it stands in the file.
    set_by = {key.split(".")[1] for key in made.preset.values()}
    for section in ("student", "train"):
        ours, theirs = asdict(getattr(made, section)), asdict(getattr(plain, section))
        assert {key for key in ours if ours[key] != theirs[key]} <= set_by
    assert make_settings(**{"preset.name": "step-by-step-2305.02301-large"}).train.missing_rationale == "mask"


def test_no_preset_changes_nothing(make_settings):
    assert make_settings().preset == Preset(None, ()) and Preset(None, ()).metrics() == {}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_sets_known_keys_to_values_that_load(make_settings, name):
    sections = {"student": StudentSettings, "train": TrainSettings}
    known = {f"{name}.{field.name}" for name, section in sections.items() for field in fields(section)}
    assert set(PRESETS[name]) <= known
    made = make_settings(**{"preset.name": name, "student.revision": "0" * 40})
    for key, value in PRESETS[name].items():
        section, field = key.split(".")
        assert getattr(getattr(made, section), field) == value
        assert type(value) is type(getattr(getattr(make_settings(), section), field)) or None in (
            value,
            getattr(getattr(make_settings(), section), field),
        )


def test_what_is_kept_is_the_files(make_settings):
    made = make_settings(
        **{"preset.name": BASE, "preset.keep": ["train.steps", "student.name", "student.revision"], "train.steps": 7}
    )
    assert (made.train.steps, made.train.batch_rows, made.student.name) == (7, 64, "scratch")
    assert "train.steps" not in made.preset.values()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"preset.name": "t5"},
            r"preset.name: is 't5'; allowed: null, step-by-step-2305.02301-small, .*zero-shot-2403.15886-large",
        ),
        (
            {"preset.keep": ["train.steps"]},
            r"preset.keep: has 'train.steps', which preset None does not set; none is chosen, so set this to \[\]",
        ),
        (
            {"preset.name": BASE, "preset.keep": ["train.seed"]},
            r"preset.keep: has 'train.seed', which preset zero-shot-2403.15886-base does not set; it sets student.name",
        ),
        (
            {"preset.name": SMALL},
            r"params.yaml:\d+: student.revision: is empty and student.name is 'google/t5-v1_1-small', which is no "
            r"local folder: set this to the commit hash .* \(preset.name is zero-shot-2403.15886-small\)",
        ),
        (
            {"preset.name": BASE, "train.gradient_accumulation": 3, "train.batch_rows": 3},
            r"params.yaml:\d+: train.gradient_accumulation: is 3 and train.batch_rows is 64, which it must divide: .*"
            rf" \(preset.name is {BASE}\)",
        ),
    ],
)
def test_what_cannot_be_is_refused(make_settings, changes, message):
    with pytest.raises(SettingsError, match=message):
        make_settings(**changes)


def test_a_run_says_and_records_what_its_preset_set(tmp_path, capfd):
    made = settings(steps=2, evaluate_every=2)
    preset = Preset(BASE, tuple(key for key in PRESETS[BASE] if key != "train.label_weight"))
    told = ToySettings(made.student, made.train, made.runtime, preset)
    trained = train_student(training_rows(), examples()[:12], CARD, told, tmp_path / "model", tmp_path / "plot.json")
    assert "train: preset zero-shot-2403.15886-base sets train.label_weight=0.5\n" in capfd.readouterr().err
    assert json.loads(json.dumps(trained.metrics["preset"])) == {"name": BASE, "values": {"train.label_weight": 0.5}}
