import hashlib
import json
import math

import pytest
import torch
from safetensors.torch import load_file
from toy_student import CARD, examples, settings, training_rows

from distill.errors import DataError
from distill.rows.records import Example
from distill.student import training
from distill.student.loading import new_student
from distill.student.training import train_student
from distill.student.validation import Validation, ValidationScore


def train(tmp_path, name="model", rows=None, validation=None, **changed):
    made = settings(**changed)
    return train_student(
        rows or training_rows(), validation or examples()[:12], CARD, made, tmp_path / name, tmp_path / f"{name}.json"
    )


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_metrics_curve_and_folder(toys):
    toy = toys("decoder")
    curve = json.loads(toy.plot.read_text())
    metrics = toy.trained.metrics
    assert [row["step"] for row in curve] == [50, 100, 150]
    best = max(curve, key=lambda row: (row["validation_accuracy"], -row["validation_loss"]))
    assert metrics["best_step"] == best["step"]
    assert metrics["label"]["validation_accuracy"] == pytest.approx(best["validation_accuracy"], abs=1e-6)
    assert metrics["label"]["validation_accuracy"] > 0.9
    assert metrics["rationale"] == {"loss": curve[-1]["rationale_loss"], "coverage": 1.0}
    assert (metrics["rows"], metrics["steps"], metrics["diverged"]) == (64, 150, False)
    assert metrics["truncated"] == {"input": 0, "rationale": 0}
    for row in curve:
        assert row["loss"] == pytest.approx(0.5 * row["label_loss"] + 0.5 * row["rationale_loss"], abs=2e-6)
    assert metrics["seeds"]["failures"] == 0
    assert metrics["parameters"] == metrics["trained_parameters"]
    assert set(toy.trained.runtime) == {"seconds", "rows_per_s"}
    assert {path.name for path in toy.folder.parent.iterdir()} == {"model", "plot.json", "plot_speed.json"}
    names = {path.name for path in toy.folder.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "student.json"} <= names
    assert not any("optimizer" in name or "checkpoint" in name for name in names)


def test_two_runs_write_the_same_bytes(tmp_path):
    changed = {"steps": 12, "evaluate_every": 5, "student": {"seed": 4}}
    one, two = train(tmp_path, "one", **changed), train(tmp_path, "two", **changed)
    other = train(tmp_path, "other", **changed, seed=2)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert [digest(tmp_path / "one" / name) for name in files] == [digest(tmp_path / "two" / name) for name in files]
    assert (tmp_path / "one.json").read_text() == (tmp_path / "two.json").read_text()
    assert one.metrics == two.metrics != other.metrics
    assert digest(tmp_path / "one" / "model.safetensors") != digest(tmp_path / "other" / "model.safetensors")


def scores(*pairs):
    """One score for each look at the validation rows, from accuracies and losses."""
    return iter([ValidationScore(accuracy, loss) for accuracy, loss in pairs])


def test_best_weights_are_kept_not_the_last(tmp_path, monkeypatch):
    ranks = scores((0.5, 1.0), (0.9, 1.0), (0.9, 0.5), (0.9, 0.7))
    monkeypatch.setattr(Validation, "judge", lambda self: next(ranks))
    trained = train(tmp_path, "best", steps=8, evaluate_every=2, schedule="constant")
    assert trained.metrics["best_step"] == 6
    assert trained.metrics["label"]["validation_loss"] == 0.5
    monkeypatch.undo()
    monkeypatch.setattr(Validation, "judge", lambda self: ValidationScore(0.5, 1.0))
    train(tmp_path, "six", steps=6, evaluate_every=6, schedule="constant")
    assert digest(tmp_path / "best" / "model.safetensors") == digest(tmp_path / "six" / "model.safetensors")


def test_the_last_step_is_judged_too(tmp_path):
    train(tmp_path, steps=7, evaluate_every=5)
    assert [row["step"] for row in json.loads((tmp_path / "model.json").read_text())] == [5, 7]


