"""The code, settings and data that a folder was made of: `provenance.json`, and how to check it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from distill.errors import DataError
from distill.revisions import text_at
from distill.rows.files import read_object
from distill.student.checkpoints import package_versions


@dataclass(frozen=True)
class Provenance:
    """Where a folder comes from.

    revision: the Git commit that was checked out; None outside Git. modified: tracked files that differed from it, and
    new files in stages/ and data/, except what the pipeline itself writes. experiment: DVC's name of the experiment,
    where it was one. lock_sha256: see `lock_hash`; None where there was no dvc.lock. weights: SHA-256 by file.
    packages: version by name, of those that are installed.
    """

    revision: str | None
    modified: tuple[str, ...]
    experiment: str | None
    lock_sha256: str | None
    lock_stages: tuple[str, ...]
    weights: dict[str, str]
    packages: dict[str, str]


def provenance(folder: Path, read: Iterable[Path], lock: Path, pipeline: Path) -> Provenance:
    """Of the weights in `folder`, made by a stage that reads the paths `read`, in the working folder's checkout."""
    stages = upstream(_yaml(lock).get("stages", {}), read) if lock.exists() else {}
    return Provenance(
        revision=(_git("rev-parse", "HEAD") or "").strip() or None,
        modified=tuple(_modified(pipeline_outs(_yaml(pipeline)) if pipeline.exists() else [])),
        experiment=os.environ.get("DVC_EXP_NAME"),
        lock_sha256=lock_hash(stages) if stages else None,
        lock_stages=tuple(sorted(stages)),
        weights={path.name: _sha256(path) for path in sorted(folder.glob("*.safetensors"))},
        packages=package_versions(),
    )


def upstream(stages: Mapping[str, Any], read: Iterable[Path]) -> dict[str, Any]:
    """The entries of dvc.lock of every stage that these paths come from, directly or through others."""
    wanted, entries = {path.as_posix() for path in read}, {}
    while True:
        new = {
            name: entry
            for name, entry in stages.items()
            if name not in entries
            and any(_within(path, out["path"]) for path in wanted for out in entry.get("outs", ()))
        }
        if not new:
            return entries
        entries |= new
        wanted |= {dep["path"] for entry in new.values() for dep in entry.get("deps", ())}


def lock_hash(stages: Mapping[str, Any]) -> str:
    """SHA-256 of these entries of dvc.lock, as JSON with sorted keys and no spaces.

    They hold commands, settings, and the hashes of all that was read and written.
    """
    text = json.dumps(stages, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def lock_hash_of(text: str, names: Iterable[str]) -> str | None:
    """The same of the text of a dvc.lock, for stages by name; None where one is missing."""
    stages = (yaml.safe_load(text) or {}).get("stages", {})
    wanted = list(names)
    return lock_hash({name: stages[name] for name in wanted}) if all(name in stages for name in wanted) else None


def verify_provenance(file: Path, lock: Path, revision: str | None) -> str:
    """A sentence that the folder with this `provenance.json` comes from this dvc.lock, or from the one at a revision.

    Raises DataError where it does not.
    """
    recorded = read_object(file)
    text = lock.read_text(encoding="utf-8") if revision is None else text_at(revision, lock)
    where = str(lock) if revision is None else f"{lock} at {revision}"
    present = lock_hash_of(text, recorded["lock_stages"])
    if recorded["lock_sha256"] is None or present != recorded["lock_sha256"]:
        raise DataError(
            f"{file}: lock hash {recorded['lock_sha256']}, but {where} has {present}; another run made the folder"
        )
    return f"{file.parent} comes from {where}: lock hash {present}"


def pipeline_outs(pipeline: Mapping[str, Any]) -> list[str]:
    """What the stages of a dvc.yaml write, its metrics and plots, and the .gitignore files in which DVC lists them.

    That these differ from Git is no modification.
    """
    paths = list(pipeline.get("metrics", ()))
    for plot in pipeline.get("plots", ()):
        paths += [file for curve in plot.values() for file in curve["y"]]
    for stage in pipeline.get("stages", {}).values():
        for kind in ("outs", "metrics", "plots"):
            paths += [next(iter(entry)) if isinstance(entry, dict) else entry for entry in stage.get(kind, ())]
    return ["dvc.lock", *paths, *sorted({(Path(path).parent / ".gitignore").as_posix() for path in paths})]


def _modified(own: Iterable[str]) -> list[str]:
    listed = _git("status", "--porcelain", "--untracked-files=all", "-z", "--no-renames")
    outs, modified = list(own), []
    for entry in (listed or "").split("\0"):
        state, path = entry[:2], entry[3:]
        matters = state != "??" or path.startswith(("stages/", "data/"))
        if path and matters and not any(_within(path, out) for out in outs):
            modified.append(path)
    return sorted(modified)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/") or folder.startswith(path.rstrip("/") + "/")


def _yaml(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return None if done.returncode else done.stdout


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
