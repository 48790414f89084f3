"""JSON of other people's hands, without what Python's reader passes over.

It takes the last of two equal keys, and half of a surrogate pair, which cannot be written again; a number of too many
digits and nesting without end are errors of its own kinds there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

MOST_LEVELS = 100  # objects and lists inside one another
_HALF_PAIR = re.compile("[\ud800-\udfff]")


def strict_json(text: str, finite: bool = False) -> Any:
    """The value of a JSON text; where it must be `finite`, without NaN and Infinity, which JSON does not know.

    Raises json.JSONDecodeError where it is none, and a plain ValueError, in a few words, where it cannot be taken.
    """
    too_deep = f"nested deeper than {MOST_LEVELS} levels"
    try:
        constant = _no_number if finite else None
        value = json.loads(text, object_pairs_hook=_each_key_once, parse_constant=constant)
    except json.JSONDecodeError:
        raise
    except RecursionError as error:
        raise ValueError(too_deep) from error
    except ValueError as error:
        if isinstance(error, _Refused):
            raise
        raise ValueError("a number of more digits than can be read") from error
    if text.count("[") + text.count("{") > MOST_LEVELS and _is_deep(value):
        raise ValueError(too_deep)
    if "\\u" in text and _is_half(value):
        where = next((f"field {key[:60]!r} has " for key, item in _fields(value) if _is_half(item)), "")
        raise ValueError(f"{where}half of a surrogate pair (an escape from \\ud800 to \\udfff), which is no character")
    return value


def _fields(value: Any) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, dict) and not any(map(_is_half, value)) else ()


def _is_half(value: Any) -> bool:
    return bool(_HALF_PAIR.search(json.dumps(value, ensure_ascii=False)))


class _Refused(ValueError):
    pass


def _no_number(name: str) -> None:
    raise _Refused(f"{name} stands for a number, and is none")


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise _Refused(f"the key {repeated[:60]!r} is there twice")
    return values


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MOST_LEVELS):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        level = inner
    return any(isinstance(item, dict | list) for item in level)
