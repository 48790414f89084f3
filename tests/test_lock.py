"""What dvc.lock says, read without DVC; tests/annotation/test_planning.py holds it against the real DVC."""

from __future__ import annotations

import hashlib
import json

import pytest
import yaml

from distill.errors import UserError
from distill.lock import check_dvc_files, content_hash, has_result, locked_stages, refuse_to_pay_again, why_stale


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code/sub/__pycache__").mkdir(parents=True)
    for name, text in (("code/b.py", "b"), ("code/sub/a.py", "a"), ("code/sub/__pycache__/a.pyc", "x"), ("in", "i")):
        (tmp_path / name).write_text(text)
    (tmp_path / "code/sub/notes.md").write_text("n")
    (tmp_path / "out").write_text("o")
    (tmp_path / ".dvcignore").write_text("__pycache__\n# notes\ncode/**/*.md\n")
    (tmp_path / "params.yaml").write_text("task: {rate: 2e-3, name: null, columns: [a, b], text: 'yes'}\n")
    files = [{"md5": md5("b"), "relpath": "b.py"}, {"md5": md5("a"), "relpath": "sub/a.py"}]
    code = md5(json.dumps(files)) + ".dir"
    entry = {
        "deps": [{"path": "in", "md5": md5("i")}, {"path": "code", "md5": code}],
        "params": {"params.yaml": {"task": {"rate": 0.002, "name": None, "columns": ["a", "b"], "text": "yes"}}},
        "outs": [{"path": "out", "md5": md5("o")}],
    }
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"first": entry}}))
    return tmp_path


def test_a_folders_hash_is_of_its_files_but_those_that_dvcignore_names(folder):
    assert why_stale("first") is None
    (folder / "code/sub/notes.md").write_text("changed")
    assert why_stale("first") is None
    assert content_hash(folder / "in") == md5("i")


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("params.yaml", "task: {rate: 3e-3, name: null, columns: [a, b], text: 'yes'}", "task.rate has changed"),
        ("params.yaml", "task: {rate: 2e-3, name: x, columns: [a, b], text: 'yes'}", "task.name has changed"),
        ("params.yaml", "task: {rate: 2e-3, name: ~, columns: [a], text: 'yes'}", "task.columns has changed"),
        ("params.yaml", "task: {rate: 2e-3, name: ~, columns: [a, b]}", "task.text has changed"),
        ("params.yaml", "task: {rate: 2e-3, name: , columns: [a, b], text: yes, new: 1}", "task.new has changed"),
        ("in", "other", "in has changed"),
        ("code/sub/a.py", "other", "code has changed"),
        ("out", "other", "out has changed"),
    ],
)
def test_what_has_changed_is_named(folder, name, text, why):
    (folder / name).write_text(text)
    assert why_stale("first") == why


def test_what_is_missing_is_named(folder):
    (folder / "out").unlink()
    assert why_stale("first") == "out is missing"
    assert why_stale("second") == "second has not run yet"
    (folder / "dvc.lock").unlink()
    assert why_stale("first") == "first has not run yet"


def test_a_result_is_known_whose_files_are_elsewhere(folder):
    lock = yaml.safe_load((folder / "dvc.lock").read_text())
    second = {"deps": [{"path": "out", "md5": md5("o")}], "params": {}, "outs": [{"path": "end", "md5": md5("e")}]}
    lock["stages"]["second"] = second
    (folder / "dvc.lock").write_text(yaml.safe_dump(lock))
    (folder / "out").unlink()
    assert why_stale("second") == "out is missing" and has_result("first") and has_result("second")
    with pytest.raises(UserError, match=r"(?s)result of second .*`git checkout \. && dvc pull`.*up to 7 calls"):
        refuse_to_pay_again("second", 7)
    refuse_to_pay_again("second", 0)
    refuse_to_pay_again("third", 7)
    (folder / "out").write_text("other")
    assert not has_result("second")
    (folder / "out").unlink()
    (folder / "in").write_text("other")
    assert not has_result("first") and not has_result("second"), "what it was made of has changed"
    refuse_to_pay_again("second", 7)


WHOLE = (
    "schema: '2.0'\nstages:\n  first:\n    cmd: python stages/first.py\n    outs:\n    - path: out\n      hash: md5\n"
    "      md5: 0cc175b9c0f1b6a831c399e269772661\n      size: 1\n"
)
CHECKOUT = "`git checkout dvc.lock` brings the last committed one back (where none was committed, delete the file)"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", f"dvc.lock: is empty or cut, as where DVC was killed. {CHECKOUT}"),
        (b"schema: '2.0'\nst", f"dvc.lock:2: is cut or garbled, as where DVC was killed. {CHECKOUT}"),
        (b"schema: '2.0'\nstages:\n  first", f"dvc.lock: is empty or cut, as where DVC was killed. {CHECKOUT}"),
        (WHOLE[:-4].encode(), f"dvc.lock:9: is cut or garbled, as where DVC was killed. {CHECKOUT}"),
        (WHOLE[:60].encode() + b"\xb0\xff", f"dvc.lock: is no text from byte 60 on. {CHECKOUT}"),
        (
            f"<<<<<<< HEAD\n{WHOLE}=======\n{WHOLE}>>>>>>> other\n".encode(),
            "dvc.lock: holds the marks of a merge. `git checkout --ours dvc.lock && git add dvc.lock`",
        ),
    ],
)
def test_a_lock_that_dvc_cannot_read_is_told_with_what_to_do(folder, content, message):
    (folder / "dvc.lock").write_bytes(content)
    for look in (locked_stages, lambda: why_stale("first"), lambda: has_result("first")):
        with pytest.raises(UserError) as refused:
            look()
        assert str(refused.value).startswith(message)


def test_a_sound_lock_and_none_at_all_are_read(folder):
    (folder / "dvc.lock").write_text(WHOLE)
    assert list(locked_stages()) == ["first"]
    (folder / "dvc.lock").write_text("schema: '2.0'\n")
    assert locked_stages() == {}
    (folder / "dvc.lock").unlink()
    assert locked_stages() == {}


def test_an_empty_folder_of_the_run_cache_on_which_dvc_fails_is_told(folder):
    (folder / "dvc.lock").write_text(WHOLE)
    empty = folder / ".dvc/cache/runs/ab" / ("ab" * 32)
    empty.mkdir(parents=True)
    with pytest.raises(UserError, match=r"^\.dvc/cache/runs/ab/(ab){32}: is empty.*`find \.dvc/cache/runs -type d -em"):
        check_dvc_files()
    (empty / "result").write_text("cmd: x")
    (empty.parent / ".half.tmp").write_text("a file that DVC had begun")
    assert "nothing keeps DVC from running" in check_dvc_files()


@pytest.mark.parametrize("content", ["", '{"write": {"/clone/da', "null"])
def test_a_list_of_running_processes_that_dvc_cannot_read_is_told(folder, content):
    (folder / "dvc.lock").write_text(WHOLE)
    (folder / ".dvc/tmp").mkdir(parents=True)
    running = folder / ".dvc/tmp/rwlock"
    running.write_text(content)
    with pytest.raises(UserError, match=r"^\.dvc/tmp/rwlock: is cut.*when none does, `rm \.dvc/tmp/rwlock`, then"):
        check_dvc_files()
    for sound in ("{}", '{"write": {"/clone/out": {"pid": 1, "cmd": "dvc repro"}}}'):
        running.write_text(sound)
        assert check_dvc_files() == "dvc.lock: sound, with the results of 1 stages; nothing keeps DVC from running"
