import pytest
import torch
from toy_student import CARD, CLASSES, RUNTIME, examples, settings, training_rows

from distill.settings.student import ScratchSettings
from distill.student.loading import new_student
from distill.student.losses import IGNORED
from distill.student.predicting import Student
from distill.student.training import train_student

KINDS = ["encoder_decoder", "decoder_only"]


def made(kind, **train):
    return settings({"scratch": ScratchSettings(kind, 512, 32, 64, 2, 1, 1, 0.0)}, mode="single_task", **train)


@pytest.fixture(scope="module", params=KINDS)
def student(request):
    return new_student(training_rows(), CARD, made(request.param)).eval()


def test_one_answer_holds_the_rationale_and_then_the_label(student):
    batch = student.collate(student.encode(training_rows()[:1]), [0])
    label, told = batch.labels[0], batch.rationales[0]
    assert student.tokenizer.decode(label[label != IGNORED]).strip() == "shelf</s>"
    text = student.tokenizer.decode(told[told != IGNORED], skip_special_tokens=True).strip()
    assert text.removesuffix("\nLabel:").strip() == "it is made of paper so it goes to the shelf"
    assert not ((label != IGNORED) & (told != IGNORED)).any()


def test_losses_are_the_parts_of_one_pass(student):
    rows = [training_rows()[0], training_rows(0.0)[20], training_rows()[40]]
    encoded = student.encode(rows)
    losses = student(student.collate(encoded, range(3)))
    parts = []
    for index in range(3):
        batch = student.collate(encoded, [index])
        one = student(batch)
        parts.append((one, (batch.labels != IGNORED).sum(), (batch.rationales != IGNORED).sum()))
    for name, place in (("label", 1), ("rationale", 2)):
        total = sum(getattr(part[0], name) * part[place] for part in parts) / sum(part[place] for part in parts)
        assert getattr(losses, name).item() == pytest.approx(total.item(), abs=1e-5)
    assert parts[1][0].rationale.item() == 0.0
    assert parts[1][2] == 0


def test_no_rationale_at_all_gives_a_finite_gradient(student):
    losses = student(student.collate(student.encode(training_rows(0.0)[:4]), range(4)))
    losses.total(0.5).backward()
    assert losses.rationale.item() == 0.0
    assert all(torch.isfinite(p.grad).all() for p in student.parameters() if p.grad is not None)
    student.zero_grad()


@pytest.mark.parametrize("kind", KINDS)
def test_a_trained_student_scores_what_it_writes(tmp_path, kind):
    rows = examples()
    trained = train_student(
        training_rows(), rows, CARD, made(kind, steps=250), tmp_path / "model", tmp_path / "plot.json"
    )
    assert trained.metrics["label"]["validation_accuracy"] > 0.9
    student = Student.load(tmp_path / "model", RUNTIME)
    scored = student.label(rows)
    inputs = student.model.inputs([row.input for row in rows], "label")
    written = student.model.generate(inputs, "label")
    assert [label for label, _ in scored] == [one.text for one in written]
    assert {label for label, _ in scored} == set(CLASSES)
    assert all(0 < one.probability <= 1 for one in written)
    assert sum(text == row.rationale for text, row in zip(student.explain(rows), rows, strict=True)) > 50
    student.rows_per_batch = 3
    assert [label for label, _ in student.label(rows)] == [label for label, _ in scored]
