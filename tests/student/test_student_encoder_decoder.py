import math

import pytest
import torch
from toy_student import CARD, CLASSES, examples, settings, training_rows

from distill.student.loading import new_student
from distill.student.losses import IGNORED


@pytest.fixture(scope="module", params=["decoder", "prefix"])
def student(request):
    return new_student(training_rows(), CARD, settings(task_token=request.param)).eval()


def t5_loss(student, inputs, texts, start):
    """The model's own loss on texts, in the plainest way: one tokenizer call, no masks of ours."""
    source = student.tokenizer(inputs, return_tensors="pt", padding=True)
    target = student.tokenizer(texts, return_tensors="pt", padding=True).input_ids
    labels = target.masked_fill(target == 0, IGNORED)
    begun = torch.cat([torch.full((len(texts), 1), start), target[:, :-1]], dim=1)
    return student.model(
        **{k: source[k] for k in ("input_ids", "attention_mask")}, decoder_input_ids=begun, labels=labels
    ).loss.item()


def test_losses_equal_the_models_own_on_each_task(student):
    rows = training_rows()[:6]
    losses = student(student.collate(student.encode(rows), range(6)))
    prefix = (
        {"label": "", "rationale": ""}
        if student.plan.task_token == "decoder"
        else {"label": "predict: ", "rationale": "explain: "}
    )
    starts = {"label": 3, "rationale": 4} if student.plan.task_token == "decoder" else {"label": 0, "rationale": 0}
    assert student.starts == starts
    for task, found in (("label", losses.label), ("rationale", losses.rationale)):
        expected = t5_loss(
            student, [prefix[task] + row.input for row in rows], [getattr(row, task) for row in rows], starts[task]
        )
        assert found.item() == pytest.approx(expected, abs=1e-5)


def test_rows_without_rationale_are_masked(student):
    rows = training_rows()
    mixed = [rows[0], training_rows(0.0)[1], rows[2], training_rows(0.0)[3]]
    encoded = student.encode(mixed)
    batch = student.collate(encoded, [0, 1, 2, 3])
    alone = student.encode([rows[0], rows[2]])
    losses, expected = student(batch), student(student.collate(alone, [0, 1]))
    assert len(batch.rationales) == 2
    assert losses.rationale.item() == pytest.approx(expected.rationale.item(), abs=1e-5)
    whole = student(student.collate(student.encode([rows[i] for i in range(4)]), range(4)))
    assert losses.label.item() == pytest.approx(whole.label.item(), abs=1e-5)


def test_no_rationale_at_all_gives_zero_and_a_finite_gradient(student):
    batch = student.collate(student.encode(training_rows(0.0)[:4]), range(4))
    assert batch.rationales is None
    losses = student(batch)
    losses.total(0.2).backward()
    assert losses.rationale.item() == 0.0
    gradients = [p.grad for p in student.parameters() if p.grad is not None]
    assert gradients and all(torch.isfinite(gradient).all() for gradient in gradients)
    student.zero_grad()


def test_targets_are_padded_apart(student):
    batch = student.collate(student.encode(training_rows()[:8]), range(8))
    assert batch.labels.shape[1] < batch.rationales.shape[1]


def test_prefixes_encode_twice_and_the_decoder_token_once(student):
    batch = student.collate(student.encode(training_rows()[:4]), range(4))
    assert (batch.rationale_inputs is not None) == (student.plan.task_token == "prefix")
    assert (batch.explained is not None) == (student.plan.task_token == "decoder")


def test_standard_mode_encodes_no_rationale():
    student = new_student(training_rows(), CARD, settings(mode="standard"))
    assert student.encode(training_rows()).rationales == [None] * 64


def token_logs(student, text, label):
    """Log probability of each of the label's tokens, its end among them, in the plainest way."""
    source, target = (
        student.tokenizer(text, return_tensors="pt"),
        student.tokenizer(label, return_tensors="pt").input_ids,
    )
    begun = torch.cat([torch.full((1, 1), student.starts["label"]), target[:, :-1]], dim=1)
    logits = student.model(**{k: source[k] for k in ("input_ids", "attention_mask")}, decoder_input_ids=begun).logits
    return torch.log_softmax(logits[0], -1).gather(-1, target[0, :, None])[:, 0].tolist()


def test_scores_equal_a_row_by_row_computation(student):
    """A label that another one goes on from needs its end to be told from it; the others need none."""
    texts = [row.input for row in examples()[:3]] + ["a cup on the bed in the hall"]
    candidates = [CLASSES, CLASSES[:2], ("sink", "sink shelf"), ("sink",)]
    found = student.score(student.inputs(texts, "label"), candidates)
    assert [len(row) for row in found] == [3, 2, 2, 1]
    prefix = "predict: " if student.plan.task_token == "prefix" else ""
    for place, (text, logs, labels) in enumerate(zip(texts, found, candidates, strict=True)):
        for label, log in zip(labels, logs.tolist(), strict=True):
            each = token_logs(student, prefix + text, label)
            assert log == pytest.approx(sum(each if (place, label) == (2, "sink") else each[:-1]), abs=1e-4)


def test_generated_probability_is_the_mean_of_its_tokens(student):
    inputs = student.inputs([examples()[0].input, "a much longer fork on the bed in the hall"], "label")
    for ids, made in zip(inputs, student.generate(inputs, "label"), strict=True):
        (alone,) = student.generate([ids], "label")
        assert alone.text == made.text
        assert alone.probability == pytest.approx(made.probability, abs=1e-5)
        assert 0 < made.probability <= 1
        assert math.isfinite(made.probability)


def test_embeddings_are_listed_once(student):
    assert [parameter.shape for parameter in student.embeddings()] == [torch.Size([len(student.tokenizer), 32])]


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1, "mutual_information": 0.2}], ids=["plain", "options"])
@pytest.mark.parametrize("coverage", [1.0, 0.5])
def test_one_pass_of_the_decoder_for_both_tasks_loses_what_two_lose(coverage, options):
    rows = training_rows(coverage)[28:36]
    student = new_student(training_rows(), CARD, settings(task_token="decoder", **options))
    encoded, found = student.encode(rows), []
    assert student.reads_both and len(student.collate(encoded, range(8)).unexplained) == (0 if coverage == 1.0 else 4)
    for student.reads_both in (True, False):
        losses = student(student.collate(encoded, range(8)))
        losses.total(0.3, 0.1).backward()
        found.append((losses, [parameter.grad.clone() for parameter in student.parameters()]))
        student.zero_grad()
    (once, gradients), (twice, expected) = found
    assert torch.allclose(once.means(), twice.means(), rtol=0, atol=2e-6)
    assert (once.label_tokens, once.rationale_tokens) == (twice.label_tokens, twice.rationale_tokens)
    assert all(torch.allclose(one, two, rtol=0, atol=2e-6) for one, two in zip(gradients, expected, strict=True))
