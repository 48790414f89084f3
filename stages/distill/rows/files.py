"""Files written whole, and canonical JSON in and out.

Canonical: keys sorted, UTF-8, written under a temporary name and then renamed. So the same content is the same bytes,
and a file that is there is complete.
"""

from __future__ import annotations

import dataclasses
import glob
import json
import math
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from distill.errors import DataError
from distill.rows.strict_json import strict_json

# How files that are no text begin, what they are, and what to do.
_OTHER_KINDS = (
    (
        (b"SQLite format 3",),
        "is a database and no text",
        "export a response store by `python stages/store.py --store PATH export FILE`",
    ),
    ((b"PK\x03\x04",), "is a ZIP archive or an Excel file", "unpack it first, or save the sheet as CSV in UTF-8"),
    ((b"\xd0\xcf\x11\xe0",), "is an old Excel file", "save the sheet as CSV in UTF-8"),
    ((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"(\xb5/\xfd"), "is compressed", "unpack it first"),
    ((b"PAR1",), "is Parquet", "let its name end with .parquet"),
    ((b"\xff\xfe", b"\xfe\xff"), "is UTF-16", "save it as UTF-8"),
    ((b"version https://git-lfs",), "is a pointer of Git LFS and not the file itself", "run `git lfs pull`"),
)


_MARKUP = re.compile("<(?=[A-Za-z/!?])")
_APART = "<\u2060"


def canonical(value: Any) -> str:
    """One line of JSON with sorted keys."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)


def read_json_lines(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    """(line number from 1, object) for every line that is not blank. Raises DataError."""
    try:
        with open(path, encoding="utf-8") as file:
            yield from json_lines(file, str(path))
    except FileNotFoundError as error:
        raise DataError(missing(path)) from error
    except UnicodeDecodeError as error:
        raise DataError(_no_text(path)) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def missing(path: Path) -> str:
    """That there is no such file; of one that the pipeline makes, where it comes from."""
    of_pipeline = path.parts[:1] in (("data",), ("metrics",))
    return f"{path}: no such file" + ("; `dvc pull` fetches it, `dvc repro` makes it" if of_pipeline else "")


def other_kind(path: Path) -> tuple[str, str] | None:
    """What a file is that is no text, by how it begins, and what to do; None where it may be text. Raises OSError."""
    with open(path, "rb") as file:
        head = file.read(32)
    return next(((what, do) for heads, what, do in _OTHER_KINDS if head.startswith(heads)), None)


def _no_text(path: Path) -> str:
    if kind := other_kind(path):
        return f"{path}: {'; '.join(kind)}"
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return f"{path}:{number}: not UTF-8 (byte {error.start} of the line); save it as UTF-8"
    return f"{path}: not UTF-8; save it as UTF-8"


def json_lines(lines: Iterable[str], name: str) -> Iterable[tuple[int, dict[str, Any]]]:
    """(line number from 1, object) for every line that is not blank, of a file or pipe of this name.
    Raises DataError.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                values = strict_json(line)
            except json.JSONDecodeError as error:
                raise DataError(
                    f"{name}:{number}: not JSON ({error.msg}, column {error.colno}); one object a line"
                ) from error
            except ValueError as error:
                raise DataError(f"{name}:{number}: {error}; mend the line, or leave it out") from error
            if not isinstance(values, dict):
                raise DataError(f"{name}:{number}: a {type(values).__name__}, not an object; one object a line")
            yield number, values


def write_json(path: Path, value: Any, *, sort_keys: bool = True) -> None:
    """Writes a dataclass or nested dict as indented JSON, its keys sorted unless their order is to be seen."""
    plain = dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
    write_text(path, json.dumps(plain, ensure_ascii=False, indent=2, sort_keys=sort_keys, allow_nan=False) + "\n")


def write_plot(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes the rows of a plot. DVC puts their texts into a script of its page as they are: behind each `<` that could
    begin or end one stands a word joiner, which nobody sees and `read_plot` takes out again."""
    write_json(path, _each_text(rows, lambda text: _MARKUP.sub(_APART, text)))


def read_plot(path: Path) -> list[dict[str, Any]]:
    """The rows that `write_plot` wrote. Raises DataError."""
    return _each_text(read_list(path), lambda text: text.replace(_APART, "<"))


def read_object(path: Path) -> dict[str, Any]:
    """Reads one JSON object. Raises DataError."""
    value = _parsed(path)
    if not isinstance(value, dict):
        raise DataError(f"{path}: a {type(value).__name__}, not an object")
    return value


def read_list(path: Path) -> list[dict[str, Any]]:
    """Reads a JSON list of objects, as the rows of a plot. Raises DataError."""
    value = _parsed(path)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise DataError(f"{path}: not a list of objects")
    return value


def write_metrics(path: Path, metrics: Mapping[str, Any], *, sort_keys: bool = True) -> None:
    """Nested numbers for `dvc metrics`, floats rounded to 6 places; a value that is unknown stays null. A p-value
    (`p_value`, `…_p_value`) keeps three digits where it is smaller, as it is never 0."""
    write_json(path, _rounded(metrics), sort_keys=sort_keys)


def merge_metrics(path: Path, section: str, metrics: Mapping[str, Any]) -> None:
    """Replaces one section of a metrics file that several stages share, and leaves the others."""
    try:
        present = read_object(path)
    except DataError:
        present = {}
    write_metrics(path, {**present, section: metrics})


def write_text(path: Path, text: str) -> None:
    """Writes a file whole."""
    with whole_file(path) as file:
        file.write(text.encode())


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write: under a temporary name beside `path`, and renamed at the end of the block unless it raises."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{hidden_name(path)}tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
        os.replace(temporary, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk names none
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: _each_text(child, change) for name, child in value.items()}
    return [_each_text(child, change) for child in value] if isinstance(value, list | tuple) else value


def hidden_name(path: Path) -> str:
    """How the name begins under which this process writes `path` first. What killed processes left under such names,
    files or folders, is deleted.
    """
    head = f".{path.name}."
    for left in path.parent.glob(f"{glob.escape(head)}*.*"):
        process = left.name.removeprefix(head).partition(".")[0]
        if process.isdecimal() and not _runs(int(process)):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    return f"{head}{os.getpid()}."


def _runs(process: int) -> bool:
    if os.name == "nt":  # where signal 0 is no question
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it is somebody else's
        return True
    return True


def _parsed(path: Path) -> Any:
    try:
        return strict_json(path.read_text(encoding="utf-8"), finite=True)
    except FileNotFoundError as error:
        raise DataError(missing(path)) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not JSON ({error})") from error
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


# Below it a p-value would have fewer than three digits in 6 places.
_SMALL = 1e-4


def _rounded(value: Any, p_value: bool = False) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _rounded(child, str(key).endswith("p_value")) for key, child in value.items()}
    if p_value and isinstance(value, float) and 0 < abs(value) < _SMALL:
        return float(f"{value:.3g}")
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
