"""A server of each kind, asked by the stage itself: what it billed is booked, and none ends in a traceback."""

from __future__ import annotations

import importlib
import json
import re
import shutil
from pathlib import Path

import pytest
from test_teacher_mixtures import BEHAVIOURS, Bill, booked

from distill.errors import UserError

ROOT = Path(__file__).parents[2]
ROWS = 12
USABLE = {
    "answer", "without usage", "thoughts outside completion_tokens", "absurd usage", "usage in words", "NaN", "parts",
}  # fmt: skip
# What the rows of a server come to that behaves in one way to every call, and the calls that it then bills.
RECORDED = {
    "null": ("empty", 24), "empty": ("empty", 24), "thought alone": ("empty", 24), "tool call": ("empty", 24),
    "no choices, billed": ("empty", 24), "broken off": ("empty", 24), "no resource": ("empty", 24),
    "cut at once": ("truncated", 12), "window full": ("truncated", 12), "sensitive": ("refusal", 12),
    "filter": ("refusal", 12), "refusal": ("refusal", 12), "content risk": ("refusal", 12),
    "too long": ("too_long", 12),
}  # fmt: skip
FAILED = {
    "no choices", "error in a 200", "billed error in a 200", "torn", "deep", "time-out", "rate limit", "server error",
    "a page",
}  # fmt: skip
STOPPED = {"connection cut": "start the server", "no credit": "add credit", "no parameter": "teacher.seed"}


@pytest.fixture
def stages(request, tmp_path, endpoint, store_path, monkeypatch):
    """Runs the stages up to annotate in a folder of its own; returns what it stopped with."""
    shutil.copytree(ROOT / "data" / "examples", tmp_path / "data" / "examples")
    params = (ROOT / "params.yaml").read_text()
    values = {
        "provider": "openai", "base_url": endpoint.base_url, "model": "fake", "optimizer": "fixed",
        "train_rows": str(ROWS), "validation_rows": "5", "test_rows": "5", "max_retries": "1",
        "max_tokens": "50",
    }  # fmt: skip
    if request.node.callspec.params.get("name") == "time-out":
        values["timeout_s"] = "0.1"
    for name, value in values.items():
        params, replaced = re.subn(rf"^(  {name}:)[^#\n]*", rf"\1 {value}", params, count=1, flags=re.M)
        assert replaced, name
    # Nobody but the train rows is asked.
    head, tail = params.split("\nannotate:\n")
    tail = re.sub(r"^(  (?:validation|test)_rows:)[^\n]*", r"\1 0", tail, flags=re.M)
    (tmp_path / "params.yaml").write_text(f"{head}\nannotate:\n{tail}")
    monkeypatch.chdir(tmp_path)

    def run(name: str) -> str:
        """What the stage stopped with; any error but a UserError is a traceback that a user would see."""
        try:
            importlib.import_module(name).main()
        except UserError as stop:
            return str(stop)
        return ""

    assert run("prepare") == run("optimize_prompt") == ""
    return run


def test_every_behaviour_is_tried():
    assert {*USABLE, *RECORDED, *FAILED, *STOPPED} == set(BEHAVIOURS)


class Always(Bill):
    """A server that does the same at every call, and counts what it bills."""

    def __init__(self, name: str):
        super().__init__([])
        self.behaviour = BEHAVIOURS[name]

    def __call__(self, body, times):
        if self.behaviour.billed is not None:
            self.calls += 1
        return self.behaviour.make()


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_the_stage_on_a_server_of_this_kind(stages, endpoint, store_path, name):
    endpoint.answer = server = Always(name)
    stop = stages("annotate")
    assert booked(store_path)[0] == server.calls
    if name in STOPPED:
        assert STOPPED[name] in stop and "What to do: " in stop
        return
    if name in FAILED:
        assert stop.startswith(f"{ROWS} of {ROWS} rows got no whole answer") and "run again" in stop
        return
    status, calls = RECORDED.get(name, ("no_label", ROWS))
    assert server.calls == calls
    if status in ("empty", "truncated"):
        assert stop.startswith(f"{ROWS} of {ROWS} rows got no whole answer") and "raise teacher.max_tokens" in stop
    else:
        rows = [json.loads(line) for line in Path("data/annotated/train.jsonl").read_text().splitlines()]
        assert {row["status"] for row in rows} == {status} and stop == ""
    assert stages("annotate") == stop and booked(store_path)[0] == server.calls, "nothing is asked or paid twice"
