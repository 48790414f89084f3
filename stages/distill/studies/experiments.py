"""DVC's experiments and its queue, by the command line: the one place that calls it for studies."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from distill import paths
from distill.errors import UserError

QUEUED, RUNNING, FAILED = "Queued", "Running", "Failed"
# Where DVC's queue keeps its workers' process ids (dvc 3.67, dvc-task 0.40).
_WORKERS = Path(".dvc/tmp/exps/celery")
# Where its experiments have their checkouts, each in a folder of Python's `mkdtemp`.
CHECKOUTS = Path(".dvc/tmp/exps")
_LOCK = Path(".dvc/tmp/study.lock")
_STATES = (QUEUED, RUNNING, FAILED, "Success")


@dataclass(frozen=True)
class Queue:
    """What `dvc queue status` says: the state of each task by the experiment's name."""

    states: dict[str, str]

    def named(self, state: str) -> set[str]:
        return {name for name, own in self.states.items() if own == state}


def finished() -> dict[str, tuple[str, str]]:
    """Experiments that are kept here: name -> (its commit, the commit it was made from). Costs no start of DVC."""
    finished_experiments = {}
    for line in _run("git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps").splitlines():
        # refs/exps/<two letters>/<the rest of the baseline's hash>/<name>
        commit, parts = line.split()[0], line.split()[1].split("/")
        if len(parts) == 5 and len(parts[2] + parts[3]) == 40:
            finished_experiments[parts[4]] = (commit, parts[2] + parts[3])
    return finished_experiments


def metrics_at(commit: str, file: Path) -> dict[str, Any]:
    """A metrics file as an experiment left it; {} where it has none."""
    done = subprocess.run(["git", "show", f"{commit}:{file.as_posix()}"], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def cached_outs(commits: Iterable[str], out: Path) -> dict[str, Path]:
    """Where DVC's cache has an out as experiments left it: commit -> file, of those whose file is there."""
    folder = Path(dvc("cache", "dir").strip()) / "files" / "md5"
    places = {}
    for commit in commits:
        process = subprocess.run(["git", "show", f"{commit}:{paths.LOCK}"], capture_output=True, text=True)
        stages = yaml.load(process.stdout, Loader=yaml.CSafeLoader)["stages"] if process.returncode == 0 else {}
        for entry in (entry for stage in stages.values() for entry in stage.get("outs", [])):
            place = folder / entry["md5"][:2] / entry["md5"][2:]
            if entry["path"] == str(out) and place.is_file():
                places[commit] = place
    return places


def queue() -> Queue:
    """What is queued, runs, and failed."""
    lines = [line.split() for line in dvc("queue", "status").splitlines()]
    return Queue({words[1]: words[-1] for words in lines if len(words) >= 3 and words[-1] in _STATES})


def workers() -> int:
    """How many of the queue's workers are alive. Of DVC's own answer a busy worker can be missing: it has a second
    to reply."""
    return sum(_works(file.read_text()) for file in _WORKERS.glob("dvc-exp-worker-*.pid"))


def _works(pid: str) -> bool:
    try:
        return b"queue-worker" in Path(f"/proc/{int(pid)}/cmdline").read_bytes()
    except ValueError:
        return False
    except OSError:
        if Path("/proc/self").exists():
            return False
    command_line = subprocess.run(["ps", "-p", pid.strip(), "-o", "args="], capture_output=True, text=True).stdout
    return "queue-worker" in command_line


@contextmanager
def alone() -> Iterator[None]:
    """For as long as cells are queued and watched: two studies at once in one clone would queue the same cells.

    Raises UserError where another holds it, or where Git has no identity to commit experiments with. The system lets
    go of it when the process ends, however it ends.
    """
    if subprocess.run(["git", "var", "GIT_COMMITTER_IDENT"], capture_output=True).returncode:
        raise UserError(
            "experiments are commits, and Git does not know whose: `git config user.name …` and `git config"
            " user.email …`"
        )
    _LOCK.parent.mkdir(parents=True, exist_ok=True)
    with open(_LOCK, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError("another study runs in this clone; wait for it, or stop it with Ctrl-C there") from None
        yield


def put(name: str, overrides: Sequence[str], target: str) -> None:
    """Queues an experiment that runs `target` and what it needs."""
    dvc("exp", "run", "--queue", "--name", name, *(part for override in overrides for part in ("-S", override)), target)


def start(workers: int) -> None:
    """Starts so many workers, or as many as are missing. They outlive this process and its terminal."""
    dvc("queue", "start", "--jobs", str(workers))


def stop() -> None:
    """Workers end after the experiments that they are running."""
    dvc("queue", "stop")


def give_up(names: Iterable[str]) -> None:
    """Takes tasks that a dead worker left `Running` out of the queue, and ends what still runs of them."""
    for name in names:
        for force in ((), (), ("--force",), ("--force",)):
            # One call ends the process; the next finds it gone and marks the task as failed.
            dvc("queue", "kill", *force, name, check=False)
            if queue().states.get(name) != RUNNING:
                break
    remove(names)


def remove(names: Iterable[str]) -> None:
    """Takes failed tasks out of the queue's list."""
    if names := list(names):
        dvc("queue", "remove", *names, check=False)


def sweep() -> int:
    """Deletes the checkouts of experiments whose worker was killed, and says how many; call it while none is alive."""
    left = [folder for folder in CHECKOUTS.glob("tmp*") if folder.is_dir()]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def reason(name: str) -> str:
    """Why a task failed: what its stage said last before it ended, or DVC's own error, or that it left no log."""
    lines = [line.strip() for line in dvc("queue", "logs", name, check=False).splitlines() if line.strip()]
    errors = [number for number, line in enumerate(lines) if line.startswith("ERROR:")]
    if not errors:
        return lines[-1][:300] if lines else "it left no log"
    error, before = lines[errors[0]], lines[errors[0] - 1] if errors[0] else ""
    of_stage = "failed to run: " in error and not before.startswith((">", "Running stage", "Stage ", "Reproducing"))
    words = before if of_stage else error
    return words.removeprefix("ERROR: ")[:300]


def show(revisions: Iterable[str]) -> list[dict[str, Any]]:
    """`dvc exp show --json` of these baseline commits: the workspace, each commit, and its experiments."""
    wanted = [part for revision in sorted(set(revisions)) for part in ("--rev", revision)]
    text = dvc("exp", "show", "--json", "--hide-queued", "--hide-failed", *wanted)
    return json.loads(text[text.index("[") :])


def dvc(*arguments: str, check: bool = True) -> str:
    """What a DVC command prints. Raises UserError with its words where it fails and `check` is set.

    To a file and not a pipe, which the workers would hold open, and in a session of its own, so that Ctrl-C
    leaves a command that has begun to its end.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=_environment(),
            start_new_session=True,
        )
        out.seek(0)
        err.seek(0)
        if done.returncode and check:
            raise UserError(f"dvc {' '.join(arguments[:2])} failed: {(err.read() or out.read()).strip()[-600:]}")
        return out.read()


def _environment() -> Mapping[str, str]:
    """Workers take the environment of the command that starts them: this Python first on the path, no setting of
    a surrounding DVC run, and a store whose place does not depend on where a temporary run stands."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("DVC_")}
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    if store := kept.get("DISTILL_STORE"):
        kept["DISTILL_STORE"] = str(Path(store).expanduser().absolute())
    return kept


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"{' '.join(command[:2])} failed: {done.stderr.strip()}")
    return done.stdout
