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
from distill.errors import UserError

_IGNORED = Path(".dvcignore")
_NULLS = ("", "~", "null", "Null", "NULL")


MEND = (
    "`git checkout dvc.lock` brings the last committed one back (where none was committed, delete the file), then"
    " `dvc repro`: stages that ran since come out of DVC's run cache and the response store, and nothing is paid twice"
)
_MERGE_MARKS = ("<<<<<<< ", "=======", ">>>>>>> ")


def locked_stages() -> dict[str, Any]:
    """The stages of dvc.lock; empty where there is no such file.

    Raises UserError where the file is none that DVC reads, as one that it had half-written when it was killed, or one
    that a merge left: `dvc repro` then stops before any stage runs, and does not say what to do.
    """
    try:
        lock = _yaml(paths.LOCK)
    except UnicodeDecodeError as error:
        raise UserError(f"{paths.LOCK}: is no text from byte {error.start} on. {MEND}") from error
    except yaml.YAMLError as error:
        if any(line.startswith(_MERGE_MARKS) for line in _lines(paths.LOCK)):
            raise UserError(
                f"{paths.LOCK}: holds the marks of a merge. `git checkout --ours dvc.lock && git add dvc.lock` takes"
                " this side's, then `dvc repro` brings it up to date"
            ) from error
        mark = getattr(error, "context_mark", None) or getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise UserError(f"{paths.LOCK}{where}: is cut or garbled, as where DVC was killed. {MEND}") from error
    stages = lock.get("stages", {}) if isinstance(lock, dict) else None
    if paths.LOCK.exists() and not (isinstance(stages, dict) and "schema" in lock):
        raise UserError(f"{paths.LOCK}: is empty or cut, as where DVC was killed. {MEND}")
    return stages or {}


def check_dvc_files() -> str:
    """Says in a line that DVC can read what it wrote itself: dvc.lock, its list of running processes, its run cache.

    Raises UserError, with what to do, where it cannot: where it was killed as it wrote one of them.
    """
    stages = locked_stages()
    try:
        sound = not paths.RUNNING.exists() or isinstance(json.loads(paths.RUNNING.read_bytes()), dict)
    except ValueError:
        sound = False
    if not sound:
        raise UserError(
            f"{paths.RUNNING}: is cut, as where DVC was killed. It names the DVC processes that run in this clone: when"
            f" none does, `rm {paths.RUNNING}`, then `dvc repro`"
        )
    # DVC 3.67 takes the newest file of such a folder for a result, and fails on one without any.
    folders = (place for place in paths.RUN_CACHE.glob("*/*") if place.is_dir())
    empty = next((folder for folder in folders if not any(folder.iterdir())), None)
    if empty is not None:
        raise UserError(
            f"{empty}: is empty, as where DVC was killed, and `dvc repro` fails on it ('join() argument must be str')."
            f" `find {paths.RUN_CACHE} -type d -empty -delete`, then `dvc repro`"
        )
    return f"{paths.LOCK}: sound, with the results of {len(stages)} stages; nothing keeps DVC from running"


def why_stale(stage: str) -> str | None:
    """Why `dvc repro` would run the stage again, in words; None where its results are those of now.

    Settings are compared with params.yaml in the working folder, by value. What a stage reads or wrote is compared by
    content. A stage without an entry in dvc.lock is stale.
    """
    entry = locked_stages().get(stage)
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


def has_result(stage: str) -> bool:
    """Whether dvc.lock has the stage's result for the settings, code and data of now, here or in a remote.

    A file that the stage reads may be missing, as in a fresh clone, where an earlier stage's result has it.
    """
    stages = locked_stages()
    makers = {item["path"]: (name, item.get("md5")) for name, entry in stages.items() for item in entry.get("outs", ())}
    settings = _yaml(paths.PARAMS)

    def holds(name: str) -> bool:
        entry = stages.get(name)
        if entry is None:
            return False
        params = entry.get("params", {}).get(str(paths.PARAMS), {})
        if any(any(_differing(values, settings.get(key), key)) for key, values in params.items()):
            return False
        return all(fits(Path(item["path"]), item.get("md5")) for item in entry.get("deps", ()))

    def fits(path: Path, md5: str | None) -> bool:
        maker, recorded = makers.get(path.as_posix(), (None, None))
        if maker is not None and not holds(maker):
            return False
        return content_hash(path) == md5 if path.exists() else recorded is not None and recorded == md5

    return holds(stage)


PULL = "`git checkout . && dvc pull` brings it (`dvc repro --pull` in a fresh clone), and nothing is asked"


def refuse_to_pay_again(stage: str, calls: int) -> None:
    """Raises UserError where a stage would pay for `calls` whose result dvc.lock has, and only the files are not here.

    DVC starts a stage whose outs are missing, and deletes what is left of them, whether a remote has them or not.
    """
    if calls and why_stale(stage) is not None and has_result(stage):
        raise UserError(
            f"dvc.lock has the result of {stage} for these very settings, code and data, and its files are not here:"
            f" {PULL}. A colleague's answers: `python stages/store.py import FILE`. Where the result is lost, delete"
            f" dvc.lock; up to {calls:,} calls are then paid for again"
        )


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
