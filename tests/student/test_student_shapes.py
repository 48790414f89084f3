"""Pretrained encoder-decoders as published: T5 v1.1 with an output layer of its own, BART with forced tokens."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from toy_student import CARD, examples, settings, training_rows
from transformers import (
    AutoModelForSeq2SeqLM,
    BartConfig,
    BartForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
)

from distill.student.loading import load_student, new_student, save_student
from distill.student.tokenizing import train_tokenizer


def t5_v1_1(tokenizer):
    return T5ForConditionalGeneration(T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=16, d_ff=48, num_heads=2, num_layers=1,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
    ))  # fmt: skip


def bart(tokenizer):
    model = BartForConditionalGeneration(BartConfig(
        vocab_size=len(tokenizer), d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=48, decoder_ffn_dim=48, max_position_embeddings=64, pad_token_id=0, bos_token_id=2,
        eos_token_id=1, decoder_start_token_id=1,
    ))  # fmt: skip
    model.generation_config.forced_bos_token_id, model.generation_config.forced_eos_token_id = 2, 1
    return model


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder of each, as a hub would give it."""
    tokenizer = train_tokenizer(
        [text for row in training_rows() for text in (row.input, row.label, row.rationale)], 512
    )
    tokenizer.bos_token = "<unk>"
    made = {}
    for build in (t5_v1_1, bart):
        torch.manual_seed(3)
        made[build.__name__] = tmp_path_factory.mktemp(build.__name__)
        build(tokenizer).save_pretrained(made[build.__name__])
        tokenizer.save_pretrained(made[build.__name__])
    untie(made["t5_v1_1"])
    return made


def untie(folder):
    """As the hub's T5 v1.1 is: this transformers ties every T5 that it makes, unless a checkpoint says otherwise."""
    weights = load_file(folder / "model.safetensors")
    save_file(
        weights | {"lm_head.weight": torch.randn_like(weights["shared.weight"])},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    config = json.loads((folder / "config.json").read_text())
    config.pop("scale_decoder_outputs")
    (folder / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": False}))


def step(student, rows):
    """One step of gradient descent, so that nothing is as it was drawn."""
    losses = student(student.collate(student.encode(rows), range(len(rows))))
    losses.total(0.5).backward()
    with torch.no_grad():
        for weight in student.parameters():
            weight -= 0.5 * weight.grad
    return losses


@pytest.mark.parametrize("task_token", ["prefix", "decoder"])
@pytest.mark.parametrize("shape", ["t5_v1_1", "bart"])
def test_saving_and_loading_keeps_every_weight_and_score(folders, tmp_path, shape, task_token):
    student = new_student(training_rows(), CARD, settings({"name": str(folders[shape])}, task_token=task_token)).eval()
    # BART knows places by their number: two targets behind one another would stand at the wrong ones.
    assert student.reads_both == (shape == "t5_v1_1" and task_token == "decoder")
    tied = student.model.get_output_embeddings().weight is student.model.get_input_embeddings().weight
    assert tied == (shape == "bart")
    if not tied:
        own = load_file(folders[shape] / "model.safetensors")["lm_head.weight"]
        assert (
            torch.equal(student.model.lm_head.weight[: len(own)], own)
            and not student.model.config.scale_decoder_outputs
        )
    step(student, training_rows()[:8])
    save_student(student, tmp_path)
    again = load_student(tmp_path)
    assert (again.model.get_output_embeddings().weight is again.model.get_input_embeddings().weight) == tied
    ours, theirs = student.state_dict(), again.state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)
    inputs = student.inputs([row.input for row in examples()[:4]], "label")
    candidates = [("shelf", "shed", "sink")] * 4
    for before, after in zip(student.score(inputs, candidates), again.score(inputs, candidates), strict=True):
        assert torch.equal(before, after)
    assert student.generate(inputs, "label") == again.generate(inputs, "label")
    plain = AutoModelForSeq2SeqLM.from_pretrained(tmp_path)
    assert torch.equal(plain.get_output_embeddings().weight, student.model.get_output_embeddings().weight)


def test_new_tokens_leave_an_output_layer_of_its_own_apart(folders):
    model = new_student(training_rows(), CARD, settings({"name": str(folders["t5_v1_1"])})).model
    before = model.lm_head.weight.detach().clone()
    model.resize_token_embeddings(len(before) + 4)
    assert model.lm_head.weight is not model.shared.weight
    assert torch.equal(model.lm_head.weight[: len(before)], before)


@pytest.mark.parametrize("task_token", ["prefix", "decoder"])
def test_what_bart_is_trained_to_write_is_what_it_writes(folders, task_token):
    """Its own forced first token would stand where the student's first word belongs."""
    student = new_student(
        training_rows(), CARD, settings({"name": str(folders["bart"])}, task_token=task_token)
    ).train()
    rows = training_rows()[:1]
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        student(student.collate(student.encode(rows), [0])).total(0.5).backward()
        optimizer.step()
    student.eval()
    assert student.generate(student.inputs([rows[0].input], "label"), "label")[0].text == rows[0].label
    assert student.generate(student.inputs([rows[0].input], "rationale"), "rationale")[0].text == rows[0].rationale
    # One label goes on from another, so that the ends count too, as in what is generated.
    scores = student.score(student.inputs([rows[0].input], "label"), [("shelf", "shelf sink")])[0]
    assert student.generate(student.inputs([rows[0].input], "label"), "label")[0].probability == pytest.approx(
        (scores[0] / len(student.encode(rows).labels[0])).exp().item(), abs=1e-4
    )