def test_patience_stops_after_looks_without_a_better_one(tmp_path, monkeypatch):
    ranks = scores((0.5, 1.0), (0.9, 1.0), (0.9, 1.5), (0.8, 0.1), (1.0, 0.0))
    monkeypatch.setattr(Validation, "judge", lambda self: next(ranks))
    trained = train(tmp_path, steps=10, evaluate_every=2, patience=2)
    assert (trained.metrics["steps"], trained.metrics["best_step"]) == (8, 4)


def test_several_seeds_are_counted_and_the_median_one_is_kept(tmp_path):
    changed = {"steps": 30, "evaluate_every": 30}
    several = train(tmp_path, "several", seeds=3, seed=5, student={"seed": 7}, **changed)
    alone = [train(tmp_path, f"alone{n}", seed=5 + n, student={"seed": 7 + n}, **changed) for n in range(3)]
    each = [run.metrics["label"]["validation_accuracy"] for run in alone]
    seeds = several.metrics["seeds"]
    assert seeds["count"] == 3
    assert seeds["validation_accuracy"]["each"] == dict(zip(("5", "6", "7"), each, strict=True))
    assert seeds["validation_accuracy"]["mean"] == pytest.approx(sum(each) / 3)
    ranked = sorted(range(3), key=lambda n: (each[n], -alone[n].metrics["label"]["validation_loss"]))
    assert seeds["kept"] == 5 + ranked[1]
    kept = tmp_path / f"alone{ranked[1]}"
    assert digest(tmp_path / "several" / "model.safetensors") == digest(kept / "model.safetensors")
    assert (tmp_path / "several.json").read_text() == (tmp_path / f"{kept.name}.json").read_text()
    assert alone[0].metrics["seeds"]["validation_accuracy"]["spread"] is None


def test_failed_students_are_counted_and_not_kept(tmp_path, monkeypatch):
    ranks = scores((0.3, 1.0), (0.9, 1.0), (math.nan, math.nan), (0.8, 1.0))
    monkeypatch.setattr(Validation, "judge", lambda self: next(ranks))
    seeds = train(tmp_path, validation=examples(), steps=2, evaluate_every=2, seeds=4).metrics["seeds"]
    assert seeds["failures"] == 2
    assert seeds["kept"] == 4


def _passes(right, rows, share):
    """The probability that guesses are right on more rows."""
    return sum(math.comb(rows, k) * share**k * (1 - share) ** (rows - k) for k in range(right + 1, rows + 1))


def test_chance_is_what_guesses_seldom_pass_in_the_best_of_all_looks():
    rows = examples()
    judge = Validation(rows, new_student(training_rows(), CARD, settings()), 16)
    right = {looks: round(64 * judge.chance(looks)) for looks in (1, 24)}
    assert right == {1: 33, 24: 37}
    for looks, most in right.items():
        assert _passes(most, 64, 24 / 64) <= 0.01 / looks < _passes(most - 1, 64, 24 / 64)
    assert judge.chance(0) == judge.chance(1)


def test_the_best_of_many_looks_at_luck_is_at_chance(tmp_path, monkeypatch):
    # 36 of 64 rows right: more than one look allows, and less than the best of 24.
    monkeypatch.setattr(Validation, "judge", lambda self: ValidationScore(36 / 64, 1.0))
    few = train(tmp_path, name="few", validation=examples(), steps=1, evaluate_every=1).metrics["seeds"]
    many = train(tmp_path, name="many", validation=examples(), steps=24, evaluate_every=1).metrics["seeds"]
    assert (few["failures"], many["failures"]) == (0, 1)


def test_no_rationales_at_all(tmp_path):
    trained = train(tmp_path, rows=training_rows(0.0), steps=10, evaluate_every=5)
    assert trained.metrics["rationale"] == {"loss": 0.0, "coverage": 0.0}
    assert math.isfinite(trained.metrics["label"]["loss"])
    assert trained.metrics["diverged"] is False


def test_standard_mode_trains_labels_alone(tmp_path):
    trained = train(tmp_path, mode="standard", steps=10, evaluate_every=5)
    row = json.loads((tmp_path / "model.json").read_text())[-1]
    assert row["rationale_loss"] is None
    assert row["loss"] == row["label_loss"]
    assert trained.metrics["rationale"] == {"loss": None, "coverage": 0.0}


