"""The student as it was before its first step, made again from the folder of the trained one."""

from dataclasses import replace

import pytest
import torch
from toy_student import CARD, STUDENT, examples, settings, training_rows

from distill.errors import DataError
from distill.settings import SettingsError
from distill.student.loading import load_student, new_student, save_student, untrained_student
from distill.student.predicting import Student

CHOICES = replace(CARD, kind="choices", classes=())


def with_choices(rows):
    return [replace(row, choices=CARD.classes) for row in rows]


def moved(student, folder):
    """Saves the student with other weights, as training would leave it."""
    before = {name: value.clone() for name, value in student.state_dict().items()}
    with torch.no_grad():
        for weight in student.parameters():
            weight += 0.5
    save_student(student, folder)
    return before


def assert_begins_as(before, folder):
    found = untrained_student(folder).state_dict()
    # The rationales' decoder of an encoder has no part in its labels.
    assert set(found) == {name for name in before if not name.startswith("decoder.")}
    for name, value in found.items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("architecture", ["encoder_decoder", "decoder_only", "encoder"])
def test_the_weights_that_training_began_with_are_drawn_again(tmp_path, architecture):
    asked = settings({"scratch": replace(STUDENT.scratch, architecture=architecture), "seed": 5})
    assert_begins_as(moved(new_student(training_rows(), CARD, asked), tmp_path), tmp_path)


def test_so_are_those_of_an_encoder_for_choices(tmp_path):
    asked = settings({"scratch": replace(STUDENT.scratch, architecture="encoder")})
    assert_begins_as(moved(new_student(with_choices(training_rows()), CHOICES, asked), tmp_path), tmp_path)


def test_pretrained_weights_are_loaded_again_with_the_same_new_rows_and_heads(tmp_path):
    pretrained = {"encoder_decoder": "t5", "encoder": "bert"}
    for architecture, name in pretrained.items():
        asked = settings({"scratch": replace(STUDENT.scratch, architecture=architecture)}, mode="standard")
        save_student(
            new_student(training_rows(), replace(CARD, classes=("one", "two")) if name == "bert" else CARD, asked),
            tmp_path / name,
        )
        before = moved(
            new_student(training_rows(), CARD, settings({"name": str(tmp_path / name), "seed": 3})),
            tmp_path / f"trained-{name}",
        )
        assert_begins_as(before, tmp_path / f"trained-{name}")


def test_a_trained_student_answers_better_than_itself_untrained(toys):
    folder, rows = toys("decoder").folder, examples()

    def right(model):
        return sum(label == row.label for row, (label, _) in zip(rows, Student(model, 16).label(rows), strict=True))

    assert right(load_student(folder)) > 60 and right(untrained_student(folder)) < 40


def test_what_cannot_be_made_again_says_why(tmp_path, toys):
    with pytest.raises(DataError, match=r"student\.json"):
        untrained_student(tmp_path)
    student = load_student(toys("decoder").folder)
    student.plan = replace(student.plan, name=str(tmp_path / "gone"))
    save_student(student, tmp_path)
    with pytest.raises(SettingsError, match=r"gone' \(revision None\) cannot be loaded"):
        untrained_student(tmp_path)
