"""Room on the disk that is held while calls are in flight, so that their answers can be stored where it is full.

What is in flight as a disk fills up is paid. A few MiB, taken before the first call and given back as the first answer
finds no room, hold it all; then the run stops.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO

from distill.teacher.exchange import TeacherError
from distill.teacher.store import StoreError

RESERVE_BYTES = 4 * 2**20
_BLOCK = bytes(2**16)


class AnswersLost(TeacherError):
    """Paid answers that found no room, not even the reserve's."""


class Reserve:
    """Takes the room in a file without a name, which goes with the process however that ends.

    Raises StoreError where there is not so much: before anything is asked.
    """

    def __init__(self, store: Path):
        self._file: IO[bytes] | None = None
        try:
            self._file = tempfile.TemporaryFile(dir=store.parent, buffering=0)  # noqa: SIM115 - held until `give_back`
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._file.fileno(), 0, RESERVE_BYTES)
            else:
                for _ in range(RESERVE_BYTES // len(_BLOCK)):
                    self._file.write(_BLOCK)
        except OSError as error:
            self.give_back()
            raise StoreError(
                f"{store}: {RESERVE_BYTES // 2**20} MiB beside it, for answers in flight as a disk fills up, cannot be"
                f" had ({error.strerror}): make room, or name another place in DISTILL_STORE. Nothing was asked"
            ) from error

    def give_back(self) -> bool:
        """Frees the room; False where it is free already."""
        if self._file is None:
            return False
        self._file.close()
        self._file = None
        return True
