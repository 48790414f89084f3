import json
from dataclasses import replace

import pytest
import torch
from toy_student import CARD, CLASSES, RUNTIME, examples, settings, training_rows
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    DistilBertConfig,
    DistilBertModel,
    RobertaConfig,
    RobertaModel,
    pipeline,
)

from distill.answers.choices import with_choices
from distill.errors import DataError
from distill.rows.records import Example, TaskCard, TrainingRow
from distill.settings import SettingsError
from distill.settings.loader import Refused
from distill.settings.student import EncoderSettings, LoraSettings
from distill.student.batching import PaddedTokens
from distill.student.loading import load_student, new_student, save_student
from distill.student.predicting import Student
from distill.student.tokenizing import begin_with, train_tokenizer
from distill.student.training import train_student

SCRATCH = {"scratch": replace(settings().student.scratch, architecture="encoder", d_model=32)}
CHOICES = TaskCard("toy", "choices", "", (), {})


def encoder(student=None, **train):
    return settings(SCRATCH | (student or {}), learning_rate=3e-3, embedding_learning_rate=1e-2, **train)


def choice_examples():
    """Each row offers the three places in another order, and some of them a fourth."""
    made = []
    for number, row in enumerate(examples()):
        choices = (*CLASSES[number % 3 :], *CLASSES[: number % 3], *(("attic",) if number % 4 == 0 else ()))
        made.append(replace(row, input=with_choices(row.input, choices), choices=choices))
    return made


def choice_rows(share=1.0):
    kept = training_rows(share)
    return [
        TrainingRow(row.id, row.input, row.label, one.rationale, row.choices)
        for row, one in zip(choice_examples(), kept, strict=True)
    ]


KINDS = {"classes": (CARD, training_rows, examples), "choices": (CHOICES, choice_rows, choice_examples)}


@pytest.fixture(scope="module", params=KINDS)
def toy(request, tmp_path_factory):
    """A trained encoder of either kind: its folder, what training said, and its rows."""
    card, rows, validation = KINDS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    made = train_student(rows(), validation(), card, encoder(steps=250), folder / "model", folder / "plot.json")
    return request.param, folder / "model", made, validation()


def touched(student, losses, weight):
    """Names of the parts that a loss reaches."""
    student.zero_grad()
    losses.total(weight).backward()
    names = (
        name for name, value in student.named_parameters() if value.grad is not None and value.grad.abs().sum() > 0
    )
    return {
        "decoder" if name.startswith("decoder") else "head" if "classifier" in name else "encoder" for name in names
    }


@pytest.mark.parametrize("kind", KINDS)
def test_each_loss_reaches_what_it_should(kind):
    card, rows, _ = KINDS[kind]
    student = new_student(rows(), card, encoder())
    losses = student(student.collate(student.encode(rows()), range(6)))
    head = {"head"} if kind == "classes" else set()
    assert touched(student, losses, 1.0) == {"encoder"} | head
    losses = student(student.collate(student.encode(rows()), range(6)))
    assert touched(student, losses, 0.0) == {"encoder", "decoder"}


@pytest.mark.parametrize("kind", KINDS)
def test_labels_alone_need_no_decoder(kind, tmp_path):
    card, rows, _ = KINDS[kind]
    student = new_student(rows(), card, encoder(mode="standard"))
    losses = student(student.collate(student.encode(rows()), range(6)))
    assert student.decoder is None and losses.rationale.item() == 0.0
    save_student(student, tmp_path)
    assert not (tmp_path / "rationale").exists()
    assert load_student(tmp_path).decoder is None


