"""Vectors of an encoder as it was before its training, for the bars beside the student."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_student import CARD, RUNTIME, STUDENT, settings, training_rows

from distill.settings import SettingsError
from distill.student.embedding import vectors_before_training
from distill.student.loading import load_student, new_student, save_student

ENCODER = {"scratch": replace(STUDENT.scratch, architecture="encoder")}
TEXTS = ["a book on the desk", "a rake", "a book on the desk", "the long way to the old roof and the shed"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """(an encoder that stands for a pretrained one, a student made of it whose weights have moved)."""
    place = tmp_path_factory.mktemp("encoders")
    save_student(new_student(training_rows(), CARD, settings(ENCODER, mode="standard")), place / "pretrained")
    student = new_student(training_rows(), CARD, settings({"name": str(place / "pretrained")}, mode="standard"))
    with torch.no_grad():
        for weight in student.parameters():
            weight += 0.5
    save_student(student, place / "trained")
    return place / "pretrained", place / "trained"


def mean_states(folder, text):
    encoder = load_student(folder)
    ids = torch.tensor(encoder.inputs([text], "label"))
    with torch.inference_mode():
        return encoder.model.base_model(input_ids=ids).last_hidden_state[0].mean(0).numpy()


def test_a_text_is_the_mean_of_the_states_before_training_whatever_it_is_batched_with(folders):
    pretrained, trained = folders
    vectors = vectors_before_training(trained, RUNTIME)(TEXTS)
    assert vectors.shape == (4, 32) and np.array_equal(vectors[0], vectors[2])
    for text, vector in zip(TEXTS, vectors, strict=True):
        np.testing.assert_allclose(vector, mean_states(pretrained, text), atol=1e-5)
        assert np.abs(vector - mean_states(trained, text)).max() > 0.01


def test_what_was_drawn_at_random_or_is_no_encoder_gives_none(folders, tmp_path):
    assert vectors_before_training(folders[0], RUNTIME) is None
    save_student(new_student(training_rows(), CARD, settings(mode="standard")), tmp_path)
    assert vectors_before_training(tmp_path, RUNTIME) is None


def test_an_encoder_that_is_gone_is_missed_at_the_first_text(folders, tmp_path):
    student = load_student(folders[1])
    student.plan = replace(student.plan, name=str(tmp_path / "gone"))
    save_student(student, tmp_path)
    with pytest.raises(SettingsError, match="gone"):
        vectors_before_training(tmp_path, RUNTIME)(TEXTS)
