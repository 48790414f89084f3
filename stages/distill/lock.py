"""Whether `dvc repro` would run a stage again, and why: dvc.lock against settings and files.

dvc.lock is read as a file, as importing DVC takes more than a second. Hashes are those of DVC 3: MD5 of a file's bytes;
of a folder, MD5 of the JSON list of its files with theirs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from distill import paths

_IGNORED = Path(".dvcignore")
_NULLS = ("", "~", "null", "Null", "NULL")


def why_stale(stage: str) -> str | None:
    """Why `dvc repro` would run the stage again, in words; None where its results are those of now.

    Settings are compared with params.yaml in the working folder, by value. What a stage reads or wrote is compared by
    content. A stage without an entry in dvc.lock is stale.
    """
    entry = _yaml(paths.LOCK).get("stages", {}).get(stage)
    if entry is None:
        return f"{stage} has not run yet"
    settings = _yaml(paths.PARAMS)
    for section, recorded in entry.get("params", {}).get(str(paths.PARAMS), {}).items():
        for key in _differing(recorded, settings.get(section), section):
            return f"{key} has changed"
    for kind in ("deps", "outs"):
        for item in entry.get(kind, ()):
            path = Path(item["path"])
            if not path.exists():
                return f"{path} is missing"
            if content_hash(path) != item.get("md5"):
                return f"{path} has changed"
    return None


def content_hash(path: Path) -> str:
    """DVC's hash of a file or folder, of which .dvcignore leaves out some files."""
    if path.is_file():
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    patterns = [line.strip() for line in _lines(_IGNORED) if line.strip() and not line.startswith("#")]
    files = [
        {"md5": content_hash(file), "relpath": file.relative_to(path).as_posix()}
        for file in path.rglob("*")
        if file.is_file() and not _is_ignored(file, patterns)
    ]
    files.sort(key=lambda entry: entry["relpath"])
    return hashlib.md5(json.dumps(files, sort_keys=True).encode()).hexdigest() + ".dir"


def _is_ignored(file: Path, patterns: list[str]) -> bool:
    """Patterns without a slash are names of files or folders; the others are of the whole path."""
    for pattern in patterns:
        names = [file.as_posix()] if "/" in pattern else file.parts
        if any(fnmatch(name, pattern.replace("**/", "*")) for name in names):
            return True
    return False


def _differing(recorded: Any, current: Any, key: str) -> Iterator[str]:
    """The settings, as "task.table.classes", whose values differ."""
    if isinstance(recorded, dict) and isinstance(current, dict):
        for name in dict.fromkeys([*recorded, *current]):
            if name in recorded and name in current:
                yield from _differing(recorded[name], current[name], f"{key}.{name}")
            else:
                yield f"{key}.{name}"
    elif _value(recorded) != _value(current):
        yield key


def _value(written: Any) -> Any:
    """A value as it is written, so that 2e-3 equals 0.002 and an empty value equals null."""
    if isinstance(written, list):
        return [_value(item) for item in written]
    if not isinstance(written, str):
        return written
    if written in _NULLS:
        return None
    try:
        return Decimal(written)
    except InvalidOperation:
        return written


def _yaml(path: Path) -> dict[str, Any]:
    """The file with every scalar as text; empty where there is none."""
    if not path.exists():
        return {}
    text = path.read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.CBaseLoader) or {}


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
