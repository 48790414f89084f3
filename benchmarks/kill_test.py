"""Kills every stage at random moments, alone and under DVC, and compares what comes out with an undisturbed run.

run     python benchmarks/kill_test.py > metrics/kill_test.json    # 500 kills: the figures that the docs have
        python benchmarks/kill_test.py --kills 20
        python benchmarks/kill_test.py --seed 1 --epoch 7     # an epoch again, as a line about a failure names it

An epoch is a clone with a store of its own. Stage after stage is started and killed some times, then left to finish:

script  `python stages/STAGE.py`, which gets the signal
group   `dvc repro STAGE`; all its processes get the signal, as from a terminal's Ctrl-C
dvc     `dvc repro STAGE`; DVC alone gets it, as from a supervisor (SIGTERM and SIGKILL: while a stage runs DVC itself
        ignores SIGINT)

with SIGINT, SIGTERM (some of them twice) or SIGKILL. After each kill no process may be left; after one SIGINT or
SIGTERM every call that was made is stored; after a second one all has ended within 2 s. At its end all outs and
dvc.lock have the bytes of the undisturbed run, and the calls paid twice are those that SIGKILL, or a second signal,
found in flight: `runtime.concurrency` a kill at most. A file of DVC's own that a kill left half-written is mended as
`python stages/start.py --check` says, and counted.

Each failure is a line of JSON; the last line has the figures. Exits with 1 unless there are no failures.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import chdir, suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from killed_runs import ROOT, CountedModel, Run, counting_server, stored_answers
from tables import made_with

from distill import paths
from distill.errors import UserError
from distill.lock import check_dvc_files
from scratch import Repository, new

STAGES = ("prepare", "optimize_prompt", "annotate", "subsample", "train", "evaluate", "hand_over", "report")
WAYS = [
    *(("script", number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)),
    *(("group", number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)),
    *(("dvc", number) for number in (signal.SIGTERM, signal.SIGKILL)),
]
AT_ONCE, LATENCY_MS = 8, 50.0
KILLS_A_STAGE = 6
IN_ORDER_S, AT_ONCE_S = 30.0, 2.0
SMALL = {
    "task.train_rows": 120, "task.validation_rows": 24, "task.test_rows": 30,
    "prompt.steps": 2, "prompt.candidates": 2, "prompt.search_rows": 12, "prompt.holdout_rows": 12,
    "student.scratch.d_model": 16, "student.scratch.d_ff": 16, "student.scratch.vocabulary": 600,
    "student.scratch.encoder_layers": 1, "student.scratch.decoder_layers": 1,
    "train.steps": 40, "train.batch_rows": 8, "train.warmup_steps": 1, "train.evaluate_every": 10,
    "evaluate.rationale_rows": 3, "runtime.speed_rows": 0, "runtime.checkpoint_steps": 5,
    "runtime.concurrency": AT_ONCE, "teacher.provider": "openai", "teacher.endpoint_name": "simulated",
}  # fmt: skip


@dataclass
class Figures:
    kills: int = 0
    by_stage: Counter[str] = field(default_factory=Counter)
    by_way: Counter[str] = field(default_factory=Counter)
    too_late: int = 0
    calls: int = 0
    paid_twice: int = 0
    most_paid_twice_at_a_kill: int = 0
    longest_end_s: float = 0.0
    longest_end_of_two_s: float = 0.0
    files_of_dvc_mended: int = 0
    epochs: int = 0
    failures: int = 0


class Epoch:
    """One clone, brought stage by stage to its end by runs that are killed."""

    def __init__(self, clone: Repository, seed: int, number: int, model: CountedModel, figures: Figures):
        self.clone, self.model, self.figures = clone, model, figures
        self.name = {"seed": seed, "epoch": number}
        self.luck = random.Random(f"{seed} {number}")
        self.store = clone.home / "responses.sqlite"
        self.calls_before, self.paid_twice = model.calls, 0

    def fail(self, what: str, **where: object) -> None:
        self.figures.failures += 1
        print(json.dumps({"failure": what, **self.name, **where}), flush=True)

    def through(self, kills_a_stage: int, most_kills: int, seconds: dict[str, dict[str, float]]) -> None:
        for stage in STAGES:
            for _ in range(kills_a_stage):
                if self.figures.kills < most_kills:
                    way, number = self.luck.choice(WAYS)
                    self.kill(stage, way, number, seconds[stage])
            self.finish(stage)
        # Where a half-written dvc.lock was given up, a stage that no later one reads is missing in the new one.
        self.undisturbed("all", ["-m", "dvc", "repro"])

    def kill(self, stage: str, way: str, number: signal.Signals, seconds: dict[str, float]) -> None:
        command = [f"stages/{stage}.py"] if way == "script" else ["-m", "dvc", "repro", stage]
        twice = number != signal.SIGKILL and self.luck.random() < 0.3
        kind = "script" if way == "script" else "dvc"
        at_s, pause_s = self.luck.uniform(0.02, seconds[kind]), self.luck.random() / 4
        run = Run(self.clone, command, self.store)
        where = {"stage": stage, "way": way, "signal": number.name, "twice": twice, "at_s": round(at_s, 3)}
        if (lasted := run.wait(at_s)) is not None:
            self.figures.too_late += 1
            seconds[kind] = max(0.05, 0.9 * lasted)  # the next ones come earlier
            self.judge_status(run, where)
            return
        send = run.signal_first if way == "dvc" else run.signal_group
        send(number)
        if twice and run.wait(pause_s) is None:
            run.signal_group(number)
        lasted = run.wait(AT_ONCE_S if twice else IN_ORDER_S)
        if lasted is None:
            self.fail("processes are left", left=[_command(pid) for pid in run.members()], log=run.words(), **where)
        elif twice:
            self.figures.longest_end_of_two_s = max(self.figures.longest_end_of_two_s, round(lasted, 2))
        else:
            self.figures.longest_end_s = max(self.figures.longest_end_s, round(lasted, 2))
        self.figures.kills += 1
        self.figures.by_stage[stage] += 1
        self.figures.by_way[f"{way} {number.name}{' twice' if twice else ''}"] += 1
        self.judge_status(run, where)
        self.judge_calls(AT_ONCE if twice or number == signal.SIGKILL else 0, where | {"log": run.words()})
        self.mend()

    def judge_status(self, run: Run, where: dict) -> None:
        status, log = run.end(), run.words()
        if "Traceback" in log and str(self.clone.path / "stages") in log:
            self.fail("a traceback", status=status, log=log, **where)

    def judge_calls(self, may_lose: int, where: dict) -> None:
        """Calls whose answers are not stored: they will be paid twice."""
        self.model.settle(2 * LATENCY_MS / 1000)
        lost = self.model.calls - self.calls_before - stored_answers(self.store) - self.paid_twice
        if lost > may_lose:
            self.fail(f"{lost} calls are paid and not stored", **where)
        self.paid_twice += lost
        self.figures.most_paid_twice_at_a_kill = max(self.figures.most_paid_twice_at_a_kill, lost)

    def mend(self) -> None:
        """Does what `python stages/start.py --check` says, where DVC was killed as it wrote a file of its own."""
        while said := self.complaint():
            self.figures.files_of_dvc_mended += 1
            self.do(said)

    def complaint(self) -> str:
        with chdir(self.clone.path):
            try:
                check_dvc_files()
                return ""
            except UserError as error:
                return str(error)

    def do(self, said: str) -> None:
        if "`rm .dvc/tmp/rwlock`" in said:
            (self.clone.path / ".dvc/tmp/rwlock").unlink()
        elif str(paths.RUN_CACHE) in said:
            for folder in (self.clone.path / paths.RUN_CACHE).glob("*/*"):
                with suppress(OSError):
                    folder.rmdir()
        elif self.clone.git("ls-files", "dvc.lock"):
            self.clone.git("checkout", "-q", "dvc.lock")
        else:
            (self.clone.path / "dvc.lock").unlink()

    def finish(self, stage: str) -> None:
        self.undisturbed(stage, ["-m", "dvc", "repro", stage])
        if _hidden(self.clone.path):  # what a killed script half-wrote goes as the stage writes again
            self.undisturbed(stage, [f"stages/{stage}.py"])
        self.judge_calls(0, {"stage": stage})

    def undisturbed(self, stage: str, command: list[str]) -> None:
        run = Run(self.clone, command, self.store)
        if run.wait(300) is None or run.end() != 0:
            self.fail("does not go on", stage=stage, log=run.words())
            run.end()

    def judge(self, wanted: dict[str, bytes]) -> None:
        self.figures.epochs += 1
        self.figures.calls += self.model.calls - self.calls_before
        self.figures.paid_twice += self.paid_twice
        outs = results(self.clone)
        for name in sorted(wanted.keys() | outs.keys()):
            if wanted.get(name) != outs.get(name):
                self.fail("other bytes", out=name, difference=_difference(wanted.get(name), outs.get(name)))
        litter = [str(path.relative_to(self.clone.path)) for path in _hidden(self.clone.path)]
        if litter:
            self.fail("left over", files=litter)


def _difference(wanted: bytes | None, got: bytes | None) -> str:
    """The lines of a text that differ."""
    lines = [(text or b"").decode(errors="replace").replace(", ", ",\n").splitlines() for text in (wanted, got)]
    return "\n".join(difflib.unified_diff(*lines, "wanted", "got", n=0, lineterm=""))[:500]


def _hidden(root: Path) -> list[Path]:
    """What a stage writes under another name first."""
    return [path for folder in ("data", "metrics") for path in (root / folder).rglob(".*") if path.name != ".gitignore"]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[-200:]
    except OSError:
        return "ended"


def results(clone: Repository) -> dict[str, bytes]:
    """All outs, the page and metrics among them, and dvc.lock."""
    lock = yaml.safe_load((clone.path / "dvc.lock").read_text())
    outs = {out["path"] for stage in lock["stages"].values() for out in stage["outs"]}
    places = [clone.path / out for out in sorted(outs)]
    files = [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*")))]
    content = {str(file.relative_to(clone.path)): file.read_bytes() for file in files if file.is_file()}
    return content | {"dvc.lock": json.dumps(lock).encode()}


def measured(clone: Repository) -> tuple[dict[str, bytes], dict[str, dict[str, float]]]:
    """The results of a run that nobody kills, and the seconds of each stage, as a script and under DVC."""
    store, seconds = clone.home / "responses.sqlite", {}
    for stage in STAGES:
        seconds[stage] = {}
        for way, command in (("dvc", ["-m", "dvc", "repro", stage]), ("script", [f"stages/{stage}.py"])):
            run = Run(clone, command, store)
            began = time.monotonic()
            if run.wait(300) is None or run.end() != 0:
                raise SystemExit(f"{stage} fails undisturbed:\n{run.log.read_text()}")
            seconds[stage][way] = time.monotonic() - began
    return results(clone), seconds


def copied(template: Repository, place: Path) -> Repository:
    shutil.copytree(template.path, place / "clone", symlinks=True)
    (place / "home").mkdir()
    return Repository(place / "clone", place / "home")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--epoch", type=int, help="one epoch alone")
    parser.add_argument("--kills-a-stage", type=int, default=KILLS_A_STAGE, help="default: %(default)s")
    options = parser.parse_args()
    os.environ.pop("DVC_ROOT", None)
    figures, began = Figures(), time.monotonic()
    server, model = counting_server(ROOT / "data" / "examples" / "practice.yaml", LATENCY_MS)
    with tempfile.TemporaryDirectory(prefix="kill-test-") as folder:
        template = new(Path(folder) / "template", **SMALL, **{"teacher.base_url": server.base_url})
        wanted, seconds = measured(copied(template, _made(Path(folder) / "undisturbed")))
        number = options.epoch or 1
        while figures.kills < options.kills and (options.epoch is None or number == options.epoch):
            place = _made(Path(folder) / f"epoch-{number}")
            epoch = Epoch(copied(template, place), options.seed, number, model, figures)
            epoch.through(options.kills_a_stage, options.kills, seconds)
            epoch.judge(wanted)
            shutil.rmtree(place)
            number += 1
    server.close()
    seconds = round(time.monotonic() - began)
    print(json.dumps(vars(figures) | {"seconds": seconds, "made": made_with()}))
    sys.exit(1 if figures.failures else 0)


def _made(place: Path) -> Path:
    place.mkdir()
    return place


if __name__ == "__main__":
    main()
