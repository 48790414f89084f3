"""Every option of the loss in every kind and mode of student, against what the plain losses of single rows give."""

import json
from dataclasses import replace

import pytest
import torch
from toy_student import CARD, CLASSES, examples, settings, training_rows

from distill.rows.records import TaskCard
from distill.settings import SettingsError
from distill.settings.student import ScratchSettings
from distill.student.loading import new_student
from distill.student.losses import IGNORED, OFF, LossOptions
from distill.student.training import train_student

# What is trained, in which mode, told its task how.
ALL = [
    ("encoder_decoder", "step_by_step", "decoder"),
    ("encoder_decoder", "step_by_step", "prefix"),
    ("encoder_decoder", "single_task", "decoder"),
    ("decoder_only", "step_by_step", "decoder"),
    ("decoder_only", "single_task", "decoder"),
    ("encoder", "step_by_step", "decoder"),
]
TWO_TASKS = [ALL[0], ALL[1], ALL[3]]
ROWS = [training_rows()[i] for i in (0, 9, 18, 30, 61)]


def student_of(kind, **train):
    made, mode, task_token = kind
    return new_student(
        training_rows(),
        CARD,
        settings(
            {"scratch": ScratchSettings(made, 512, 32, 64, 2, 1, 1, 0.0)}, mode=mode, task_token=task_token, **train
        ),
    ).eval()


@pytest.fixture(scope="module", params=ALL, ids=" ".join)
def student(request):
    return student_of(request.param)


def losses_of(student, rows, **options):
    """What the student loses on all rows in one batch, with these options."""
    student.options = replace(OFF, **options)
    try:
        with torch.no_grad():
            return student(student.collate(student.encode(rows), range(len(rows))))
    finally:
        student.options = OFF


def value(losses, name):
    return getattr(losses, name).item()


def test_a_student_takes_its_options_from_the_settings():
    student = student_of(ALL[0], label_smoothing=0.1, missing_rationale="empty")
    assert student.options == LossOptions("empty", 0.1, 0.0, 0.0)


def test_a_missing_rationale_as_an_empty_target_is_trained_on(student):
    bare = [replace(row, rationale=None) if i in (1, 3) else row for i, row in enumerate(ROWS)]
    blank = [replace(row, rationale="") if row.rationale is None else row for row in bare]
    empty, expected, masked = (
        losses_of(student, bare, missing_rationale="empty"),
        losses_of(student, blank),
        losses_of(student, bare),
    )
    assert value(empty, "rationale") == value(expected, "rationale") != value(masked, "rationale")
    assert value(empty, "label") == value(expected, "label")
    student.options = replace(OFF, missing_rationale="empty")
    encoded = student.encode(bare)
    student.options = OFF
    assert [len(ids) for ids in encoded.rationales if ids is not None][1] == 1
    assert encoded.coverage == 0.6 and student.encode(bare).coverage == 0.6


def test_smoothing_mixes_in_the_same_of_every_token_for_both_tasks(student):
    plain, some, more = (
        losses_of(student, ROWS),
        losses_of(student, ROWS, label_smoothing=0.1),
        losses_of(student, ROWS, label_smoothing=0.3),
    )
    for task in ("label", "rationale"):
        grown = value(some, task) - value(plain, task)
        assert abs(grown) > 1e-4
        assert value(more, task) - value(plain, task) == pytest.approx(3 * grown, abs=1e-5)


def test_soft_labels_weigh_the_losses_of_the_labels(student):
    soft = [
        replace(
            row,
            label_probabilities={
                row.label: 0.6,
                CLASSES[i % 3] if CLASSES[i % 3] != row.label else CLASSES[(i + 1) % 3]: 0.3,
            },
        )
        for i, row in enumerate(ROWS)
    ]
    found = losses_of(student, soft, soft_labels=0.5)
    total = weight = 0.0
    for row in soft:
        # What is left of 1 is the third class's.
        parts = {label: 0.5 * row.label_probabilities.get(label, 0.1) + 0.5 * (label == row.label) for label in CLASSES}
        for label, part in parts.items():
            alone = losses_of(student, [replace(row, label=label)])
            total += part * value(alone, "label") * value(alone, "label_tokens")
            weight += part * value(alone, "label_tokens")
    assert value(found, "label") == pytest.approx(total / weight, abs=1e-5)
    assert value(found, "label_tokens") == pytest.approx(weight, abs=1e-5)
    assert value(found, "rationale") == pytest.approx(value(losses_of(student, ROWS), "rationale"), abs=1e-5)


def test_a_row_of_which_nothing_is_known_has_its_hard_label(student):
    assert value(losses_of(student, ROWS, soft_labels=0.7), "label") == pytest.approx(
        value(losses_of(student, ROWS), "label"), abs=1e-5
    )


@pytest.mark.parametrize("kind", TWO_TASKS, ids=" ".join)
@pytest.mark.parametrize("soft", [0.0, 0.5])
def test_the_mutual_term_compares_what_the_tasks_say_most_strongly(kind, soft):
    student = student_of(kind)
    rows = [replace(row, label_probabilities={"shelf": 0.5, "shed": 0.5}) for row in ROWS]
    rows[2] = replace(rows[2], rationale=None)
    found = losses_of(student, rows, mutual_information=0.1, soft_labels=soft)
    expected = []
    for row in [row for row in rows if row.rationale]:
        pooled = []
        for logits, targets in said(student, row):
            pooled.append(torch.softmax(logits[targets != IGNORED], -1).amax(0))
        expected.append(-(pooled[0] * torch.log_softmax(pooled[1], -1)).sum().item())
    assert found.mutual_rows.item() == 4
    assert found.mutual.item() == pytest.approx(sum(expected) / 4, abs=1e-4)
    assert losses_of(student, rows).mutual_rows.item() == 0


