"""The file of a local model: found, and held against its hash, before anything is served."""

from __future__ import annotations

import hashlib
import os

import pytest

from distill.settings import SettingsError
from distill.teacher.exchange import TeacherError
from distill.teacher.local.model import LocalModel, free_threads, why_it_ended
from distill.teacher.local.model_file import model_file

CONTENT = b"GGUF and more"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(CONTENT)
    return path


def test_a_file_of_the_right_hash_is_taken_by_its_path(file):
    assert model_file(str(file), SHA256) == file


def test_a_relative_path_is_the_clones_in_a_temporary_run_too(file, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("DVC_ROOT", str(file.parent))
    monkeypatch.chdir(tmp_path_factory.mktemp("run"))
    assert model_file("model.gguf", SHA256) == file


def test_another_file_of_the_same_name_is_refused_with_both_hashes(file):
    file.write_bytes(CONTENT + b"!")
    other = hashlib.sha256(CONTENT + b"!").hexdigest()
    with pytest.raises(TeacherError) as error:
        model_file(str(file), SHA256)
    assert str(error.value) == (
        f"runtime.local.file: {file} has the SHA-256 {other}, and teacher.local.sha256 is {SHA256}: if the file is "
        "whole and the model that you mean, set teacher.local.sha256 to its hash"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (None, b"", "runtime.local.file: is null, and answers are missing in the store: set it to the path of the"),
        (
            "away.gguf",
            None,
            "away.gguf: no such file; allowed: a path, or OWNER/NAME/FILE@COMMIT",
        ),
        ("page.gguf", b"<html>", "page.gguf is no GGUF file: name the model's .gguf file"),
        ("empty.gguf", b"", "empty.gguf is no GGUF file"),
        ("a-00001-of-00003.gguf", CONTENT, "a-00001-of-00003.gguf is one part of several, whose hash says nothing"),
        (".", None, r"cannot be read \(Is a directory\)"),
    ],
)
def test_what_is_no_model_is_refused_in_one_line(tmp_path, monkeypatch, name, content, message):
    monkeypatch.chdir(tmp_path)
    if content is not None and name:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(TeacherError, match=message) as error:
        model_file(name, SHA256)
    assert "\n" not in str(error.value)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A cache of the hub that holds one file of one commit."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--our--model-GGUF" / "snapshots" / COMMIT
    (snapshot / "q4").mkdir(parents=True)
    (snapshot / "q4" / "model.gguf").write_bytes(CONTENT)
    return snapshot


def test_a_file_of_the_hub_is_the_one_of_its_commit(hub):
    assert model_file(f"our/model-GGUF/q4/model.gguf@{COMMIT}", SHA256) == hub / "q4" / "model.gguf"


def test_a_file_of_the_hub_that_cannot_be_fetched_is_named(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(TeacherError) as error:
        model_file(f"our/model-GGUF/q8/model.gguf@{COMMIT}", SHA256)
    assert str(error.value).startswith(
        f"runtime.local.file: our/model-GGUF/q8/model.gguf at {COMMIT} cannot be fetched ("
    )
    assert "\n" not in str(error.value)


def test_a_branch_of_the_hub_is_no_pinned_file(hub):
    with pytest.raises(TeacherError, match=r"no such file; allowed: a path, or .* commit with all of its 40 digits"):
        model_file("our/model-GGUF/q4/model.gguf@main", SHA256)


LOCAL = {"teacher.provider": "local", "teacher.model": "tiny", "teacher.local.sha256": SHA256}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"teacher.local.sha256": None},
            "teacher.local.sha256: is null and teacher.provider is local, whose answers are stored by the hash of the "
            "model's file: set it to what `sha256sum FILE` prints",
        ),
        ({"teacher.local.sha256": "abc"}, "teacher.local.sha256: is 'abc'; allowed: null, or the 64 digits that"),
        (
            {"teacher.mode": "batch"},
            "teacher.mode: is batch and teacher.provider is local, which takes no batches: set this to live",
        ),
        ({"teacher.local.context_tokens": 255}, "teacher.local.context_tokens: is 255; allowed: at least 256 and at"),
        ({"runtime.local.slots": 0}, "runtime.local.slots: is 0; allowed: at least 1 and at most 256"),
        ({"runtime.local.threads": 0}, "runtime.local.threads: is 0; allowed: at least 1 and at most 1024"),
    ],
)
def test_settings_that_no_local_teacher_can_have(make_settings, changes, message):
    with pytest.raises(SettingsError, match=message):
        make_settings(**{**LOCAL, **changes})


def test_the_hash_and_the_context_are_what_stands_in_the_keys(make_settings):
    model = LocalModel(make_settings(**LOCAL, **{"runtime.local.slots": 3, "runtime.local.file": "anywhere.gguf"}))
    assert model.endpoint == f"gguf sha256:{SHA256} context:8192"
    assert model.description == f"tiny, a GGUF file on this machine (SHA-256 {SHA256[:12]}…)"
    assert (model.runtime.concurrency, model.runtime.timeout_s) == (3, 3600.0)


def test_a_lower_concurrency_and_a_longer_patience_stay(make_settings):
    model = LocalModel(make_settings(**LOCAL, **{"runtime.concurrency": 2, "runtime.timeout_s": 7200}))
    assert (model.runtime.concurrency, model.runtime.timeout_s) == (2, 7200.0)


def test_without_the_package_it_is_said_what_to_install(make_settings, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with LocalModel(make_settings(**LOCAL)) as model, pytest.raises(TeacherError) as error:
        model.client(print)
    assert str(error.value) == (
        "teacher.provider: is local, and xllamacpp is not installed: pip install -r requirements-local.txt"
    )


@pytest.mark.parametrize(("load", "threads"), [(0.2, 8), (2.6, 5), (7.4, 1), (30.0, 1)])
def test_threads_are_the_cores_that_are_free(monkeypatch, load, threads):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0), raising=False)
    assert free_threads() == (threads, f" (8 cores, load {load:.1f})")


LOG = """0.09.232.882 E ggml_backend_buft_alloc_buffer_n_default: failed to allocate CPU buffer of size 1546188226560
0.09.232.884 E llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv cache
0.09.233.108 E srv    load_model: failed to create_context with model 'a.gguf'
Failed to init server, please check the input params.
"""


@pytest.mark.parametrize(
    ("log", "status", "reason"),
    [
        (
            LOG,
            1,
            "failed to allocate buffer for kv cache: lower runtime.local.slots or teacher.local.context_tokens",
        ),
        (
            "0.00 E llama_model_load: error loading model: unknown model architecture: 'new'\nFailed to init server",
            1,
            "unknown model architecture: 'new'",
        ),
        ("Traceback\nImportError: libgomp.so.1: no such file\n", 1, "ImportError: libgomp.so.1: no such file"),
        ("", 3, "exit status 3"),
        (LOG, -9, "signal 9, perhaps for want of memory: lower runtime.local.slots"),
    ],
)
def test_why_a_server_ended_is_one_line_of_what_it_wrote(log, status, reason):
    assert why_it_ended(log, status) == reason
