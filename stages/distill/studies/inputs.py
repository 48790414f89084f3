"""What a result comes from besides settings: the code and the data files that dvc.yaml declares."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from distill import paths
from distill.errors import UserError

LAST_STAGE = "evaluate"  # the stage whose metrics a study compares: a cell runs it and what it needs, no report


class Inputs:
    """Reads dvc.yaml once, and of each file that it names the version that Git knows.

    A cell's inputs are the code and data that DVC would watch for it, up to the stage `evaluate`: an edit there makes
    every cell another one, as it would make DVC run its stages again (those that it does not touch are restored).
    """

    def __init__(self) -> None:
        stages = yaml.safe_load(paths.PIPELINE.read_text(encoding="utf-8"))["stages"]
        made_by = {out: name for name, stage in stages.items() for out in _names(stage, "outs", "metrics", "plots")}
        needed, waiting = {}, [LAST_STAGE]
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed[name] = stages[name]
                waiting += [
                    maker
                    for out, maker in made_by.items()
                    for dep in _names(stages[name], "deps")
                    if Path(out) in (Path(dep), *Path(dep).parents)
                ]
        self._cmds = {name: stage["cmd"] for name, stage in sorted(needed.items())}
        self._deps = sorted({dep for stage in needed.values() for dep in _names(stage, "deps")} - made_by.keys())
        self._deps = [dep for dep in self._deps if not any(Path(out) in Path(dep).parents for out in made_by)]
        self._known: dict[tuple[str, ...], str] = {}

    def files(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The declared paths under these settings."""
        return tuple(re.sub(r"\$\{(\w+)\.(\w+)\}", lambda m: str(params[m[1]][m[2]]), dep) for dep in self._deps)

    def fingerprint(self, params: Mapping[str, Any]) -> str:
        """A hash of the declared files as they are committed. Raises UserError where one is not in Git:
        a queued run would not see it."""
        files = self.files(params)
        if files not in self._known:
            digest = hashlib.sha256(repr(self._cmds).encode())
            for file in files:
                digest.update(f"{file}\0{_version(file)}\0".encode())
            self._known[files] = digest.hexdigest()
        return self._known[files]

    def uncommitted(self, every: Iterable[Mapping[str, Any]]) -> list[str]:
        """Which declared files, of all these settings, differ from the commit."""
        files = {str(paths.PIPELINE), str(paths.PARAMS), *(file for params in every for file in self.files(params))}
        inside = sorted(file for file in files if not Path(file).is_absolute())
        return [line[3:] for line in _git("status", "--porcelain", "--", *inside).splitlines()]


def _names(stage: Mapping[str, Any], *kinds: str) -> list[str]:
    entries = [entry for kind in kinds for entry in stage.get(kind, [])]
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


def _version(file: str) -> str:
    """Git's hashes of a tracked file or folder, those of its .dvc file, or, outside the repository, its content's."""
    if Path(file).is_absolute():
        return _content(Path(file))
    tracked = _git("ls-files", "--stage", "--", file, f"{file}.dvc")
    if not tracked:
        raise UserError(
            f"{file}: not in Git, so a queued run would not see it; `git add` it, or `dvc add` where it is large"
        )
    return tracked


def _content(place: Path) -> str:
    files = [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.is_file())
    if not files:
        raise UserError(f"{place}: no such file or folder")
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout
