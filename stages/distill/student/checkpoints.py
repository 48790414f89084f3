"""What the training of one student leaves behind so that it can go on after a kill, and when it may be believed.

A folder a student, named by a hash of all that determines its training. In it stand the newest checkpoint,
`step-N`, and in the end the student itself, `finished`. Both are written under another name and then renamed, with
a list of their files' hashes. The folder goes when the whole run is finished.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

from distill.rows.files import write_text

MANIFEST, FINISHED, STEP, WRITTEN = "manifest.json", "finished", "step-", "checkpoint-"
PACKAGES = ("torch", "transformers", "accelerate", "tokenizers", "peft")


class Checkpoints:
    """The folder of one student. Used by the first process alone; `write` tells whether another run holds it."""

    def __init__(self, root: Path, key: str):
        self.key, self.folder = key, root / key
        self.lock: IO[str] | None = None

    def hold(self) -> bool:
        """Takes the folder for this process, until it ends however it ends; False where another has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = open(self.folder.with_suffix(".lock"), "w")  # noqa: SIM115 - held until `release`
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.lock.close()
            self.lock = None
            return False
        for left in self.folder.glob(f"{WRITTEN}*"):
            shutil.rmtree(left)
        return True

    def newest(self) -> Path | None:
        """The last checkpoint that is whole; others are deleted, with a word."""
        for folder in sorted(self.folder.glob(f"{STEP}*"), key=lambda path: -int(path.name.removeprefix(STEP))):
            if self._sound(folder):
                return folder
        return None

    def finished(self) -> Path | None:
        """The folder that `finish` wrote, if it is whole."""
        folder = self.folder / FINISHED
        return folder if folder.exists() and self._sound(folder) else None

    def seal(self, written: Path, step: int) -> None:
        """Makes the checkpoint in the folder `written` the newest one."""
        self._seal(written, self.folder / f"{STEP}{step}")

    def finish(self, write: Callable[[Path], None]) -> Path:
        """Keeps what `write` puts into the folder it is given, instead of any checkpoint."""
        folder = self.folder / f"{WRITTEN}{FINISHED}"
        folder.mkdir(parents=True)
        write(folder)
        self._seal(folder, self.folder / FINISHED)
        return self.folder / FINISHED

    def release(self, finished: bool) -> None:
        """Lets go of the folder; deletes it if the run is finished, or nothing is in it."""
        if self.lock is None:
            return
        if finished or not any(self.folder.iterdir()):
            shutil.rmtree(self.folder)
        self.folder.with_suffix(".lock").unlink(missing_ok=True)
        self.lock.close()

    def _seal(self, written: Path, target: Path) -> None:
        write_text(written / MANIFEST, json.dumps({"key": self.key, "files": _digests(written)}, indent=1))
        written.rename(target)
        for other in self.folder.iterdir():
            if other != target:
                shutil.rmtree(other)

    def _sound(self, folder: Path) -> bool:
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            why = None if manifest["key"] == self.key else "belongs to another run"
            if why is None and manifest["files"] != _digests(folder):
                why = "is damaged"
        except (OSError, ValueError, KeyError, TypeError):
            why = "is not whole"
        if why:
            say(f"{folder} {why}; it is deleted and not used")
            shutil.rmtree(folder)
        return why is None


def run_key(rows: Iterable[Any], settings: Mapping[str, Any], folders: Iterable[Path] = ()) -> str:
    """A hash of all that determines a training: its rows, settings, this library's code, versions, machine type,
    and the names, sizes and times of the files in `folders`."""
    digest = hashlib.sha256()
    for part in (dict(settings), {name: _version(name) for name in PACKAGES}, platform.machine(), sys.version):
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
    """One line for who watches."""
    print(f"train: {text}", file=sys.stderr, flush=True)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST):
        with open(file, "rb") as stream:
            found[str(file.relative_to(folder))] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found
