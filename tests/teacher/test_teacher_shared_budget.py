"""A budget holds for all processes that share a store, whatever becomes of them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from distill.teacher.reservations import Amount, held_back, settle_dead
from distill.teacher.store import Store

ROOT = Path(__file__).parents[2]
BUDGET = 50


@pytest.fixture
def annotators(tmp_path, endpoint):
    """Starts four annotating processes, each in a folder of its own, on one store."""
    running = []

    def start(processes: int, **values: str) -> list[subprocess.Popen[str]]:
        values = {
            "provider": "openai", "base_url": endpoint.base_url, "optimizer": "fixed", "train_rows": "300",
            "validation_rows": "10", "test_rows": "10", "budget_calls": str(BUDGET), "stop_early": "false", **values,
        }  # fmt: skip
        params = (ROOT / "params.yaml").read_text()
        for name, value in values.items():
            params, replaced = re.subn(rf"^(  {name}:)[^#\n]*", rf"\1 {value}", params, count=1, flags=re.M)
            assert replaced, name
        for number in range(processes):
            folder = tmp_path / str(number)
            shutil.copytree(ROOT / "data" / "examples", folder / "data" / "examples")
            (folder / "params.yaml").write_text(params)
            for stage in ("prepare", "optimize_prompt"):
                subprocess.run([sys.executable, ROOT / "stages" / f"{stage}.py"], cwd=folder, check=True)
        environment = {**os.environ, "DISTILL_STORE": str(tmp_path / "store.sqlite")}
        for number in range(processes):
            running.append(
                subprocess.Popen(
                    [sys.executable, ROOT / "stages" / "annotate.py"], cwd=tmp_path / str(number), env=environment,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                )
            )  # fmt: skip
        return running

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_four_processes_pay_no_more_than_the_budget_together(annotators, endpoint, tmp_path):
    endpoint.until_at_once = 4  # no call is answered before several are in flight
    ends = [(process.communicate(timeout=120)[0], process.returncode) for process in annotators(4)]
    assert endpoint.total == BUDGET
    assert all(code == 1 and f"could pass runtime.budget_calls ({BUDGET}" in text for text, code in ends), ends
    with Store(tmp_path / "store.sqlite") as store:
        assert store.select("SELECT sum(calls), count(*) FROM payments")[0][0] == len(store) == BUDGET


def test_the_calls_of_a_killed_process_are_booked_at_the_most_they_may_cost(annotators, endpoint, tmp_path):
    endpoint.hold.clear()
    (process,) = annotators(1)
    endpoint.reached.wait()
    with Store(tmp_path / "store.sqlite") as store:
        held = held_back(store, simulated=False)[1]
        assert 4 <= held.calls <= 32 and held.tokens > 200 * held.calls
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert held_back(store, simulated=False) == (Amount(),) * 3
        assert settle_dead(store) == held.calls and settle_dead(store) == 0
        booked = store.select("SELECT stage, calls, tokens_in + tokens_out, lost FROM payments")
        assert {(stage, calls, lost) for stage, calls, _, lost in booked} == {("annotate", 1, 1)}
        assert len(booked) == held.calls and sum(tokens for _, _, tokens, _ in booked) == held.tokens
