"""A real local server, `transformers serve`, with a tiny random model that the test makes: asked end to end.

Needs `pip install "transformers[serving]"`; takes about half a minute, most of it imports.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace

import pytest
from fake_endpoint import question

from distill.teacher import open_teacher
from distill.teacher.store import Store

for needed in ("fastapi", "uvicorn"):
    pytest.importorskip(needed, reason="needs transformers[serving]")

TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant:"
STARTING_S = 180


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A folder with a random Llama of two layers, a BPE tokenizer and a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<pad>", "<eos>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(["user: is a mouse larger than a house? assistant: no"], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", chat_template=TEMPLATE
    )
    fast.save_pretrained(folder)
    torch.manual_seed(1)
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 256,
    }
    network = LlamaForCausalLM(
        LlamaConfig(vocab_size=len(fast), pad_token_id=0, eos_token_id=1, bos_token_id=1, **sizes)
    )
    network.generation_config = GenerationConfig(pad_token_id=0, eos_token_id=1)
    network.save_pretrained(folder, safe_serialization=True)
    return folder


@pytest.fixture(scope="module")
def server(model, tmp_path_factory):
    """The address of `transformers serve` on a free port, with the network switched off for it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("log") / "serve.txt"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [
        os.path.join(os.path.dirname(sys.executable), "transformers"),
        "serve",
        str(model),
        "--port",
        str(port),
        "--device",
        "cpu",
    ]
    with open(log, "w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
    try:
        until = time.monotonic() + STARTING_S
        while not _answers(f"http://127.0.0.1:{port}/health"):
            assert process.poll() is None and time.monotonic() < until, log.read_text()[-2000:]
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(30)


def _answers(address):
    try:
        return urllib.request.urlopen(address, timeout=1).status == 200
    except OSError:
        return False


def test_a_local_model_annotates_with_usage_and_is_asked_once(server, model, settings, store_path):
    asked = settings({"model": str(model), "max_tokens": 8}, timeout_s=60.0, concurrency=2, prices={})
    asked = replace(asked, teacher=replace(asked.teacher, base_url=server))
    rows = [question(f"is a mouse larger than house {number}?", model=str(model), max_tokens=8) for number in range(4)]
    for from_store in (False, True):
        with open_teacher(asked, "annotate") as teacher:
            replies = {reply.row_id: reply for reply in teacher.ask(rows)}
        assert len(replies) == 4 and all(reply.from_store is from_store for reply in replies.values())
    for reply in replies.values():
        assert reply.failure is None and reply.text and reply.finish_reason in ("length", "stop")
        assert (
            reply.usage.tokens_from == "reported" and reply.usage.tokens_in >= 10 and 1 <= reply.usage.tokens_out <= 8
        )
    with Store(store_path) as store:
        assert store.select("SELECT endpoint, model, count(*) FROM answers") == [(server, str(model), 4)]
