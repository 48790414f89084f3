"""Changes values in params.yaml as DVC does: comments stay, and no other line changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from distill.rows.files import write_text
from distill.settings import Settings, load_settings
from distill.settings.loader import SettingsError


@contextmanager
def settings_tried(path: Path, changes: Mapping[str, Any]) -> Iterator[list[str]]:
    """Sets `section.key` to its value for all `changes`, checked as a whole before the file is replaced, and puts the
    file back as it was where what is done with the settings then fails.

    Gives a line "section.key: old -> new" for each value that was another. Raises SettingsError, and leaves the file
    as it is, on a key that is not there or a value that the settings do not take.
    """
    before, (text, changed) = path.read_text(encoding="utf-8"), _changed(path, changes)
    write_text(path, text)
    try:
        yield changed
    except BaseException:
        write_text(path, before)
        raise


def _changed(path: Path, changes: Mapping[str, Any]) -> tuple[str, list[str]]:
    round_trip = YAML()
    round_trip.default_flow_style = False
    load_settings(path)  # a broken file is named by its line, before anything is changed
    root = round_trip.load(path.read_text(encoding="utf-8"))
    changed = []
    for key, value in changes.items():
        *sections, last = key.split(".")
        place = root
        for section in sections:
            place = place[section]
        if last not in place:
            raise SettingsError(f"{path}: {key}: no such setting")
        old = _plain(place[last])
        if old != value:
            changed.append(f"{key}: {_shown(old)} -> {_shown(value)}")
            place[last] = value
    text = StringIO()
    round_trip.dump(root, text)
    _checked(path, text.getvalue())
    return text.getvalue(), changed


def _checked(path: Path, text: str) -> Settings:
    beside = path.with_name(f".{path.name}.checked")
    try:
        beside.write_text(text, encoding="utf-8")
        return load_settings(beside)
    except SettingsError as error:
        raise SettingsError(str(error).replace(str(beside), str(path))) from error
    finally:
        beside.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    return str(value)