@pytest.mark.parametrize("kind", KINDS)
def test_missing_rationales_are_masked(kind):
    card, _, _ = KINDS[kind]
    rows, bare = KINDS[kind][1](1.0), KINDS[kind][1](0.0)
    student = new_student(rows, card, encoder()).eval()
    none = student.collate(student.encode(bare), range(3))
    assert none.rationales is None and student(none).rationale.item() == 0.0
    mixed = student(student.collate(student.encode([bare[1], rows[0], bare[2]]), range(3)))
    alone = student(student.collate(student.encode(rows[:1]), [0]))
    assert mixed.rationale.item() == pytest.approx(alone.rationale.item(), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_label_loss_is_the_gold_answers_score(kind):
    card, rows, _ = KINDS[kind]
    student = new_student(rows(), card, encoder()).eval()
    chosen = rows()[:7]
    loss = student(student.collate(student.encode(chosen), range(7))).label.item()
    answers = [row.choices or CLASSES for row in chosen]
    logs = student.score(student.inputs([row.input for row in chosen], "label"), answers)
    assert loss == pytest.approx(
        -sum(log[found.index(row.label)].item() for log, found, row in zip(logs, answers, chosen, strict=True)) / 7,
        abs=1e-5,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_bf16_loses_as_much(kind):
    card, rows, _ = KINDS[kind]
    student = new_student(rows(), card, encoder()).eval()
    batch = student.collate(student.encode(rows()), range(16))
    exact = student(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = student(batch)
    assert rounded.label.dtype == torch.float32
    assert rounded.label.item() == pytest.approx(exact.label.item(), rel=0.01)
    assert rounded.rationale.item() == pytest.approx(exact.rationale.item(), rel=0.01)


def test_it_learns_labels_and_rationales_together(toy):
    _, folder, made, rows = toy
    assert made.metrics["label"]["validation_accuracy"] > 0.95
    student = Student.load(folder, RUNTIME)
    right = sum(label == row.label for (label, _), row in zip(student.label(rows), rows, strict=True)) / 64
    assert right == pytest.approx(made.metrics["label"]["validation_accuracy"])
    assert sum(text == row.rationale for text, row in zip(student.explain(rows), rows, strict=True)) > 50


def test_order_and_batch_size_change_nothing(toy):
    _, folder, _, rows = toy
    student = Student.load(folder, RUNTIME)
    rows = [*rows[:9], replace(rows[9], id="long", input="a fork on the roof of the hall on the lawn", choices=CLASSES)]
    together, told = student.label(rows), student.explain(rows)
    student.rows_per_batch = 1
    alone = student.label(rows[::-1])[::-1]
    assert [label for label, _ in together] == [label for label, _ in alone]
    assert [p for _, p in together] == pytest.approx([p for _, p in alone], abs=1e-5)
    assert student.explain(rows[::-1])[::-1] == told


def test_scores_keep_the_order_of_the_candidates(toy):
    _, folder, _, rows = toy
    student = load_student(folder)
    inputs = student.inputs([rows[0].input] * 2, "label")
    one, other = student.score(inputs, [CLASSES, CLASSES[::-1]])
    assert torch.allclose(one, other.flip(0), atol=1e-6)
    assert one.exp().sum().item() == pytest.approx(1.0, abs=1e-5)


def test_saved_and_loaded_it_answers_alike(toy, tmp_path):
    _, folder, _, rows = toy
    student = load_student(folder)
    save_student(student, tmp_path)
    again = load_student(tmp_path)
    for name, value in student.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    batch = student.inputs([row.input for row in rows[:5]], "label")
    for one, other in zip(student.score(batch, [CLASSES] * 5), again.score(batch, [CLASSES] * 5), strict=True):
        assert torch.equal(one, other)


def test_the_same_seed_gives_the_same_weights(tmp_path):
    for name in ("one", "other"):
        train_student(
            training_rows(0.5),
            examples(),
            CARD,
            encoder(steps=4, evaluate_every=4),
            tmp_path / name,
            tmp_path / "plot.json",
        )
    for file in ("model.safetensors", "rationale/model.safetensors", "student.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_the_decoder_writes_what_it_would_read(toy):
    """Step by step, with kept keys and values, as in one pass over the whole text."""
    _, folder, _, rows = toy
    student = load_student(folder)
    inputs = student.inputs([row.input for row in rows[:6]], "rationale")
    read = PaddedTokens.of(inputs, student.pad)
    memory, seen = student.states(read), read.mask
    begin, end = student.places[student.begin], student.places[student.end]
    written, means = student.decoder.write(begin, end, 24, memory, seen, student._words())
    for index, (row, mean) in enumerate(zip(written, means, strict=True)):
        ids = torch.tensor([[begin, *row]])
        logs = torch.log_softmax(
            student.decoder(ids, memory[index : index + 1], seen[index : index + 1], student._words())[0], -1
        )
        assert logs.argmax(-1).tolist() == [*row, end]
        assert logs.max(-1).values.mean().item() == pytest.approx(mean, abs=1e-4)


def test_a_plain_pipeline_gives_the_same_labels(tmp_path):
    made = train_student(
        training_rows(),
        examples(),
        CARD,
        encoder(steps=60, mode="standard"),
        tmp_path / "model",
        tmp_path / "plot.json",
    )
    assert made.metrics["label"]["validation_accuracy"] > 0.5
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["id2label"] == {str(place): name for place, name in enumerate(CLASSES)}
    assert config["label2id"] == {name: place for place, name in enumerate(CLASSES)}
    found = pipeline("text-classification", str(tmp_path / "model"), device="cpu")([row.input for row in examples()])
    ours = Student.load(tmp_path / "model", RUNTIME).label(examples())
    assert [one["label"] for one in found] == [label for label, _ in ours]
    assert [one["score"] for one in found] == pytest.approx([probability for _, probability in ours], abs=1e-5)


def test_the_saved_root_loads_with_its_auto_class(toy):
    kind, folder, _, _ = toy
    auto = AutoModelForSequenceClassification if kind == "classes" else AutoModel
    model, told = auto.from_pretrained(folder, output_loading_info=True)
    assert not told["missing_keys"] and not told["unexpected_keys"]
    assert type(model).__name__ == ("BertForSequenceClassification" if kind == "classes" else "BertModel")
    # What sentence-transformers 5 reads.
    modules = json.loads((folder / "modules.json").read_text()) if kind == "choices" else []
    assert [(one["type"].rsplit(".")[-1], one["path"]) for one in modules] == [
        ("Transformer", ""),
        ("Pooling", "1_Pooling"),
        ("Normalize", "2_Normalize"),
    ][: len(modules)]
    assert (folder / "1_Pooling" / "config.json").exists() == (kind == "choices")


@pytest.fixture(
    scope="module",
    params=[(RobertaConfig, RobertaModel), (DistilBertConfig, DistilBertModel)],
    ids=["roberta", "distilbert"],
)
def pretrained(request, tmp_path_factory):
    """A folder as somebody else would leave it."""
    config, model = request.param
    folder = tmp_path_factory.mktemp("pretrained")
    tokenizer = train_tokenizer([row.input for row in examples()] + [row.rationale or "" for row in examples()], 512)
    begin_with(tokenizer, "<label>")
    tokenizer.save_pretrained(folder)
    sizes = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 32, "intermediate_size": 64}
    if config is DistilBertConfig:
        sizes = {"n_layers": 1, "n_heads": 2, "dim": 32, "hidden_dim": 64}
    torch.manual_seed(0)
    model(config(vocab_size=len(tokenizer), max_position_embeddings=66, pad_token_id=0, **sizes)).save_pretrained(
        folder
    )
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_a_local_encoder_is_trained_whole(pretrained, kind, tmp_path):
    card, rows, validation = KINDS[kind]
    made = encoder({"name": str(pretrained), "encoder": EncoderSettings(1, 2, 16, 0.05)}, steps=3, evaluate_every=3)
    train_student(rows(), validation(), card, made, tmp_path / "model", tmp_path / "plot.json")
    student = load_student(tmp_path / "model")
    assert student.decoder.sizes.width == 16 and not student.decoder.sizes.tied
    before = AutoModel.from_pretrained(pretrained).state_dict()
    after = student.model.base_model.state_dict()
    moved = {name for name in before if name in after and not torch.equal(before[name], after[name])}
    assert {name for name in before if "layer" in name or "word_embeddings" in name} - {
        n for n in before if "pooler" in n
    } <= moved


def test_head_and_decoder_may_learn_faster(toy):
    kind, folder, _, _ = toy
    student = load_student(folder)
    names = {id(value): name for name, value in student.named_parameters()}
    heads = {names[id(value)] for value in student.heads()}
    assert heads and all(name.startswith("decoder.") or "classifier" in name for name in heads)
    assert ("model.classifier.weight" in heads) == (kind == "classes")
    assert [names[id(value)] for value in student.embeddings()] == [
        next(name for name in names.values() if "word_embeddings" in name)
    ]


@pytest.mark.parametrize(("card", "train", "student", "told"), [
    (TaskCard("sums", "number", "", (), {}), {}, {},
        "the kind number; take an encoder-decoder"),
    (CARD, {"mode": "single_task"}, {}, r"train\.mode: single_task: .* set step_by_step"),
    (CARD, {"task_token": "prefix"}, {}, r"train\.task_token: prefix: .* set decoder"),
    (CARD, {}, {"encoder": EncoderSettings(1, 3, None, 0.05)},
        r"decoder_heads: is 3; it must divide the decoder's width, 32"),
])  # fmt: skip
def test_what_an_encoder_cannot_do_is_refused(card, train, student, told):
    with pytest.raises(SettingsError, match=told):
        new_student(training_rows(), card, encoder(student, **train))


def test_a_pretrained_encoders_limits_are_refused(pretrained):
    name = {"name": str(pretrained)}
    with pytest.raises(SettingsError, match="only a decoder-only student takes LoRA"):
        new_student(training_rows(), CARD, encoder(name | {"lora": LoraSettings(4, 8.0, 0.0, ())}))
    with pytest.raises(SettingsError, match=r"max_input_tokens: is 100; .* reads at most 66"):
        new_student(training_rows(), CARD, encoder(name | {"max_input_tokens": 100}))
    with pytest.raises(Refused, match=r"decoder_width is .*, which it must divide"):
        EncoderSettings(1, 3, 32, 0.05)


def test_long_choices_are_cut_and_a_tokenizer_must_mark_its_texts(pretrained):
    long = replace(choice_rows()[0], choices=("shelf", "shed " * 100))
    student = new_student(choice_rows(), CHOICES, encoder())
    assert [len(ids) for ids in student.encode([long]).choices[0]] == [3, 32]
    tokenizer = train_tokenizer(["a fork"], 512)
    model = AutoModel.from_pretrained(pretrained)
    model.save_pretrained(pretrained / "bare")
    tokenizer.save_pretrained(pretrained / "bare")
    with pytest.raises(SettingsError, match="a tokenizer without a token that begins, ends or pads"):
        new_student(training_rows(), CARD, encoder({"name": str(pretrained / "bare")}))


def test_labels_that_are_no_answers_are_refused():
    with pytest.raises(DataError, match="training row 'x' has the label 'attic'; the classes are shelf, shed, sink"):
        student = new_student(training_rows(), CARD, encoder())
        student.encode([TrainingRow("x", "a fork", "attic")])
    with pytest.raises(DataError, match="cannot score 'attic'"):
        student.score(student.inputs(["a fork"], "label"), [("sink", "attic")])
    student = new_student(choice_rows(), CHOICES, encoder())
    with pytest.raises(DataError, match="its choices are missing"):
        student.encode([TrainingRow("x", "a fork", "sink")])


def test_a_question_is_read_without_its_choices():
    student = new_student(choice_rows(), CHOICES, encoder())
    row = choice_rows()[0]
    assert (
        student.tokenizer.decode(student.inputs([row.input], "label")[0], skip_special_tokens=True).strip()
        == "a book on the bed"
    )
    assert student.label_targets([row, replace(row, choices=row.choices[::-1])]) == [0, 3]
    assert isinstance(Example("1", row.input, {}).input, str)
