import functools

import pytest
import torch
from toy_student import CARD, CLASSES, RUNTIME, examples, settings, training_rows
from transformers import LlamaConfig, LlamaForCausalLM

from distill.settings import SettingsError
from distill.settings.loader import Refused
from distill.settings.student import LoraSettings
from distill.student.loading import load_student, new_student, save_student
from distill.student.losses import IGNORED
from distill.student.predicting import Student
from distill.student.tokenizing import train_tokenizer
from distill.student.training import train_student

SCRATCH = {"scratch": settings().student.scratch.__class__("decoder_only", 512, 32, 64, 2, 1, 1, 0.0)}


@pytest.fixture(scope="module", params=["decoder", "prefix"])
def student(request):
    return new_student(training_rows(), CARD, settings(SCRATCH, task_token=request.param)).eval()


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """A folder as somebody else would leave it: no padding token, a beginning token, a chat template."""
    folder = tmp_path_factory.mktemp("llama")
    tokenizer = train_tokenizer([row.input for row in examples()] + [row.rationale or "" for row in examples()], 512)
    tokenizer.pad_token = None
    tokenizer.chat_template = (
        "{% for m in messages %}<unk>{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}<unk>{% endif %}"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=512, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, eos_token_id=1
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def own_loss(student, prompt, target):
    """The model's own loss on one sequence, its prompt masked."""
    ids = torch.tensor([[*prompt, *target]])
    labels = torch.tensor([[*[IGNORED] * len(prompt), *target]])
    return student.model(input_ids=ids, labels=labels).loss.item()


def test_losses_are_of_the_answers_tokens_alone(student):
    rows = training_rows()[:5]
    encoded = student.encode(rows)
    losses = student(student.collate(encoded, range(5)))
    for found, prompts, targets in (
        (losses.label, encoded.inputs, encoded.labels),
        (losses.rationale, encoded.rationale_inputs, encoded.rationales),
    ):
        sums = [
            own_loss(student, prompt, target) * len(target) for prompt, target in zip(prompts, targets, strict=True)
        ]
        assert found.item() == pytest.approx(sum(sums) / sum(map(len, targets)), abs=1e-5)


def test_prompts_and_targets_read_as_they_should(student):
    encoded = student.encode(training_rows()[:1])
    prefix = "predict: " if student.plan.task_token == "prefix" else ""
    assert student.tokenizer.decode(encoded.inputs[0]).strip() == f"{prefix}a book on the bed\nLabel:"
    assert student.tokenizer.decode(encoded.labels[0]) == " shelf</s>"
    assert student.tokenizer.decode(encoded.rationale_inputs[0]).endswith("bed\nRationale:")
    assert student.tokenizer(f"{prefix}a book on the bed\nLabel:").input_ids == encoded.inputs[0]


def test_missing_rationales_are_masked(student):
    encoded = student.encode(training_rows(0.0)[:3])
    batch = student.collate(encoded, range(3))
    assert batch.rationale_inputs is None
    assert student(batch).rationale.item() == 0.0
    mixed = [training_rows()[0], training_rows(0.0)[1]]
    alone = student(student.collate(student.encode(mixed[:1]), [0]))
    assert student(student.collate(student.encode(mixed), [0, 1])).rationale.item() == pytest.approx(
        alone.rationale.item(), abs=1e-5
    )


def test_scores_equal_a_row_by_row_computation(student):
    """A label that another one goes on from needs its end to be told from it; the others need none."""
    inputs = student.inputs(["a fork on the roof", "a cup on the bed in the hall", "a map"], "label")
    candidates = [CLASSES, CLASSES[1:], ("sink", "sink shelf")]
    found = student.score(inputs, candidates)
    for place, (prompt, logs, labels) in enumerate(zip(inputs, found, candidates, strict=True)):
        for label, log in zip(labels, logs.tolist(), strict=True):
            target = student.tokenizer(" " + label, add_special_tokens=False).input_ids + [1] * (
                (place, label) == (2, "sink")
            )
            assert log == pytest.approx(-len(target) * own_loss(student, prompt, target), abs=1e-4)


def test_labels_of_one_token_need_no_pass_but_the_prompts(student, monkeypatch):
    inputs = student.inputs(["a fork on the roof", "a cup on the bed in the hall"], "label")
    passes, whole = [], student.model.forward
    monkeypatch.setattr(
        student.model,
        "forward",
        functools.wraps(whole)(lambda *some, **named: passes.append(1) or whole(*some, **named)),
    )
    student.score(inputs, [("a", "b")] * 2)
    assert len(passes) == 1
    student.score(inputs, [("sink shelf", "shed shelf")] * 2)
    assert len(passes) == 3


def test_logits_are_made_of_the_answers_places_alone(student):
    rows = training_rows()[:4]
    batch = student.collate(student.encode(rows), range(4))
    prompts = [len(ids) for ids in student.inputs([row.input for row in rows], "label")]
    assert batch.inputs.ids.shape[1] - batch.labels.shape[1] == min(prompts) - 1
    assert student._logits(batch.inputs, batch.labels).shape[:2] == batch.labels.shape


def test_left_padding_changes_no_generation(student):
    inputs = student.inputs(["a fork on the roof", "a much longer fork on the bed in the hall"], "rationale")
    for ids, made in zip(inputs, student.generate(inputs, "rationale"), strict=True):
        (alone,) = student.generate([ids], "rationale")
        assert alone.text == made.text
        assert alone.probability == pytest.approx(made.probability, abs=1e-5)


def test_a_trained_student_round_trips_and_scores_what_it_writes(tmp_path):
    made = settings(SCRATCH, steps=250)
    trained = train_student(training_rows(), examples(), CARD, made, tmp_path / "model", tmp_path / "plot.json")
    assert trained.metrics["label"]["validation_accuracy"] > 0.9
    student = Student.load(tmp_path / "model", RUNTIME)
    scored = [label for label, _ in student.label(examples())]
    inputs = student.model.inputs([row.input for row in examples()], "label")
    assert scored == [made.text for made in student.model.generate(inputs, "label")]
    assert sum(text == row.rationale for text, row in zip(student.explain(examples()), examples(), strict=True)) > 50


def test_lora_trains_adapters_alone_and_saves_a_whole_model(llama, tmp_path):
    pytest.importorskip("peft")
    made = settings(
        {"name": str(llama), "lora": LoraSettings(4, 8.0, 0.0, ("q_proj", "v_proj"))}, steps=3, evaluate_every=3
    )
    trained = train_student(training_rows(), examples(), CARD, made, tmp_path / "model", tmp_path / "plot.json")
    # Two matrices of rank 4 on two projections of 32 by 32 in two layers.
    assert trained.metrics["trained_parameters"] == 2 * 2 * (32 * 4 + 4 * 32)
    saved = load_student(tmp_path / "model").model.state_dict()
    before = LlamaForCausalLM.from_pretrained(llama).state_dict()
    assert saved.keys() == before.keys()
    changed = {name for name, value in saved.items() if not torch.equal(value, before[name])}
    assert changed == {f"model.layers.{n}.self_attn.{which}_proj.weight" for n in (0, 1) for which in "qv"}


def test_merged_adapters_predict_as_they_did_apart(llama, tmp_path):
    pytest.importorskip("peft")
    student = new_student(training_rows(), CARD, settings({"name": str(llama), "lora": LoraSettings(4, 64.0, 0.0, ())}))
    for name, value in student.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value)
    inputs = student.inputs([row.input for row in examples()[:4]], "label")
    with torch.no_grad():
        apart = torch.stack(student.eval().score(inputs, [CLASSES] * 4))
        save_student(student, tmp_path)
        merged = torch.stack(load_student(tmp_path).score(inputs, [CLASSES] * 4))
    assert torch.allclose(apart, merged, atol=1e-3)


