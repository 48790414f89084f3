"""Ctrl-C, SIGTERM (of containers and Slurm) and SIGHUP (of a terminal that closes): the first lets a process end in
good order, the second ends it at once.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from distill.parents import loss_noticed

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_LAST_S = 1.5  # from the second signal on, however the process hangs

_Handler = signal.Handlers | Callable[[int, FrameType | None], object] | int | None


class Interrupts:
    """Within a `with` block of the main thread, counts the signals, and calls `stop` with the count at each of them.

    A signal may come while what is to be stopped is still being built: who loops looks at `count` as well. `number` is
    the first signal's. A second one ends the process in _LAST_S, if `stop` has not done so. That the parent is gone
    counts as a first signal, and never as a second. The first of all writes `notice` to standard error.
    """

    def __init__(self, stop: Callable[[int], None], notice: str = ""):
        self._stop, self._notice = stop, notice
        self._before: dict[int, _Handler] = {}
        self.count, self.number = 0, int(signal.SIGINT)

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` has SIGHUP
                    self._before[number] = signal.signal(number, self._interrupted)
        return self

    def __exit__(self, *_: object) -> None:
        if self.count > 1 and self._before:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if loss_noticed() and self.count:
            return
        self.count += 1
        if self.count == 1:
            self.number = number
            if self._notice:
                print(self._notice, file=sys.stderr, flush=True)
        elif self.count == 2:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, _LAST_S)
        self._stop(self.count)


@contextmanager
def ends_in_order() -> Iterator[Interrupts]:
    """In the block every signal does what Ctrl-C does: it raises KeyboardInterrupt, so that what is half-written is
    taken away. A second one ends the process where it stands.
    """

    def stop(count: int) -> None:
        if count == 1:
            raise KeyboardInterrupt(interrupts.number)
        signal.signal(interrupts.number, signal.SIG_DFL)
        signal.raise_signal(interrupts.number)

    interrupts = Interrupts(stop)
    with interrupts:
        yield interrupts


def exit_status(interrupt: KeyboardInterrupt) -> int:
    """What a shell has for a process that a signal ended: 130 after Ctrl-C, 143 after SIGTERM."""
    return 128 + int(interrupt.args[0] if interrupt.args else signal.SIGINT)
