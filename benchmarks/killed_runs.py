"""What benchmarks/kill_test.py kills: a stage or DVC as a group of processes, started from one warm Python, and the
teacher's server that counts the calls.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "stages"), str(ROOT / "tests")]

from distill.teacher.simulated.model import Model  # noqa: E402
from distill.teacher.simulated.server import Server  # noqa: E402
from scratch import Repository, warm_python  # noqa: E402

_LOOK_S = 0.005


class CountedModel(Model):
    """The simulated teacher, and how often it was asked."""

    def __init__(self, path: Path):
        super().__init__(path)
        self.calls, self._lock = 0, threading.Lock()

    def reply(self, content: bytes, sample: str) -> dict:
        with self._lock:
            self.calls += 1
        return super().reply(content, sample)

    def settle(self, seconds: float) -> None:
        """Returns once no call has come in for so long: those in flight at a kill are counted late."""
        calls = None
        while calls != self.calls:
            calls = self.calls
            time.sleep(seconds)


def counting_server(path: Path, latency_ms: float) -> tuple[Server, CountedModel]:
    """A server on a free port. A call counts when its answer is made: from then on a vendor bills it."""
    model = CountedModel(path)
    server = Server(model, latency_ms=latency_ms)
    server.start()
    return server, model


class Run:
    """`python COMMAND` in a repository, as a group of processes of its own, with its output in a file."""

    def __init__(self, repository: Repository, command: list[str], store: Path):
        self.log, self._pid = repository.home / "run.log", repository.home / "run.pid"
        self._pid.unlink(missing_ok=True)
        env = repository.env() | {"DISTILL_STORE": str(store), "WARM_GROUP": "1", "WARM_PID": str(self._pid)}
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [str(warm_python()), *command],
                cwd=repository.path,
                env=env | {"SHELL": "/bin/sh"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        self._wait_for_first(60)

    def _wait_for_first(self, seconds: float) -> None:
        """Until the first process has joined the group: before, no signal would reach it."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            with suppress(OSError, ValueError):
                if os.getpgid(int(self._pid.read_text())) == self.process.pid:
                    return
            time.sleep(_LOOK_S)

    def signal_group(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def signal_first(self, number: int) -> None:
        """To the first process alone: DVC, and none of its stages."""
        with suppress(ProcessLookupError, FileNotFoundError, ValueError):
            os.kill(int(self._pid.read_text()), number)

    def wait(self, seconds: float) -> float | None:
        """Until no process of the group is left; how long that took, None where some are left after `seconds`."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            self.process.poll()
            if not self.members():
                return time.monotonic() - began
            time.sleep(_LOOK_S)
        return None

    def members(self) -> list[int]:
        """The processes of the group that run, if only by a thread: one may still write as the first thread is dead."""
        members = []
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                _, _, group = _state(place)
                if int(group) == self.process.pid and any(_runs(thread) for thread in place.glob("task/[0-9]*")):
                    members.append(int(place.name))
        return members

    def words(self) -> str:
        """The end of what it said."""
        return self.log.read_text(errors="replace")[-2000:]

    def end(self) -> int:
        """The exit status, with whatever is left killed."""
        self.signal_group(signal.SIGKILL)
        return self.process.wait()


def _state(place: Path) -> list[str]:
    """State, parent and group of a process or thread in /proc."""
    return (place / "stat").read_text().rpartition(")")[2].split()[:3]


def _runs(thread: Path) -> bool:
    with suppress(OSError):
        return _state(thread)[0] not in "ZX"
    return False


def stored_answers(store: Path) -> int:
    """Read past our own code."""
    if not store.exists():
        return 0
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        try:
            return db.execute("SELECT count(*) FROM answers").fetchone()[0]
        except sqlite3.OperationalError:  # killed before it made its tables
            return 0