def test_standard_mode_equals_a_label_weight_of_one_without_rationales(tmp_path):
    short = {"steps": 6, "evaluate_every": 6}
    standard = train(tmp_path, "standard", rows=training_rows(0.0), mode="standard", **short)
    weighted = train(tmp_path, "weighted", rows=training_rows(0.0), label_weight=1.0, **short)
    assert standard.metrics["label"] == weighted.metrics["label"]


def test_divergence_stops_and_is_said_and_keeps_finite_weights(tmp_path):
    trained = train(tmp_path, steps=40, evaluate_every=4, learning_rate=1e30, max_gradient_norm=None, warmup_steps=0)
    assert trained.metrics["diverged"] is True
    assert trained.metrics["steps"] < 40
    rows = json.loads((tmp_path / "model.json").read_text())
    assert rows[-1]["loss"] is None or rows[-1]["validation_loss"] is None
    assert all(torch.isfinite(value).all() for value in load_file(tmp_path / "model" / "model.safetensors").values())


def test_learning_rates_by_group_and_schedule(tmp_path, monkeypatch):
    made = []
    original = training.TwoTaskTrainer

    class Spied(original):
        def create_optimizer(self, model=None):
            made.append(super().create_optimizer(model))
            return made[-1]

    monkeypatch.setattr(training, "TwoTaskTrainer", Spied)
    changed = {
        "schedule": "linear",
        "warmup_steps": 0,
        "weight_decay": 0.3,
        "learning_rate": 1e-3,
        "embedding_learning_rate": 2e-2,
    }
    train(tmp_path, steps=4, evaluate_every=2, **changed)
    assert [row["learning_rate"] for row in json.loads((tmp_path / "model.json").read_text())] == [5e-4, 0.0]
    groups = made[0].param_groups
    rates = {(group["initial_lr"], group["weight_decay"]): len(group["params"]) for group in groups}
    assert rates[(2e-2, 0.3)] == 1
    assert set(rates) == {(2e-2, 0.3), (1e-3, 0.3), (1e-3, 0.0)}
    assert all(group["lr"] == 0.0 for group in groups)
    assert sum(rates.values()) == len({id(p) for group in groups for p in group["params"]})


def test_an_older_folder_is_replaced_whole(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "stale.txt").write_text("old")
    train(tmp_path, steps=2, evaluate_every=2)
    assert not (tmp_path / "model" / "stale.txt").exists()


def test_truncation_is_counted(tmp_path):
    trained = train(tmp_path, steps=2, evaluate_every=2, student={"max_rationale_tokens": 4, "max_input_tokens": 3})
    assert trained.metrics["truncated"] == {"input": 64, "rationale": 64}


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ([Example("v1", "a cup on the bed", {})], "'v1' has no gold label"),
        (
            [Example("v1", "a cup on the bed", {}, (), "attic")],
            "'v1' has the gold label 'attic'; allowed: shelf, shed, sink",
        ),
    ],
)
def test_validation_that_cannot_judge_is_refused(tmp_path, validation, message):
    with pytest.raises(DataError, match=message):
        train(tmp_path, validation=validation)


def test_nothing_to_train_on_or_to_judge_by_is_refused(tmp_path):
    with pytest.raises(DataError, match="no rows to train on"):
        train_student([], examples(), CARD, settings(), tmp_path / "m", tmp_path / "p")
    with pytest.raises(DataError, match="validation has no rows"):
        train_student(training_rows(), [], CARD, settings(), tmp_path / "m", tmp_path / "p")


def test_a_warm_up_that_never_ends_is_said(tmp_path, capfd):
    train(tmp_path, steps=12, evaluate_every=6, warmup_steps=12)
    said = "train.warmup_steps is 12 and train.steps 12, so the learning rates never reach their values; a warm-up of 1"
    assert said in capfd.readouterr().err
    train(tmp_path, "other", steps=12, evaluate_every=6, warmup_steps=11)
    assert "warm-up" not in capfd.readouterr().err
