"""Ctrl-C and SIGTERM (of containers and Slurm): the first finishes what is in flight, the second stops at once."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Within a `with` block of the main thread, counts the signals, and calls `stop` with the count at each of them.

    A signal may come while what is to be stopped is still being built: who loops looks at `count` as well.
    """

    def __init__(self, stop: Callable[[int], None]):
        self._stop = stop
        self._before: list[signal.Handlers | Callable[[int, FrameType | None], object] | int | None] = []
        self.count = 0

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = [signal.signal(number, self._interrupted) for number in _SIGNALS]
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in zip(_SIGNALS, self._before, strict=False):
            signal.signal(number, handler)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count == 1:
            print(
                "\nstopping: calls in flight are finished and stored; Ctrl-C again stops at once",
                file=sys.stderr,
                flush=True,
            )
        self._stop(self.count)
