"""The runner against a queue that works at a word: waves, interruptions, crashes, workers that die."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest
from study_repository import expander

from distill.errors import UserError
from distill.studies import experiments, runner
from distill.studies.runner import Runner, StudyStopped, cells_to_run_first

CONTROLS = {
    "controls": "[label_only, matched_compute]",
    "seeds": "{keys: [train.seed], values: [1, 2]}",
    "settings": "{train.steps: 100}",
}


class Desk:
    """DVC's queue and experiments: a look at `workers` finishes the next task. `crashing` tasks fail; the worker
    dies once at the `dying` one; at the `interrupting` one the person presses Ctrl-C."""

    def __init__(self, monkeypatch):
        self.states, self.order, self.done, self.alive = {}, [], {}, False
        self.crashing, self.dying, self.interrupting, self.idle = set(), None, None, False
        self.stopped, self.given_up, self.left = 0, [], 0
        for name in (
            "alone",
            "finished",
            "queue",
            "put",
            "start",
            "workers",
            "stop",
            "metrics_at",
            "reason",
            "give_up",
            "remove",
            "sweep",
        ):
            monkeypatch.setattr(experiments, name, getattr(self, name))
        monkeypatch.setattr(runner, "LOOK_SECONDS", 0)
        monkeypatch.setattr(runner, "ASK_SECONDS", 0)

    def alone(self):
        return contextlib.nullcontext()

    def finished(self):
        return {name: (name, "baseline") for name in self.done}

    def queue(self):
        return experiments.Queue(dict(self.states))

    def put(self, name, overrides, target):
        assert target == "evaluate" and self.states.get(name) is None and name not in self.done
        self.states[name] = "Queued"
        self.order.append((name, overrides))

    def start(self, workers):
        self.alive = not self.idle

    def workers(self):
        waiting = [name for name, state in self.states.items() if state == "Queued"]
        if not self.alive or not waiting:
            return 0
        name = waiting[0]
        if name == self.dying:
            self.states[name], self.dying, self.alive, self.left = "Running", None, False, 1
            return 0
        if name == self.interrupting:
            self.interrupting = None
            os.kill(os.getpid(), signal.SIGINT)
        self.states[name] = "Failed" if name in self.crashing else "Success"
        if name not in self.crashing:
            self.done[name] = True
        return 1

    def stop(self):
        self.stopped += 1
        self.alive = False

    def metrics_at(self, commit, file):
        mode = 0.25 if dict(self.order)[commit].count("train.mode=standard") else 1.0
        return {"compute": {"gflop_per_step": mode}, "student": {"label": {"accuracy": 0.5}}}

    def reason(self, name):
        return "train: out of luck"

    def sweep(self):
        assert not (self.alive and "Queued" in self.states.values()), "a worker is at work in one of them"
        left, self.left = self.left, 0
        return left

    def give_up(self, names):
        self.given_up += names
        self.remove(names)

    def remove(self, names):
        for name in names:
            del self.states[name]


@pytest.fixture
def desk(monkeypatch):
    return Desk(monkeypatch)


def make(tmp_path, said, workers=1, **parts):
    return Runner(expander(tmp_path, **parts), workers, said.append)


def test_what_decides_another_arms_steps_runs_first_and_all_cells_run_once(tmp_path, desk):
    said: list[str] = []
    study = make(tmp_path, said, **CONTROLS)
    study.run()
    plan = study.plan()
    assert not plan.waiting and {cell.name for cell in plan.cells} == desk.done.keys() and len(desk.order) == 6
    assert [set(overrides) for _, overrides in desk.order[:2]] == [
        {"train.steps=100", "train.seed=1"},
        {"train.steps=100", "train.mode=standard", "train.seed=1"},
    ]
    assert sum("train.steps=400" in overrides for _, overrides in desk.order) == 2
    assert [line for line in said if line.startswith("6 of 6: ")]
    assert said[0] == "2 cells wait for 2, which decide their settings or prepare what they share"


def test_a_finished_study_runs_nothing_again(tmp_path, desk):
    make(tmp_path, [], **CONTROLS).run()
    ran = len(desk.order)
    make(tmp_path, [], **CONTROLS).run()
    assert len(desk.order) == ran
    make(tmp_path, [], **CONTROLS | {"arms": "{step_by_step: {}, more: {train.batch_rows: 8}}"}).run()
    assert len(desk.order) == ran + 2, "an arm that is added runs alone"


def test_a_crashed_cell_is_told_with_its_reason_and_tried_again_by_the_next_start(tmp_path, desk):
    said: list[str] = []
    study = make(tmp_path, said)
    crashing = study.plan().cells[0].name
    desk.crashing = {crashing}
    study.run()
    assert "step_by_step, seed 1: crashed: train: out of luck" in said
    assert desk.done.keys() == {study.plan().cells[1].name}
    study.run()
    assert len(desk.order) == 3 and crashing not in desk.done, "once a start"
    desk.crashing = set()
    study.run()
    assert len(desk.order) == 4 and crashing in desk.done
    assert said.count("1 cells crashed before; they start again") == 2


def test_a_cell_that_was_cut_off_with_its_worker_runs_again(tmp_path, desk):
    said: list[str] = []
    study = make(tmp_path, said)
    desk.dying = study.plan().cells[0].name
    study.run()
    assert desk.given_up == [study.plan().cells[0].name]
    assert len(desk.done) == 2 and "1 cells were cut off with their worker; they start again" in said
    assert "deleted 1 temporary checkouts that dead workers left in .dvc/tmp/exps" in said


def test_ctrl_c_stops_the_workers_and_the_same_command_goes_on(tmp_path, desk):
    study = make(tmp_path, [])
    before = signal.getsignal(signal.SIGINT)
    desk.interrupting = study.plan().cells[0].name
    with pytest.raises(StudyStopped):
        study.run()
    assert desk.stopped == 1 and len(desk.done) == 1 and signal.getsignal(signal.SIGINT) == before
    make(tmp_path, []).run()
    assert len(desk.done) == 2 and len(desk.order) == 2, "what stayed queued is not queued twice"


def test_workers_that_finish_nothing_are_an_error_and_not_for_ever(tmp_path, desk):
    desk.idle = True
    with pytest.raises(UserError, match="the workers end and leave cells queued"):
        make(tmp_path, []).run()


def test_uncommitted_code_is_refused_before_anything_is_queued(tmp_path, desk, monkeypatch):
    study = make(tmp_path, [])
    monkeypatch.setattr(study.expander.inputs, "uncommitted", lambda every: ["params.yaml"])
    with pytest.raises(UserError, match=r"not committed: params\.yaml\. Every cell starts from the last commit"):
        study.run()
    assert not desk.order


def test_several_workers_begin_with_one_cell_for_each_way_of_asking(tmp_path):
    plan = expander(
        tmp_path, arms="{step_by_step: {}, primed: {annotate.priming: teacher}, small: {student.scratch.d_model: 32}}"
    ).plan()
    assert {(cell.arm, cell.seed) for cell in cells_to_run_first(plan.cells, plan, [], 2)} == {
        ("primed", 1),
        ("step_by_step", 1),
    }
    done = [cell.name for cell in plan.cells if cell.seed == 1 and cell.arm != "small"]
    assert cells_to_run_first(plan.cells, plan, done, 2) == plan.cells == cells_to_run_first(plan.cells, plan, [], 1)
