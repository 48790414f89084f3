from dataclasses import replace

import pytest
from toy_student import CARD, CLASSES, RUNTIME, Toy, examples, settings, training_rows

from distill.errors import DataError
from distill.rows.records import Example, Prediction, TaskCard, TrainingRow, read_rows, write_rows
from distill.student.predicting import Student, predict
from distill.student.training import train_student


@pytest.mark.parametrize("task_token", ["decoder", "prefix"])
def test_scoring_and_generating_give_the_same_labels(toys, task_token):
    scored = Student.load(toys(task_token).folder, RUNTIME)
    generated = Student.load(toys(task_token).folder, RUNTIME)
    generated.model.plan = replace(generated.model.plan, task_kind="text")
    rows = examples()
    by_score, by_generation = scored.label(rows), generated.label(rows)
    assert [label for label, _ in by_score] == [label for label, _ in by_generation]
    assert {label for label, _ in by_score} == set(CLASSES)
    assert all(0 < probability <= 1 for _, probability in by_score + by_generation)


@pytest.mark.parametrize("task_token", ["decoder", "prefix"])
def test_a_loaded_student_is_as_good_as_training_said(toys, task_token):
    toy: Toy = toys(task_token)
    found = Student.load(toy.folder, RUNTIME).label(examples())
    right = sum(label == row.label for (label, _), row in zip(found, examples(), strict=True)) / 64
    assert right == pytest.approx(toy.trained.metrics["label"]["validation_accuracy"])


def test_order_and_batch_size_change_nothing(toys):
    student = Student.load(toys("decoder").folder, RUNTIME)
    rows = [*examples()[:20], Example("long", "a fork on the roof of the hall on the lawn", {})]
    together = student.label(rows)
    student.rows_per_batch = 1
    alone = student.label(rows[::-1])[::-1]
    assert [label for label, _ in together] == [label for label, _ in alone]
    assert [p for _, p in together] == pytest.approx([p for _, p in alone], abs=1e-5)


def test_rationales_are_what_was_taught(toys):
    student = Student.load(toys("decoder").folder, RUNTIME)
    rows = examples()
    written = student.explain(rows)
    assert sum(text == row.rationale for text, row in zip(written, rows, strict=True)) > 50


def test_a_rows_own_choices_are_what_is_scored(toys):
    student = Student.load(toys("decoder").folder, RUNTIME)
    text = "a fork on the roof"
    rows = [Example("1", text, {}, ("shelf", "shed")), Example("2", text, {}, ("shed",)), Example("3", text, {})]
    (one, _), two, (three, _) = student.label(rows)
    assert one in ("shelf", "shed")
    assert two == ("shed", 1.0)
    assert three == "sink"


def test_no_rows(toys):
    student = Student.load(toys("decoder").folder, RUNTIME)
    assert student.label([]) == []
    assert student.explain([]) == []


def test_predict_spreads_its_rationales_over_the_rows(toys):
    student = Student.load(toys("decoder").folder, RUNTIME)
    rows = examples()
    made, measured = predict(student, rows, 4, "test")
    assert [(p.id, p.gold) for p in made] == [(row.id, row.label) for row in rows]
    assert [place for place, p in enumerate(made) if p.rationale is not None] == [0, 16, 32, 48]
    assert set(measured) == {"label_rows_per_s", "rationale_rows_per_s"}
    assert all(p.rationale is None for p in predict(student, rows, 0, "test")[0])


def test_a_prediction_has_the_whole_distribution_over_its_labels(toys, tmp_path):
    student = Student.load(toys("decoder").folder, RUNTIME)
    text = "a fork on the roof"
    rows = [*examples(), Example("own", text, {}, ("shelf", "shed")), Example("one", text, {}, ("shed",))]
    made = predict(student, rows, 0, "test")[0]
    assert [tuple(p.probabilities) for p in made] == [*[CLASSES] * 64, ("shelf", "shed"), ("shed",)]
    for prediction in made:
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=2e-6)
        assert max(prediction.probabilities, key=prediction.probabilities.__getitem__) == prediction.label
        assert round(prediction.probabilities[prediction.label], 6) == prediction.probability
    # Six significant digits: the least likely label's probability is small, and not 0.
    least = min(p for prediction in made for p in prediction.probabilities.values())
    assert 0 < least < 1e-3 and float(f"{least:.6g}") == least
    write_rows(tmp_path / "predictions.jsonl", made)
    assert sorted(made, key=lambda p: p.id) == read_rows(tmp_path / "predictions.jsonl", Prediction)
    student.model.plan = replace(student.model.plan, task_kind="text")
    assert {tuple(p.probabilities) for p in predict(student, examples(), 0, "test")[0]} == {()}


def test_predict_says_how_far_it_is(toys, monkeypatch, capsys):
    monkeypatch.setattr("distill.progress._LOG_S", 0.0)
    student, rows = Student.load(toys("decoder").folder, RUNTIME), examples()
    capsys.readouterr()
    predict(student, rows, 4, "evaluate, test")
    lines = [line.split(" rows")[0] for line in capsys.readouterr().err.splitlines()]
    assert [line for line in lines if line.startswith("evaluate, test, labels: ")][-1].endswith(
        f" {len(rows)}/{len(rows)}"
    )
    assert lines[-1] == "evaluate, test, rationales: 4/4"


def test_a_label_only_student_writes_no_rationales(tmp_path):
    made = settings(mode="standard", steps=2, evaluate_every=2)
    train_student(training_rows(), examples(), CARD, made, tmp_path / "model", tmp_path / "plot.json")
    student = Student.load(tmp_path / "model", RUNTIME)
    with pytest.raises(DataError, match="labels alone"):
        student.explain(examples())
    assert all(p.rationale is None for p in predict(student, examples(), 10, "test")[0])


def test_choices_without_choices_are_refused(toys):
    student = Student.load(toys("decoder").folder, RUNTIME)
    student.model.plan = replace(student.model.plan, classes=())
    with pytest.raises(DataError, match="row 'x' has no choices"):
        student.label([Example("x", "a fork on the roof", {})])


def test_numbers_are_generated_and_compared_by_value(tmp_path):
    words = {"none": "0", "one": "1", "dozen": "12", "score": "20", "gross": "144"}
    places = ("bed", "car", "desk", "door", "hall")
    rows = [
        TrainingRow(f"{word}-{place}", f"{word} on the {place}", number)
        for word, number in words.items()
        for place in places
    ]
    validation = [Example(row.id, row.input, {}, (), row.label + ".0") for row in rows]
    card = TaskCard("numbers", "number", "", (), {})
    trained = train_student(rows, validation, card, settings(), tmp_path / "model", tmp_path / "plot.json")
    assert trained.metrics["label"]["validation_accuracy"] == 1.0
    student = Student.load(tmp_path / "model", RUNTIME)
    assert student.model.plan.max_label_tokens == 2 * len(student.model.tokenizer("144").input_ids)
    assert [label for label, _ in student.label(validation)] == [row.label for row in rows]
