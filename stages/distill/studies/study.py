"""A study from its file to its tables: what its front door does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

from distill import paths
from distill.errors import UserError
from distill.rows.files import read_object
from distill.settings import load_settings
from distill.studies import experiments
from distill.studies.cells import Cell, Expander, StudyPlan
from distill.studies.changes import result_settings
from distill.studies.factor_curve import factor_curve
from distill.studies.factor_figure import write_curve
from distill.studies.gathering import FAILED_STATUSES, cell_rows, observations
from distill.studies.inputs import Inputs
from distill.studies.kept import counted, keep_finished, kept_measures, stale_text
from distill.studies.machine import machine, machines_of
from distill.studies.pricing import UPPER, price_here
from distill.studies.rights import right_columns
from distill.studies.runner import Runner, StudyStopped
from distill.studies.study_file import read_study
from distill.studies.summary import by_arm, tuned_labels
from distill.studies.table import write_tables
from distill.studies.wording import arms_latex, arms_text, notes

_CONFIDENCE = 0.95
# Making a temporary checkout, starting four Python processes and collecting the experiment, on two cores.
OVERHEAD_SECONDS = 15.0


class Study:
    """One study file, and all that is known here about its cells: from experiments, and from its table unless that is
    to be forgotten. Raises UserError where the file cannot be used."""

    def __init__(self, file: Path, workers: int = 1, forget: bool = False):
        self.file, self.study, self.workers = file, read_study(file), workers
        self.settings = load_settings()
        self.table = paths.STUDIES / f"{file.stem}.json"
        self.kept_table = None if forget else self.table
        kept = kept_measures(self.table) if self.kept_table else {}
        self.runner = Runner(
            Expander(self.study, str(file), paths.PARAMS.read_text(encoding="utf-8"), Inputs()),
            workers,
            _say,
            kept,
        )

    def describe(self) -> None:
        """Every cell and its state, and how long those that are missing will take."""
        plan, done, states = self.runner.plan(), experiments.finished(), experiments.queue().states
        finished_runs, finished = self._known(plan, done), done.keys() | self.runner.kept.keys()
        expected = {cell.name: expected_seconds(cell, finished_runs) for cell in plan.cells}
        for cell in plan.cells:
            state = "finished" if cell.name in done else states.get(cell.name, "to run").lower()
            if cell.name in self.runner.kept and cell.name not in done:
                state = "finished elsewhere, and in the table"
            seconds = None if cell.name in finished else expected[cell.name]
            took = "" if seconds is None else f", about {_time(seconds)}"
            _say(f"{cell.name}  {cell.arm}, seed {cell.seed}: {state}{took}")
        for cell in plan.waiting:
            _say(f"{'(to come)':17}  {cell.arm}, seed {cell.seed}: its settings follow from {' and '.join(cell.needs)}")
        left = [expected[name] for name in expected if name not in finished]
        arms = len({cell.arm for cell in (*plan.cells, *plan.waiting)})
        _say(
            f"{self.file}: {len(plan.cells) + len(plan.waiting)} cells ({arms} arms, {len(self.study.seeds.values)}"
            f" seeds), {len(expected) - len(left)} finished; "
            + (
                "how long a cell takes is known once one is finished"
                if None in left
                else f"about {_time(sum(left) / self.workers)} for {len(left)} with {self.workers} at a time"
            )
            + (f", and more for the {len(plan.waiting)} to come" if plan.waiting else "")
        )

    def run(self) -> None:
        """Runs what is missing, then writes the tables."""
        self.describe()
        try:
            self.runner.run()
        except StudyStopped:
            raise UserError(
                "stopped: cells that run now end by themselves, the rest stays queued; the same command goes on"
            ) from None
        self.kept_table = self.table  # what could not be run again is not lost
        self.tabulate()

    def tabulate(self, latex: bool = False) -> None:
        """Gathers all cells from `dvc exp show --json`, writes the tables and prints the summary, in Markdown or LaTeX.
        Rows that the table has and that are finished stay where their experiments are not here, unless it is to be
        forgotten."""
        plan, done, states = self.runner.plan(), experiments.finished(), experiments.queue().states
        names = {cell.name for cell in plan.cells}
        baselines = {baseline for name, (_, baseline) in done.items() if name in names}
        # DVC shows an experiment that runs with the metrics of the commit that it began from.
        observed = (
            [observation for observation in observations(experiments.show(baselines)) if observation.name in done]
            if baselines
            else []
        )
        reasons = {
            name: experiments.reason(name)
            for name in sorted(names)
            if name not in done and states.get(name) == experiments.FAILED
        }
        unpriced: list[str] = []
        rows = cell_rows(plan, observed, states, reasons, price_here(self.settings, unpriced.append))
        judged = experiments.cached_outs([row["commit"] for row in rows if row.get("commit")], paths.JUDGED)
        rows = [
            row | {"baseline": done.get(row["cell"], (None, None))[1]} | right_columns(judged.get(row["commit"]))
            for row in rows
        ]
        machines = machines_of(self.kept_table)
        rows = keep_finished(rows, plan, self.kept_table)
        if any(row["usd_from"] == UPPER for row in rows):
            for why in unpriced:
                _say(why)
        references = {cell.arm: cell.reference for cell in (*plan.cells, *plan.waiting)}
        arms = by_arm(counted(rows), references, _CONFIDENCE)
        summary = {
            "question": self.study.question,
            "reference": self.study.reference,
            "references": references,
            "confidence": _CONFIDENCE,
            "made": {
                baseline: machines.get(baseline) or (machine() if baseline in baselines else None)
                for baseline in sorted({row["baseline"] for row in rows if row["baseline"]})
            },
            "arms": arms,
        }
        # With the columns of a row, all settings of its cell: the frontier reads them where the experiments are not.
        tuned = tuned_labels(arms, self.study.reference)
        summary |= {"tuned_labels": tuned, "settings": plan.cells[0].params, "seed_keys": list(self.study.seeds.keys)}
        written = write_tables(paths.STUDIES, self.file.stem, rows, summary)
        _say((arms_latex if latex else arms_text)(arms, _CONFIDENCE))
        for note in notes(arms, self.study.reference, tuned):
            _say(note)
        counts = Counter(row["status"] for row in rows)
        _say(
            f"{', '.join(f'{count} {status}' for status, count in sorted(counts.items()))}; in"
            f" {' and '.join(map(str, written))}"
        )
        for line in stale_text(rows):
            _say(line)
        for row in rows:
            if row["status"] in FAILED_STATUSES and row["reason"]:
                _say(f"{row['arm']}, seed {row['seed']}: {row['status']}: {row['reason']}")

    def plot(self) -> None:
        """Draws the committed table over the numeric setting that the study varies. Raises UserError where there is no
        table yet, or no such setting."""
        if not self.table.exists():
            raise UserError(f"{self.table}: no such file; `python stages/study.py {self.file} table` writes it")
        curve = factor_curve(self.study, read_object(self.table))
        for place in write_curve(curve, self.file.stem):
            _say(str(place))
        _say("`dvc plots show` has the curve too")

    def _known(
        self, plan: StudyPlan, done: Mapping[str, tuple[str, str]]
    ) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Settings and metrics/runtime.json of the cells that are finished, else of the workspace."""
        own = [
            (cell.params, experiments.metrics_at(done[cell.name][0], paths.RUNTIME_METRICS))
            for cell in plan.cells
            if cell.name in done
        ]
        return own or [
            (
                result_settings(self.settings),
                read_object(paths.RUNTIME_METRICS) if paths.RUNTIME_METRICS.exists() else {},
            )
        ]


def expected_seconds(cell: Cell, runs: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> float | None:
    """Expected seconds of a cell. `known` are (settings, metrics/runtime.json) of finished runs: a step costs what it
    did on average in those of the same mode of training, or in all where there is none."""
    own: list[float] = []
    others: list[float] = []
    for params, runtime in runs:
        spent = sum(runtime.get(stage, {}).get("seconds", 0.0) for stage in ("subsample", "train", "evaluate"))
        if spent:
            (own if params["train"]["mode"] == cell.params["train"]["mode"] else others).append(spent / _steps(params))
    if not own and not others:
        return None
    return fmean(own or others) * _steps(cell.params) + OVERHEAD_SECONDS


def _steps(params: Mapping[str, Any]) -> int:
    return params["train"]["steps"] * params["train"]["seeds"]


def _time(spent: float) -> str:
    return str(timedelta(seconds=round(spent)))


def _say(text: str) -> None:
    print(text, flush=True)
