"""Runs the cells of a study through DVC's queue, and goes on where an interruption left it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from distill import paths
from distill.errors import UserError
from distill.studies import experiments
from distill.studies.cells import Cell, Expander, StudyPlan
from distill.studies.changes import override
from distill.studies.controls import GFLOP
from distill.studies.inputs import LAST_STAGE

LOOK_SECONDS, ASK_SECONDS = 1.0, 30.0  # between looks at Git's references, and at DVC's queue, which costs 2 s of work
RESTARTS = 3  # rounds of workers in a row that finish nothing

Say = Callable[[str], None]
Kept = Mapping[str, Mapping[str, float | None]]


class StudyStopped(Exception):
    """The person stopped the study; what runs goes on to its end, the rest stays queued."""


class Runner:
    """Keeps no state of its own: what is finished, queued, running or failed is asked of Git and DVC."""

    def __init__(self, expander: Expander, workers: int, say: Say, kept: Kept | None = None):
        """`kept`: what is known of cells from a table: they are not run again, also where the experiment is not in
        this clone."""
        self.expander, self.workers, self.say = expander, workers, say
        self.kept = kept or {}
        self._stop = False

    def plan(self) -> StudyPlan:
        """All cells, with the settings that finished cells decide."""
        done = experiments.finished()

        def measured(name: str, measure: str) -> float | None:
            return measured_at(done[name][0], measure) if name in done else self.kept.get(name, {}).get(measure)

        return self.expander.plan(measured)

    def run(self) -> None:
        """Until every cell is finished or has failed in this run; those that failed in an earlier one are tried again.

        Raises Stopped on Ctrl-C, UserError where nothing goes on.
        """
        if changed := self.expander.inputs.uncommitted(cell.params for cell in self.plan().cells):
            raise UserError(
                f"not committed: {', '.join(changed)}. Every cell starts from the last commit, so commit them first"
                " (settings for this study alone go under `settings`)"
            )
        before = [signal.signal(number, self._interrupted) for number in (signal.SIGINT, signal.SIGTERM)]
        try:
            with experiments.alone():
                self._rounds()
        finally:
            for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
                signal.signal(number, handler)

    def _rounds(self) -> None:
        if failed := experiments.queue().named(experiments.FAILED) & self._names():
            self.say(f"{len(failed)} cells crashed before; they start again")
            experiments.remove(failed)
        idle, ended = 0, -1
        while self._round():
            now = len(self._names() & (experiments.finished().keys() | experiments.queue().named(experiments.FAILED)))
            idle, ended = (idle + 1 if now == ended else 0), now
            if idle == RESTARTS:
                raise UserError("the workers end and leave cells queued; their words are in .dvc/tmp/exps/celery/*.out")

    def _names(self) -> set[str]:
        return {cell.name for cell in self.plan().cells}

    def _round(self) -> bool:
        """Queues what is missing and waits for it; False where nothing was left to do."""
        self._check_stop()
        plan, queue = self.plan(), self._mended()
        done = experiments.finished()
        pending = {cell.name for cell in plan.cells} & (
            queue.named(experiments.QUEUED) | queue.named(experiments.RUNNING)
        )
        ready = {
            cell.name: cell
            for cell in plan.cells
            if cell.name not in done.keys() | self.kept.keys() | queue.named(experiments.FAILED) | pending
        }
        wanted = list(ready.values())
        if not pending:
            wanted = cells_to_run_first(wanted, plan, done, self.workers)
        if waiting := len(ready) - len(wanted):
            self.say(f"{waiting} cells wait for {len(wanted)}, which decide their settings or prepare what they share")
        for number, cell in enumerate(wanted, 1):
            self.say(f"queueing {number} of {len(wanted)}: {cell.arm}, seed {cell.seed}")
            experiments.put(cell.name, [override(key, value) for key, value in cell.changes.items()], LAST_STAGE)
            self._check_stop()
        pending |= {cell.name for cell in wanted}
        if not pending:
            return False
        experiments.start(self.workers)
        self._watch(plan, pending)
        return True

    def _watch(self, plan: StudyPlan, pending: set[str]) -> None:
        """Until all `pending` cells have ended, or every worker has."""
        cells, last_look, working = {cell.name: cell for cell in plan.cells}, time.monotonic(), True
        while pending and working:
            self._check_stop()
            time.sleep(LOOK_SECONDS)
            working = experiments.workers() > 0
            done = experiments.finished()
            for name in sorted(pending & done.keys()):
                pending.discard(name)
                self._tell(plan, cells[name], done[name][0], done)
            if pending and (not working or time.monotonic() - last_look > ASK_SECONDS):
                queue, last_look = experiments.queue(), time.monotonic()
                for name in sorted(pending & queue.named(experiments.FAILED)):
                    pending.discard(name)
                    self.say(f"{cells[name].arm}, seed {cells[name].seed}: crashed: {experiments.reason(name)}")

    def _mended(self) -> experiments.Queue:
        """The queue without tasks that stand as running though every worker is gone: they are run again. What such
        workers left on disk is deleted."""
        queue = experiments.queue()
        left = queue.named(experiments.RUNNING)
        if left and not experiments.workers():
            self.say(f"{len(left)} cells were cut off with their worker; they start again")
            experiments.give_up(sorted(left))
            queue = experiments.queue()
        if not experiments.workers() and not queue.named(experiments.RUNNING) and (freed := experiments.sweep()):
            self.say(f"deleted {freed} temporary checkouts that dead workers left in {experiments.CHECKOUTS}")
        return queue

    def _tell(self, plan: StudyPlan, cell: Cell, commit: str, done: Iterable[str]) -> None:
        label = experiments.metrics_at(commit, paths.metrics("evaluate")).get("student", {}).get("label", {})
        seconds = experiments.metrics_at(commit, paths.RUNTIME_METRICS).get("train", {}).get("seconds")
        students = experiments.metrics_at(commit, paths.metrics("train")).get("seeds", {})
        failed = f"{students['failures']} of {students['count']} at chance" if students.get("failures") else ""
        number = sum(each.name in done for each in plan.cells)
        self.say(
            f"{number} of {len(plan.cells) + len(plan.waiting)}: {cell.arm}, seed {cell.seed}: "
            f"{100 * label.get('accuracy', float('nan')):.1f} %{f' ({failed})' if failed else ''}"
            + (f", trained in {seconds:.0f} s" if seconds else "")
        )

    def _interrupted(self, *_: Any) -> None:
        self._stop = True

    def _check_stop(self) -> None:
        if self._stop:
            experiments.stop()
            raise StudyStopped


def measured_at(commit: str, measure: str) -> float | None:
    """One of MEASURES of an experiment: 1e9 floating-point operations a step, or dollars of the train rows' answers."""
    if measure == GFLOP:
        return experiments.metrics_at(commit, paths.metrics("train")).get("compute", {}).get("gflop_per_step")
    return experiments.metrics_at(commit, paths.metrics("evaluate")).get("cost", {}).get("annotation", {}).get("usd")


def cells_to_run_first(wanted: list[Cell], plan: StudyPlan, done: Iterable[str], workers: int) -> list[Cell]:
    """Which of the cells to run before the others: those that decide another arm's settings; and with several workers
    one for each way in which stages before `subsample` differ, so that no two workers prepare the same rows or ask
    the same questions at once. All of them, where that is done."""
    needed = {name for cell in plan.waiting for name in cell.needs}
    if before := [cell for cell in wanted if cell.name in needed]:
        return before
    if workers > 1:
        prepared = {_upstream(cell) for cell in plan.cells if cell.name in done}
        if pilots := {_upstream(cell): cell for cell in reversed(wanted) if _upstream(cell) not in prepared}:
            return list(pilots.values())
    return wanted


def _upstream(cell: Cell) -> str:
    return repr([cell.params[section] for section in ("task", "teacher", "prompt", "annotate")])
