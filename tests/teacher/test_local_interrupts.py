"""However the process that asks a local teacher ends, the server ends too; after one signal, when no call is left."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from small_model import MODEL, SHA256, small_model

from distill.teacher.store import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="waits for processes by their pidfd")

SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path[:0] = [{stages!r}, {tests!r}]
from fake_endpoint import question
from distill.settings import load_settings
from distill.settings.runtime import LocalServerSettings
from distill.settings.teacher import LocalModelSettings
from distill.running import run_stage
from distill.teacher import open_teacher
from distill.teacher.local.model import LocalModel
settings = load_settings(Path({params!r}))
settings = replace(
    settings,
    teacher=replace(settings.teacher, provider="local", model={model!r}, local=LocalModelSettings({sha256!r}, 256)),
    runtime=replace(settings.runtime, local=LocalServerSettings({file!r}, 2, 1)),
)
start = LocalModel._start
def noting(self, what):
    address = start(self, what)
    print(self._process.pid, flush=True)
    return address
LocalModel._start = noting
def ask():
    with open_teacher(settings, "annotate") as teacher:
        for reply in teacher.ask(question(f"row {{number}}", model={model!r}, max_tokens=8) for number in range(400)):
            print(reply.row_id, flush=True)
run_stage("annotate", ask, takes_arguments=True)
"""
STOPPING = "stopping: calls in flight are finished and stored; Ctrl-C again stops at once\n"


@pytest.fixture
def run(tmp_path):
    """A process, first of its group, that has its first answer, and the pidfd of the server that it started."""
    root = Path(__file__).parents[2]
    script = SCRIPT.format(
        stages=str(root / "stages"), tests=str(Path(__file__).parent), params=str(root / "params.yaml"), model=MODEL,
        sha256=SHA256, file=str(small_model()),
    )  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout.readline().startswith("annotate: ")
    server = os.pidfd_open(int(process.stdout.readline()))
    assert process.stdout.readline().startswith("row ")
    yield process, server
    process.kill()
    process.communicate()
    os.close(server)


def ended(server):
    return bool(select.select([server], [], [], 20)[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_finishes_the_calls_in_flight_and_ends_the_server(run, store_path, number):
    """As a terminal's Ctrl-C, and Slurm's end of time, which the server gets too."""
    process, server = run
    os.killpg(process.pid, number)
    assert STOPPING in iter(process.stderr.readline, "")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number and "Traceback" not in err
    assert ended(server)
    with Store(store_path) as store:
        assert 1 <= len(store) < 400 and store.select("SELECT sum(calls), sum(lost) FROM payments") == [(len(store), 0)]


def test_two_signals_end_both_at_once(run):
    process, server = run
    process.send_signal(signal.SIGINT)
    assert STOPPING in iter(process.stderr.readline, "")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode in (128 + signal.SIGINT, -signal.SIGINT) and ended(server)


def test_a_killed_process_takes_the_server_with_it(run):
    process, server = run
    process.kill()
    assert ended(server)
