import pytest
import torch
from toy_student import CARD, CLASSES, RUNTIME, examples, settings, training_rows
from transformers import BartConfig, BartForConditionalGeneration, ViTConfig, ViTModel

from distill.errors import DataError
from distill.settings import SettingsError
from distill.settings.loader import Refused
from distill.student.loading import compute_device, load_student, new_student, save_student
from distill.student.predicting import Student
from distill.student.tokenizing import train_tokenizer
from distill.student.training import train_student


@pytest.fixture(scope="module")
def bart(tmp_path_factory):
    """A folder as somebody else would leave it: another architecture, a tokenizer without our task tokens."""
    folder = tmp_path_factory.mktemp("bart")
    tokenizer = train_tokenizer(["a fork on the roof", "sink", "it is made of iron"], 512)
    config = BartConfig(
        vocab_size=len(tokenizer), d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=64, dropout=0.0, pad_token_id=0, bos_token_id=1,
        eos_token_id=1, decoder_start_token_id=1, forced_eos_token_id=None,
    )  # fmt: skip
    torch.manual_seed(0)
    BartForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_scratch_sizes_and_seed():
    one, again, other = (new_student(training_rows(), CARD, settings({"seed": seed})) for seed in (1, 1, 2))
    config = one.model.config
    assert (config.d_model, config.d_kv, config.d_ff, config.num_layers, config.num_decoder_layers) == (
        32,
        16,
        64,
        1,
        1,
    )
    assert config.vocab_size == len(one.tokenizer) <= 512
    same = [torch.equal(a, b) for a, b in zip(one.state_dict().values(), again.state_dict().values(), strict=True)]
    assert all(same)
    assert not torch.equal(one.embeddings()[0], other.embeddings()[0])


def test_saved_student_loads_with_the_same_weights_and_plan(tmp_path):
    student = new_student(training_rows(), CARD, settings(task_token="prefix"))
    save_student(student, tmp_path)
    again = load_student(tmp_path)
    assert again.plan == student.plan
    assert (again.plan.task_token, again.plan.classes, again.plan.max_input_tokens) == ("prefix", CLASSES, 32)
    for name, value in student.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    assert (tmp_path / "model.safetensors").is_file()
    assert not again.training


def test_a_local_folder_is_trained_and_predicts(bart, tmp_path):
    made = settings({"name": str(bart)}, steps=200, learning_rate=5e-3, embedding_learning_rate=None)
    trained = train_student(training_rows(), examples(), CARD, made, tmp_path / "model", tmp_path / "plot.json")
    assert trained.metrics["label"]["validation_accuracy"] > 0.8
    student = Student.load(tmp_path / "model", RUNTIME)
    assert {label for label, _ in student.label(examples())} <= set(CLASSES)
    assert student.explain(examples()[:1])[0].startswith("it is made of")


def test_a_model_of_no_language_is_refused(tmp_path):
    ViTModel(
        ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32)
    ).save_pretrained(tmp_path)
    with pytest.raises(SettingsError, match=r"student\.name: .*cannot be loaded: a vit is no language model"):
        new_student(training_rows(), CARD, settings({"name": str(tmp_path)}))


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"student\.name: .* cannot be loaded"):
        new_student(training_rows(), CARD, settings({"name": str(tmp_path)}))


def test_a_hub_id_needs_its_revision():
    with pytest.raises(Refused, match="commit hash"):
        settings({"name": "google/t5-v1_1-base"})


def test_a_folder_without_a_plan_is_no_student(bart):
    with pytest.raises(DataError, match=r"student\.json: no such file"):
        load_student(bart)


def test_device_sets_threads_and_refuses_an_absent_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert compute_device(RUNTIME).type == "cpu"
    assert torch.get_num_threads() == 1
    absent = type(RUNTIME)(device="cuda", threads=1, predict_rows=1)
    with pytest.raises(SettingsError, match=r"runtime\.device: is cuda, but torch sees no CUDA device"):
        compute_device(absent)
