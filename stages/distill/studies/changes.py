"""Settings with changes: params.yaml with other values in some places, checked as the file itself is."""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import yaml

from distill.settings import Settings
from distill.settings.loader import SettingsError, loads

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*\Z")  # text that Hydra's override grammar takes as it stands
_WORDS = ("true", "false", "null", "nan", "inf")


def changed_settings(text: str, changes: Mapping[str, yaml.Node], where: str) -> Settings:
    """The settings of params.yaml, given as `text`, with the values of `changes` (`section.key` -> value).

    Raises SettingsError, which begins with `where`, on a key that is not there, a value that it does not take, and a
    change that a preset would undo.
    """
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    for key, value in changes.items():
        check_key(key, where)
        place = root
        *sections, last = key.split(".")
        for section in sections:
            place = next(child for name, child in place.value if name.value == section)
        place.value = [(name, value if name.value == last else child) for name, child in place.value]
    try:
        settings = loads(Settings, yaml.serialize(root, Dumper=yaml.CSafeDumper))
    except SettingsError as error:
        # The line is that of a text that nobody sees.
        raise SettingsError(f"{where}: " + re.sub(r"^params\.yaml:\d+: ", "", str(error))) from error
    for key in changes:
        if key in settings.preset.values():
            raise SettingsError(
                f"{where}: {key}: preset {settings.preset.name} sets it, whatever stands here; name it in preset.keep"
            )
    return settings


def check_key(key: str, where: str) -> None:
    """Raises SettingsError, with what is known there, where `key` is no setting."""
    kind: Any = Settings
    for part in key.split("."):
        allowed = [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []
        if part not in allowed:
            raise SettingsError(
                f"{where}: {key}: no such setting; "
                + (f"known there: {', '.join(allowed)}" if allowed else "it is no section")
            )
        kind = typing.get_type_hints(kind)[part]
    if dataclasses.is_dataclass(kind):
        raise SettingsError(
            f"{where}: {key}: is a section; name one of its settings:"
            f" {', '.join(field.name for field in dataclasses.fields(kind))}"
        )


def setting_value(settings: Settings, key: str) -> Any:
    """The typed value of `section.key`."""
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value


def result_settings(settings: Settings) -> dict[str, Any]:
    """All that can change a result, as plain JSON: every section but `runtime`."""
    plain = dataclasses.asdict(settings)
    plain.pop("runtime")
    return json.loads(json.dumps(plain, default=float))


def override(key: str, value: Any) -> str:
    """`key=value` as `dvc exp run -S` takes it (Hydra's override grammar)."""
    return f"{key}={_said(value)}"


def _said(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, tuple):
        return "[" + ",".join(_said(item) for item in value) + "]"
    if _PLAIN.match(value) and value.lower() not in _WORDS:
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
