"""After a full run, the key is in no file that the run wrote, and in nothing that it said."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import zlib
from pathlib import Path

import pytest
from fake_batches import FakeBatchEndpoint
from fake_endpoint import FakeEndpoint, completion, error, question

from distill.teacher import TeacherError, open_teacher
from scratch import warm_python

ROOT = Path(__file__).parents[2]
KEY = "sk-this-is-the-secret-0123456789"


@pytest.fixture
def repository(tmp_path):
    """Settings that ask a server on this machine about a few rows, with a key in the environment."""

    def make(base_url: str, mode: str = "live") -> Path:
        shutil.copytree(ROOT / "data" / "examples", tmp_path / "data" / "examples")
        params = (ROOT / "params.yaml").read_text()
        values = {
            "provider": "openai",
            "base_url": base_url,
            "optimizer": "fixed",
            "mode": mode,
            "batch_poll_s": "0.01",
            "max_failed_share": "1.0",
        }
        values |= {"train_rows": "30", "validation_rows": "10", "test_rows": "10"}
        for name, value in values.items():
            params, found = re.subn(rf"^(  {name}:)[^#\n]*", rf"\1 {value}", params, count=1, flags=re.M)
            assert found, name
        (tmp_path / "params.yaml").write_text(params)
        return tmp_path

    return make


def run(folder: Path, stage: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "OPENAI_API_KEY": KEY,
        "DISTILL_STORE": str(folder / ".distill" / "responses.sqlite"),
        "HOME": str(folder / "home"),
    }
    return subprocess.run(
        [warm_python(), str(ROOT / "stages" / f"{stage}.py")],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def scanned(folder: Path) -> list[str]:
    """What under a folder holds the key: files as they are, and what the store keeps compressed."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "responses.sqlite" for path in files)
    found = [str(path) for path in files if KEY.encode() in path.read_bytes()]
    db = sqlite3.connect(folder / ".distill" / "responses.sqlite")
    kept = db.execute(
        "SELECT request FROM answers UNION ALL SELECT body FROM answers UNION ALL SELECT request FROM batch_rows"
    ).fetchall()
    db.close()
    return found + [text for (packed,) in kept if KEY in (text := zlib.decompress(packed).decode())]


@pytest.mark.parametrize("mode", ["live", "batch"])
def test_an_answer_that_echoes_the_key_is_kept_without_it(repository, mode):
    with FakeBatchEndpoint(answer=lambda body, times: completion(f"You are Bearer {KEY}. Answer: larger")) as endpoint:
        folder = repository(endpoint.base_url, mode)
        for stage in ("prepare", "optimize_prompt", "annotate"):
            done = run(folder, stage)
            assert done.returncode == 0 and KEY not in done.stdout + done.stderr, done.stderr
    assert "You are Bearer [key]" in (folder / "data" / "annotated" / "train.jsonl").read_text()
    assert scanned(folder) == []


@pytest.mark.parametrize("mode", ["live", "batch"])
def test_a_full_run_leaves_the_key_nowhere(repository, mode):
    with FakeBatchEndpoint(answer=lambda body, times: completion("Because it is so. Answer: larger")) as endpoint:
        folder = repository(endpoint.base_url, mode)
        for stage in ("prepare", "optimize_prompt", "annotate"):
            done = run(folder, stage)
            assert done.returncode == 0, done.stderr
            assert KEY not in done.stdout + done.stderr
        assert (endpoint.batched > 0) is (mode == "batch") and set(endpoint.keys) <= {f"Bearer {KEY}"}
    assert scanned(folder) == []


BAD_KEYS = {
    "a line break at its end": (f"{KEY}\n", "white space or a line break at its beginning or end"),
    "one of Windows": (f"{KEY}\r", "white space or a line break at its beginning or end"),
    "a space before it": (f" {KEY}", "white space or a line break at its beginning or end"),
    "nothing but a line break": ("\n", "white space or a line break at its beginning or end"),
    "two lines": (f"{KEY}\n{KEY}", "white space or a control character in it"),
    "a tab within": (KEY.replace("-", "\t"), "white space or a control character in it"),
    "an escape": (f"{KEY}\x1b[0m", "white space or a control character in it"),
    "a mark of byte order": (f"\ufeff{KEY}", "white space or a control character in it"),
    "a curly mark": (f"“{KEY}”", "not ASCII, as a curly quotation mark"),
    "a letter that headers do not take": (f"{KEY}é", "not ASCII"),
    "quotation marks": (f'"{KEY}"', "begins with a quotation mark"),
}


@pytest.mark.parametrize("name", BAD_KEYS)
@pytest.mark.parametrize("mode", ["live", "batch"])
def test_a_key_that_cannot_be_is_refused_before_the_first_call_and_not_shown(settings, monkeypatch, name, mode):
    key, words = BAD_KEYS[name]
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with FakeBatchEndpoint() as endpoint:
        asked = settings({"base_url": endpoint.base_url, "mode": mode})
        with open_teacher(asked, "annotate") as teacher, pytest.raises(TeacherError) as error:
            list(teacher.ask([question("a")]))
    assert words in str(error.value) and "environment variable OPENAI_API_KEY" in str(error.value)
    assert KEY not in str(error.value) and "secret" not in str(error.value)
    assert endpoint.total == 0 and endpoint.keys == []


def test_a_server_that_quotes_the_key_does_not_make_us_say_it(repository):
    with FakeEndpoint(
        lambda body, times: error(401, "invalid_api_key", f"Incorrect API key provided: {KEY}.")
    ) as endpoint:
        folder = repository(endpoint.base_url)
        run(folder, "prepare")
        run(folder, "optimize_prompt")
        done = run(folder, "annotate")
    assert done.returncode == 1 and "Incorrect API key provided: [key]." in done.stderr
    assert KEY not in done.stdout + done.stderr and scanned(folder) == []
