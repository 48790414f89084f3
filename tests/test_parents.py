"""A process of a run ends with the one that started it, killed or not; what a person started does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from house import STAGES

SLEEPER = (
    f"import sys; sys.path.insert(0, {str(STAGES)!r}); import distill, time; print('up', flush=True); time.sleep(60)"
)


def started(code: str, **env: str) -> subprocess.Popen:
    """A Python, once it has said that it is up."""
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ | env, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"up\n"
    return process


@pytest.mark.parametrize(("env", "number"), [({}, signal.SIGTERM), ({"RANK": "1"}, signal.SIGKILL)])
def test_a_helper_ends_with_its_killed_stage(env, number):
    with subprocess.Popen(["sleep", "60"]) as parent:
        helper = started(SLEEPER, DISTILL_PARENT=str(parent.pid), **env)
        assert helper.poll() is None
        parent.kill()
        assert helper.wait(20) == -number


def test_a_helper_whose_stage_is_gone_before_it_is_up_ends_too():
    with subprocess.Popen(["true"]) as parent:
        parent.wait()
        helper = subprocess.Popen([sys.executable, "-c", SLEEPER], env=os.environ | {"DISTILL_PARENT": str(parent.pid)})
        assert helper.wait(20) == -signal.SIGTERM


@pytest.mark.parametrize("shell", [(), ("sh", "-c")])
def test_a_stage_ends_with_its_killed_dvc_behind_a_shell_too(tmp_path, shell):
    """The one in the middle stands for DVC: it starts the stage as DVC does, in a shell or without one."""
    script = tmp_path / "stage.py"
    script.write_text(SLEEPER.replace("print('up', flush=True)", "import os; print(os.getpid(), flush=True)"))
    command = [sys.executable, str(script)]
    command = ["sh", "-c", f"{sys.executable} {script}; true"] if shell else command
    dvc = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess; subprocess.run({command!r})"],
        env=os.environ | {"DVC_STAGE": "train"},
        stdout=subprocess.PIPE,
    )
    stage = int(dvc.stdout.readline())
    dvc.kill()
    dvc.wait()
    assert dvc.stdout.read() == b""  # the pipe closes as the last of them ends
    assert not Path(f"/proc/{stage}/exe").exists()


def test_what_a_person_started_outlives_its_shell():
    process = subprocess.Popen(
        ["sh", "-c", f'{sys.executable} -c "{SLEEPER.replace("60", "1")}" & echo $!'], stdout=subprocess.PIPE, text=True
    )
    pid = int(process.stdout.readline())
    assert process.wait(20) == 0 and process.stdout.readline() == "up\n"
    os.kill(pid, signal.SIGTERM)


def test_two_signals_end_a_process_that_hangs():
    """As one that waits for a lock that never comes, in code that sees no exception."""
    code = (
        f"import sys; sys.path.insert(0, {str(STAGES)!r})\n"
        "from distill.interrupts import Interrupts\n"
        "import threading, time\n"
        "with Interrupts(lambda count: None, 'stopping'):\n"
        "    print('up', flush=True)\n"
        "    while True: time.sleep(1)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGTERM)
    assert process.stderr.readline() == "stopping\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == -signal.SIGALRM
