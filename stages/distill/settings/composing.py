"""YAML text to nodes, of a file that anybody may have written: whatever is wrong with it is one line."""

from __future__ import annotations

from pathlib import Path

import yaml

from distill.errors import UserError

DEEPEST_SECTION = 20  # lists and sections inside one another


class SettingsError(UserError):
    """A setting that cannot be used; the message has file, line, key, value and what is allowed."""


def settings_text(path: Path) -> str:
    """The text of a file of settings. Raises SettingsError."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); run from the repository's root") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error


def composed(text: str, name: str) -> yaml.Node | None:
    """The root node, None where there is none; `name` stands for the file in messages. Raises SettingsError.

    Aliases are refused: a few lines of them can stand for more values than a machine holds, or for themselves.
    """
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            line = f"{name}:{event.start_mark.line + 1}"
            if isinstance(event, yaml.AliasEvent):
                raise SettingsError(f"{line}: *{event.anchor}: an alias; write the value out")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST_SECTION:
                raise SettingsError(f"{line}: nested deeper than {DEEPEST_SECTION} levels; no setting is")
        return yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise SettingsError(f"{where}: not valid YAML: {problem}") from error
