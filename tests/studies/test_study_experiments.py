"""What DVC's commands print, as read here. That they print it is tested with DVC itself in test_study_whole.py."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from distill.errors import UserError
from distill.studies import experiments

STATUS = """\
Task     Name           Created    Status
8ee30ad  cell-aa        08:31 PM   Running
ec32c22                 08:32 PM   Queued
03b67a7  cell-bb        Nov 22, 2026  Failed

Worker status: 1 active, 0 idle
"""
LOG = """\
Reproducing experiment 'fails'
Stage 'subsample' didn't change, skipping
Running stage 'train':
> python stages/train.py
train: no gradient today
ERROR: failed to reproduce 'train': failed to run: python stages/train.py, exited with 1
ERROR: failed to reproduce 'train': failed to run: python stages/train.py, exited with 1
"""


@pytest.fixture
def says(monkeypatch):
    return lambda text: monkeypatch.setattr(experiments, "dvc", lambda *arguments, check=True: text)


def test_states_of_the_queue_by_name(says):
    says(STATUS)
    queue = experiments.queue()
    assert queue.named("Running") == {"cell-aa"} and queue.named("Failed") == {"cell-bb"}
    says("No experiment tasks in the queue.\n\nWorker status: 0 active, 0 idle\n")
    assert experiments.queue().states == {}


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (LOG, "train: no gradient today"),
        (
            LOG.replace("train: no gradient today\n", ""),
            "failed to reproduce 'train': failed to run: python stages/train.py, exited with 1",
        ),
        ("Running stage 'train':\n> python stages/train.py\ntrain 3/20", "train 3/20"),
        ("", "it left no log"),
        (
            "Updating lock file 'dvc.lock'\nERROR: failed to reproduce 'subsample': no such folder",
            "failed to reproduce 'subsample': no such folder",
        ),
    ],
)
def test_a_failures_reason_is_its_stages_last_word(says, log, reason):
    says(log)
    assert experiments.reason("fails") == reason


def test_a_worker_is_alive_while_its_process_is(tmp_path, monkeypatch):
    monkeypatch.setattr(experiments, "_WORKERS", tmp_path)
    worker = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()", "queue-worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    worker.stdout.readline()
    (tmp_path / "dvc-exp-worker-1.pid").write_text(str(worker.pid))
    (tmp_path / "dvc-exp-worker-2.pid").write_text(str(os.getpid()))  # a number that is another process's by now
    (tmp_path / "dvc-exp-worker-3.pid").write_text("none")
    assert experiments.workers() == 1
    worker.communicate(b"\n")
    assert experiments.workers() == 0


def test_only_the_checkouts_of_experiments_are_swept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("tmpabc/stages", "tmpdef", "celery", "run", "cache", "standalone/tmpghi"):
        (experiments.CHECKOUTS / folder).mkdir(parents=True)
    (experiments.CHECKOUTS / "tmpfile").write_text("")
    assert experiments.sweep() == 2 and experiments.sweep() == 0
    assert sorted(one.name for one in experiments.CHECKOUTS.rglob("*")) == [
        "cache",
        "celery",
        "run",
        "standalone",
        "tmpfile",
        "tmpghi",
    ]


def test_workers_get_this_python_and_nothing_of_a_surrounding_run(monkeypatch, tmp_path):
    monkeypatch.setenv("DVC_ROOT", "/elsewhere")
    monkeypatch.setenv("DISTILL_STORE", "store/here.sqlite")
    monkeypatch.chdir(tmp_path)
    env = experiments._environment()
    assert "DVC_ROOT" not in env and env["PATH"].split(os.pathsep)[0] == os.path.dirname(sys.executable)
    assert env["DISTILL_STORE"] == str(tmp_path / "store/here.sqlite")


def test_a_command_that_dvc_refuses_is_told_in_its_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"dvc queue status failed: .*not inside of a DVC repository"):
        experiments.queue()


def test_experiments_are_found_among_gits_references(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    run = lambda *command: subprocess.run(["git", *command], check=True, capture_output=True, text=True).stdout.strip()  # noqa: E731
    run("init", "-q")
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/train.json").write_text('{"steps": 3}')
    run("add", "-A")
    run("-c", "user.name=t", "-c", "user.email=t@example.invalid", "commit", "-q", "-m", "state")
    head = run("rev-parse", "HEAD")
    run("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/cell-aa", head)
    run("update-ref", "refs/exps/celery/stash", head)
    assert experiments.finished() == {"cell-aa": (head, head)}
    assert experiments.metrics_at(head, experiments.Path("metrics/train.json")) == {"steps": 3}
    assert experiments.metrics_at(head, experiments.Path("metrics/none.json")) == {}


def test_one_study_at_a_time_and_only_with_an_identity(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for who in ("AUTHOR", "COMMITTER"):
        for what in ("NAME", "EMAIL"):
            monkeypatch.setenv(f"GIT_{who}_{what}", "someone")
    with experiments.alone(), pytest.raises(UserError, match="another study runs in this clone"), experiments.alone():
        pass
    with experiments.alone():
        pass
    for name in ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "")
    with pytest.raises(UserError, match="Git does not know whose"), experiments.alone():
        pass
