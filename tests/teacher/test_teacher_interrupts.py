"""Ctrl-C, in a process of its own, as a person presses it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fake_endpoint import question

from distill.teacher import open_teacher
from distill.teacher.client import Client
from distill.teacher.store import Store

SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path[:0] = [{stages!r}, {tests!r}]
from fake_endpoint import question
from distill.settings import load_settings
from distill.teacher import open_teacher
from distill.teacher.client import Client
settings = load_settings(Path({params!r}))
settings = replace(
    settings,
    teacher=replace(settings.teacher, provider="openai", model="fake", base_url={base_url!r}),
    runtime=replace(settings.runtime, concurrency=4, timeout_s=30.0),
)
with open_teacher(settings, "annotate") as teacher:
    for reply in teacher.ask(question(f"row {{number:02d}}") for number in range(50)):
        print(reply.row_id, flush=True)
"""
STOPPING = "stopping: calls in flight are finished and stored; Ctrl-C again stops at once\n"


# Under nohup SIGHUP is ignored, by what is started there too.
HEARD = signal.getsignal(signal.SIGHUP) != signal.SIG_IGN
SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if HEARD else [])]


@pytest.fixture
def run(endpoint):
    """A process that asks fifty rows, four at a time, and is held in its first calls."""
    root = Path(__file__).parents[2]
    values = {"stages": str(root / "stages"), "tests": str(Path(__file__).parent), "params": str(root / "params.yaml")}
    endpoint.hold.clear()
    script = SCRIPT.format(**values, base_url=endpoint.base_url)
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert endpoint.reached.wait(60), "the process asked nothing"
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_finishes_and_stores_what_is_in_flight(endpoint, run, settings, store_path, number):
    run.send_signal(number)
    assert STOPPING in iter(run.stderr.readline, "")
    endpoint.hold.set()
    out, err = run.communicate(timeout=60)
    assert run.returncode == -signal.SIGINT and "Traceback" not in err
    assert len(out.splitlines()) == 4
    assert endpoint.total == 4 and len(Store(store_path)) == 4
    assert (
        "interrupted: 4 rows of this pass are answered and stored; missing: row 04, row 05, row 06, row 07, row 08, … "
        "(46 calls" in err
    )
    with open_teacher(settings(), "annotate") as teacher:
        assert len(list(teacher.ask(question(f"row {number:02d}") for number in range(50)))) == 50
    assert endpoint.total == 50


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_stops_at_once_and_leaves_no_claim(endpoint, run, store_path, number):
    run.send_signal(number)
    assert STOPPING in iter(run.stderr.readline, "")
    run.send_signal(number)
    out, err = run.communicate(timeout=60)
    assert run.returncode == -signal.SIGINT and out == "" and "Traceback" not in err
    assert "interrupted: 0 rows of this pass are answered and stored; missing: row 00," in err
    with Store(store_path) as store:
        assert len(store) == 0 and store.select("SELECT count(*) FROM claims") == [(0,)]
        # The server may have answered them, and bills them then.
        assert store.select("SELECT sum(calls), sum(lost) FROM payments") == [(4, 4)]


@pytest.mark.parametrize("signals", [1, 2])
def test_a_signal_while_the_client_is_built_is_not_lost(endpoint, settings, store_path, monkeypatch, capsys, signals):
    """As when somebody thinks better of it in the first second."""

    def interrupted(*arguments):
        for _ in range(signals):
            signal.raise_signal(signal.SIGINT)
        return Client(*arguments)

    monkeypatch.setattr("distill.teacher.opening.Client", interrupted)
    rows = [question(f"row {number:02d}") for number in range(64)]
    with open_teacher(settings(), "annotate") as teacher, pytest.raises(KeyboardInterrupt):
        list(teacher.ask(rows))
    with Store(store_path) as store:
        assert endpoint.total == len(store) <= 16 and store.select("SELECT count(*) FROM claims") == [(0,)]
    err = capsys.readouterr().err
    assert f"interrupted: {endpoint.total} rows of this pass are answered and stored; missing: row" in err
    assert f"({64 - endpoint.total} calls" in err
    with open_teacher(settings(), "annotate") as teacher, pytest.raises(KeyboardInterrupt):
        list(teacher.ask(rows))


def test_handlers_are_given_back(endpoint, settings):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with open_teacher(settings(), "annotate") as teacher:
        list(teacher.ask([question("a")]))
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