def said(student, row):
    """(logits, targets) of the row's label and of its rationale, computed by themselves."""
    encoded = student.encode([row])
    batch = student.collate(encoded, [0])
    with torch.no_grad():
        if student.plan.kind == "decoder_only":
            yield student._logits(batch.inputs, batch.labels)[0], batch.labels[0]
            yield student._logits(batch.rationale_inputs, batch.rationales)[0], batch.rationales[0]
            return
        for task, targets in (("label", batch.labels), ("rationale", batch.rationales)):
            read = student._padded(student.inputs([row.input], task))
            yield student._logits(student._encoded(read), read.mask, targets, task)[0], targets[0]


def test_soft_labels_over_choices_reach_the_right_answers():
    card = TaskCard("toy", "choices", "", (), {})
    rows = [
        replace(row, choices=(*CLASSES[i % 3 :], *CLASSES[: i % 3], *(("attic",) if i % 2 else ())))
        for i, row in enumerate(ROWS)
    ]
    kind = settings({"scratch": ScratchSettings("encoder", 512, 32, 64, 2, 1, 1, 0.0)})
    student = new_student(rows, card, kind).eval()
    soft = [
        replace(
            row, label_probabilities={"sink": 0.75, row.choices[0]: 0.25} if row.choices[0] != "sink" else {"sink": 1.0}
        )
        for row in rows
    ]
    parts = [(row, label, part) for row in soft for label, part in row.label_probabilities.items()]
    expected = (
        sum(part * value(losses_of(student, [replace(row, label=label)]), "label") for row, label, part in parts) / 5
    )
    assert value(losses_of(student, soft, soft_labels=1.0), "label") == pytest.approx(expected, abs=1e-5)
    smoothed = value(losses_of(student, rows, label_smoothing=0.2), "label")
    even = (
        sum(
            value(losses_of(student, [replace(row, label=label)]), "label") / len(row.choices)
            for row in rows
            for label in row.choices
        )
        / 5
    )
    assert smoothed == pytest.approx(0.8 * value(losses_of(student, rows), "label") + 0.2 * even, abs=1e-5)


EVERYTHING = {"missing_rationale": "empty", "label_smoothing": 0.1, "mutual_information": 0.1, "soft_labels": 0.5}


def varied():
    """Rows of which some have no rationale, and some are of a doubted label."""
    rows = []
    for i, row in enumerate(training_rows()):
        row = replace(row, label_probabilities={"shelf": 0.5, "sink": 0.25} if i % 2 else {})
        rows.append(replace(row, rationale=None) if i % 5 == 0 else row)
    return rows


def trained(tmp_path, kind, name, rows=None, **train):
    made, mode, task_token = kind
    tie = {} if mode == "step_by_step" and made != "encoder" else {"mutual_information": 0.0}
    asked = settings(
        {"scratch": ScratchSettings(made, 512, 32, 64, 2, 1, 1, 0.0)},
        mode=mode,
        task_token=task_token,
        steps=6,
        evaluate_every=2,
        **EVERYTHING | tie | train,
    )
    found = train_student(rows or varied(), examples()[:12], CARD, asked, tmp_path / name, tmp_path / f"{name}.json")
    return found.metrics, json.loads((tmp_path / f"{name}.json").read_text())


@pytest.mark.parametrize("kind", ALL, ids=" ".join)
def test_with_all_options_a_step_in_parts_is_the_step_in_one(tmp_path, kind):
    metrics, curve = trained(tmp_path, kind, "one")
    _, parts = trained(tmp_path, kind, "parts", gradient_accumulation=4)
    for one, other in zip(curve, parts, strict=True):
        for name in (
            "loss",
            "label_loss",
            "rationale_loss",
            *(("mutual_information",) if "mutual_information" in one else ()),
        ):
            assert other[name] == pytest.approx(one[name], abs=2e-4)
    assert ("mutual_information" in curve[0]) == (kind in TWO_TASKS)
    if kind in TWO_TASKS:
        for row in curve:
            assert row["loss"] == pytest.approx(
                0.5 * row["label_loss"] + 0.5 * row["rationale_loss"] + 0.1 * row["mutual_information"], abs=2e-6
            )
    # 13 of 64 rows have no rationale.
    assert metrics["rationale"]["coverage"] == 51 / 64 and metrics["rationale"]["empty"] == 13 / 64
    assert metrics["label"]["soft"] == 0.5 and 0.5 < metrics["label"]["own_part"] < 1


def test_with_no_option_in_use_metrics_and_curve_have_nothing_of_them(tmp_path):
    plain = {"missing_rationale": "mask", "label_smoothing": 0.0, "mutual_information": 0.0, "soft_labels": 0.0}
    metrics, curve = trained(tmp_path, ALL[0], "plain", training_rows(), **plain)
    assert set(metrics["rationale"]) == {"loss", "coverage"} and "soft" not in metrics["label"]
    assert "mutual_information" not in curve[0]


def test_an_encoder_has_no_mutual_term():
    with pytest.raises(
        SettingsError,
        match=r"train.mutual_information: is 0.1; student.scratch.architecture: encoder chooses its label",
    ):
        student_of(ALL[-1], mutual_information=0.1)
