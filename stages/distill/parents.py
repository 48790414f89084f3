"""A process of a run ends with the one that started it, however that ends: a stage with its DVC, a helper with its
stage.

A killed parent tells nobody. So a thread waits for its end (of its pidfd, where Linux has them) and then signals this
process: SIGTERM, at which a stage finishes and stores what is in flight; SIGKILL in one of several that train together,
as it may wait for another that is gone too, and has nothing to finish.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from pathlib import Path

# Who started a process, where it was one of ours.
PARENT = "DISTILL_PARENT"
_DVC = "DVC_STAGE"  # DVC sets it for the stages that it runs
_SHELLS = ("sh", "dash", "bash", "zsh", "fish", "ksh")
_LOOK_S = 0.5
_lost = threading.Event()


def end_with_parent() -> None:
    """Called once, at the first import of the library. Does nothing in a process that a person started."""
    parent = int(os.environ.get(PARENT, "0")) or (_starter() if _DVC in os.environ else 0)
    if parent:
        threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def loss_noticed() -> bool:
    """Whether the signal that has just come says that the parent is gone; true once."""
    was_lost = _lost.is_set()
    _lost.clear()
    return was_lost


def _starter() -> int:
    """The parent; behind a shell, which ends unnoticed if it is killed, the process that started that."""
    parent = os.getppid()
    try:
        name, _, fields = Path(f"/proc/{parent}/stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return parent
    return int(fields.split()[1]) if name in _SHELLS else parent


def _watch(parent: int) -> None:
    _wait_for_end(parent)
    if "RANK" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)
    _lost.set()
    os.kill(os.getpid(), signal.SIGTERM)


def _wait_for_end(parent: int) -> None:
    if parent == 1 and b"dvc" not in _command(parent):  # as it is who takes over from a parent that is gone
        return
    if sys.platform == "linux":
        try:
            select.select([os.pidfd_open(parent)], [], [])
            return
        except ProcessLookupError:
            return
        except OSError:  # an older kernel, or one that forbids it
            pass
    while True:
        try:
            os.kill(parent, 0)
        except ProcessLookupError:
            return
        except PermissionError:
            pass
        time.sleep(_LOOK_S)


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""
