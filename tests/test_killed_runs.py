"""Annotate under the real DVC, stopped while calls are in flight: all ends, every call is stored, none is paid twice.

benchmarks/kill_test.py kills every stage, at random moments and some hundred times.
"""

from __future__ import annotations

import signal
import sys
import time

import pytest

from house import ROOT
from scratch import new

sys.path.insert(0, str(ROOT / "benchmarks"))
from killed_runs import Run, counting_server, stored_answers

pytestmark = pytest.mark.whole

NOHUP = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
ROWS = 60
SMALL = {
    "task.train_rows": ROWS, "task.validation_rows": 10, "task.test_rows": 10, "annotate.validation_rows": 0,
    "annotate.test_rows": 0, "prompt.optimizer": "fixed", "runtime.concurrency": 4, "teacher.provider": "openai",
}  # fmt: skip


@pytest.fixture(scope="module")
def teacher():
    """A server that takes 0.2 s an answer, 4 of which are in flight at any time, and its count of calls."""
    server, model = counting_server(ROOT / "data" / "examples" / "practice.yaml", 200.0)
    yield server, model
    server.close()


@pytest.fixture(scope="module")
def clone(tmp_path_factory, teacher):
    made = new(tmp_path_factory.mktemp("killed"), **SMALL, **{"teacher.base_url": teacher[0].base_url})
    assert made.repro("optimize_prompt") == ["prepare", "optimize_prompt"]
    made.commit("before annotate")
    return made


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("number", "whole_group", "most_lost"),
    [
        (signal.SIGINT, True, 0),
        (signal.SIGTERM, True, 0),
        pytest.param(signal.SIGHUP, True, 0, marks=pytest.mark.skipif(NOHUP, reason="started with nohup")),
        (signal.SIGKILL, True, 4),
        (signal.SIGTERM, False, 0),
        (signal.SIGKILL, False, 0),  # the stage finds its DVC gone, and ends in order
    ],
)
def test_a_stopped_annotate_pays_nothing_twice(clone, teacher, tmp_path, number, whole_group, most_lost):
    model, store = teacher[1], tmp_path / "responses.sqlite"
    before = model.calls
    clone.git("checkout", "-q", "dvc.lock")  # a stage whose result it has does not pay for it again
    run = Run(clone, ["-m", "dvc", "repro", "-f", "-s", "annotate"], store)
    until = time.monotonic() + 120
    while model.calls < before + 8 and run.members() and time.monotonic() < until:
        time.sleep(0.01)
    (run.signal_group if whole_group else run.signal_first)(number)
    assert run.wait(60) is not None, run.members()
    assert run.end() != 0
    calls, stored = model.calls - before, stored_answers(store)
    assert 8 <= calls < ROWS and calls - most_lost <= stored <= calls
    assert "Traceback" not in run.log.read_text()

    again = Run(clone, ["-m", "dvc", "repro", "-f", "-s", "annotate"], store)
    assert again.wait(120) is not None and again.end() == 0, again.log.read_text()
    assert model.calls - before == ROWS + calls - stored and stored_answers(store) == ROWS
