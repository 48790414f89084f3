"""How a stage starts and ends: errors that a person can mend without a traceback, seconds on record."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from distill import paths
from distill.errors import UserError, disk_fault
from distill.interrupts import ends_in_order, exit_status
from distill.parents import PARENT
from distill.rows.files import merge_metrics
from distill.settings.loader import with_line
from distill.settings.student import StudentSettings
from distill.visible import visible, visible_output

_GOES_ON = "stopped; the next run goes on from what is stored"


def run_front_door(name: str, work: Callable[[], int | None]) -> None:
    """Runs a script that is no stage, and exits with what `work` returns, if anything. What a person can mend ends it
    in one line; Ctrl-C and `| head` in none.
    """
    try:
        with _ended_in_one_line(name), ends_in_order():
            code = work()
        sys.exit(code)
    except BrokenPipeError:
        # The interpreter must not try to flush what nobody reads.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def in_one_line(description: str) -> str:
    """What a script does, from the first line of its docstring, as the end of a line that begins with its name."""
    line = description.strip().partition("\n")[0]
    return line[:1].lower() + line[1:]


def run_stage(name: str, work: Callable[[], Mapping[str, Any] | None], *, takes_arguments: bool = False) -> None:
    """Runs a stage. What `work` returns (money paid, rows a second) goes to metrics/runtime.json with the seconds.

    params.yaml tells a stage everything: asked for help it says what it is, and given any other argument it stops,
    before it does or pays for anything. `takes_arguments` leaves them to `work`.
    """
    if not takes_arguments:
        description = sys.modules["__main__"].__doc__
        argparse.ArgumentParser(
            f"{name}.py", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
        ).parse_args()
    first = os.environ.get("RANK", "0") == "0"  # of the processes that train together, the first one speaks
    if "RANK" not in os.environ:  # those that train together were launched by one that has said it
        print(f"{name}: {in_one_line(sys.modules['__main__'].__doc__ or '')}", flush=True)
    started = time.perf_counter()
    # Those that train together are ended by the one that launched them, as each may wait for the others.
    if "RANK" in os.environ:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    with _ended_in_one_line(name, _GOES_ON), nullcontext() if "RANK" in os.environ else ends_in_order():
        measured = work()
        if first:
            seconds = time.perf_counter() - started
            merge_metrics(paths.RUNTIME_METRICS, name, {"seconds": round(seconds, 1), **(measured or {})})
            print(f"{name}: done in {seconds:.1f} s", flush=True)


@contextmanager
def _ended_in_one_line(name: str, stopped: str = "") -> Iterator[None]:
    """What a person can mend ends the script in one line, and so does a disk that takes no more. After a signal the
    line is `stopped`, if anything.
    """
    try:
        with visible_output():
            yield
    except UserError as error:
        sys.exit(f"{name}: {visible(with_line(str(error)))}")
    except KeyboardInterrupt as interrupt:
        if stopped:
            print(f"{name}: {stopped}", file=sys.stderr, flush=True)
        sys.exit(exit_status(interrupt))
    except Exception as error:
        fault = disk_fault(error)
        if fault is None:
            raise
        sys.exit(f"{name}: {visible(fault)}")


def try_student(student: StudentSettings) -> None:
    """Loads a pretrained student to see whether it can be trained on the prepared rows: before the teacher is paid, as
    it may have been changed since `prepare`. Raises UserError where training would.
    """
    if student.name != "scratch":
        print(f"{student.name} is loaded to see whether it can be trained on these rows", flush=True)
        run_apart("distill.student.trial", f"student.name: loading {student.name!r}")


def run_apart(module: str, what: str) -> None:
    """Runs a module of the library in a process of its own, whose imports and memory this one is to be spared.

    Raises UserError with its last words where it fails; `what` it does begins them where it does not say so itself.
    """
    library = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [library, os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", module],
        env=os.environ | {"PYTHONPATH": path, PARENT: str(os.getpid())},
        stderr=subprocess.PIPE,
        text=True,
    )
    if not done.returncode:
        return
    *_, last = done.stderr.strip().splitlines() or [""]
    if done.returncode == 1 and last.startswith(f"{module}: "):
        raise UserError(last.removeprefix(f"{module}: "))
    ending = (
        f"signal {-done.returncode}, perhaps for want of memory"
        if done.returncode < 0
        else last[:300] or f"exit status {done.returncode}"
    )
    raise UserError(f"{what}: failed ({ending})")