def test_a_chat_template_wraps_the_input(llama):
    student = new_student(training_rows(), CARD, settings({"name": str(llama)}))
    (ids,) = student.inputs(["a fork on the roof"], "label")
    assert student.tokenizer.decode(ids) == "<unk> a fork on the roof<unk> \nLabel:"


def test_long_inputs_are_cut_before_the_mark(llama):
    student = new_student(training_rows(), CARD, settings({"name": str(llama), "max_input_tokens": 8}))
    encoded = student.encode(training_rows())
    (ids,) = student.inputs(["a fork on the roof on the roof on the roof on the roof"], "label")
    assert student.tokenizer.decode(ids).endswith("<unk> \nLabel:")
    assert encoded.truncated == {"input": 0, "rationale": 0}
    assert student.tokenizer.decode(ids).count("roof") < 4


def test_lora_where_it_does_not_apply_is_refused(llama):
    with pytest.raises(Refused, match="adapters need pretrained weights"):
        settings({"lora": LoraSettings(4, 8.0, 0.0, ())})
    pytest.importorskip("peft")
    with pytest.raises(SettingsError, match=r"student\.lora\.targets: nothing_proj"):
        new_student(
            training_rows(), CARD, settings({"name": str(llama), "lora": LoraSettings(4, 8.0, 0.0, ("nothing_proj",))})
        )
