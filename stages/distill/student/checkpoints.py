"""What the training of one student leaves on disk so that it can go on after a kill, and whether that is intact.

Each student has a folder, named by a hash of all that determines its training. It holds the newest checkpoint,
`step-N`, and in the end the student itself, `finished`. Both are written under another name and then renamed, with a
list of the hashes of their files. The folder is deleted when the whole run is finished.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

from distill.errors import UserError
from distill.rows.files import write_text

_MANIFEST, _FINISHED, _STEP, _UNSEALED = "manifest.json", "finished", "step-", "checkpoint-"
PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "peft")


class Checkpoints:
    """The folder of one student. Only the first process uses it."""

    def __init__(self, root: Path, key: str):
        self.key, self.folder = key, root / key
        self.lock: IO[str] | None = None

    def hold(self) -> bool:
        """Takes the folder for this process until it ends, however it ends; False where another process has it.

        Raises UserError where it cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.lock = open(self.folder.with_suffix(".lock"), "w")  # noqa: SIM115 - held until `release`
        except OSError as error:
            raise UserError(
                f"{self.folder}: checkpoints cannot be kept there ({error.strerror}); they are kept beside the response"
                " store: point DISTILL_STORE at a file in a folder that can be written to"
            ) from error
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.lock.close()
            self.lock = None
            return False
        for left in self.folder.glob(f"{_UNSEALED}*"):
            shutil.rmtree(left)
        return True

    def newest(self) -> Path | None:
        """The last checkpoint that is intact; others are deleted, with a message."""
        for folder in sorted(self.folder.glob(f"{_STEP}*"), key=lambda path: -int(path.name.removeprefix(_STEP))):
            if self._intact(folder):
                return folder
        return None

    def finished(self) -> Path | None:
        """The folder that `finish` wrote, if it is intact."""
        folder = self.folder / _FINISHED
        return folder if folder.exists() and self._intact(folder) else None

    def seal(self, written: Path, step: int) -> None:
        """Makes the checkpoint in the folder `written` the newest one."""
        self._seal(written, self.folder / f"{_STEP}{step}")

    def finish(self, write: Callable[[Path], None]) -> Path:
        """Keeps what `write` puts into a folder, in place of any checkpoint."""
        folder = self.folder / f"{_UNSEALED}{_FINISHED}"
        folder.mkdir(parents=True)
        write(folder)
        self._seal(folder, self.folder / _FINISHED)
        return self.folder / _FINISHED

    def release(self, finished: bool) -> None:
        """Lets go of the folder. Deletes it if the run is finished, or if it is empty."""
        if self.lock is None:
            return
        if finished or not any(self.folder.iterdir()):
            shutil.rmtree(self.folder)
        self.folder.with_suffix(".lock").unlink(missing_ok=True)
        self.lock.close()

    def _seal(self, written: Path, target: Path) -> None:
        write_text(written / _MANIFEST, json.dumps({"key": self.key, "files": _digests(written)}, indent=1))
        written.rename(target)
        for other in self.folder.iterdir():
            if other != target:
                shutil.rmtree(other)

    def _intact(self, folder: Path) -> bool:
        try:
            manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
            fault = None if manifest["key"] == self.key else "belongs to another run"
            if fault is None and manifest["files"] != _digests(folder):
                fault = "is damaged"
        except (OSError, ValueError, KeyError, TypeError):
            fault = "is not whole"
        if fault:
            say(f"{folder} {fault}; it is deleted and not used")
            shutil.rmtree(folder)
        return fault is None


def run_key(rows: Iterable[Any], settings: Mapping[str, Any], folders: Iterable[Path] = ()) -> str:
    """A hash of all that determines a training: rows, settings, the code of this room, versions, the type of machine.

    Of the files in `folders` it takes names, sizes and times.
    """
    digest = hashlib.sha256()
    for part in (dict(settings), package_versions(), platform.machine(), sys.version):
        digest.update(json.dumps(part, sort_keys=True, default=str).encode() + b"\n")
    for row in rows:
        digest.update(repr(row).encode() + b"\n")
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + source.read_bytes())
    for folder in folders:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest.update(f"{file.relative_to(folder)} {file.stat().st_size} {file.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def say(text: str) -> None:
    """Prints one line for whoever watches the training."""
    print(f"train: {text}", file=sys.stderr, flush=True)


def package_versions() -> dict[str, str]:
    """The version of each package that training depends on and that is installed."""
    versions = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def _digests(folder: Path) -> dict[str, str]:
    digests = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _MANIFEST):
        with open(file, "rb") as stream:
            digests[str(file.relative_to(folder))] = hashlib.file_digest(stream, "sha256").hexdigest()
    return digests
