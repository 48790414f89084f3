"""A cell with a row's own answers, in the forms that files and hub data sets have them in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from distill.tasks.arrow_cells import Unreadable, cell_text

_NAMES = ("label", "key", "letter", "id", "name")
_TEXTS = ("text", "choice", "option", "content", "value", "answer")


def listed_choices(text: str) -> tuple[str, ...]:
    """The choices in a cell. Raises ValueError, in words, where it is a list of something else."""
    return tuple(choice for _, choice in named_choices(text))


def named_choices(text: str) -> list[tuple[str, str]]:
    """(the name that the data gives a choice, "" where it has none; the choice), for each in a cell.

    A cell holds a JSON list of texts or of objects with label and text, a JSON object with a list of labels and one of
    texts or with a text a label, or answers between bars. Raises ValueError, in words, where it is anything else.
    """
    try:
        value = json.loads(text) if text[:1] in ("[", "{") else None
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, list):
        return [_choice(item) for item in value]
    if isinstance(value, dict):
        return _of_object(value)
    return [("", stripped) for item in text.split("|") if (stripped := item.strip())]


def _of_object(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    lists = [item for item in value.values() if isinstance(item, list)]
    if not lists:
        return [(name.strip(), _text(item)) for name, item in value.items()]
    texts = _first(value, _TEXTS)
    names = _first(value, _NAMES) or [""] * len(texts or ())
    if not isinstance(texts, list) or not isinstance(names, list) or len(names) != len(texts):
        raise ValueError("the choices are an object without as many labels as texts")
    return [(_name(name), _text(item)) for name, item in zip(names, texts, strict=True)]


def _choice(item: Any) -> tuple[str, str]:
    if isinstance(item, dict):
        return _name(_first(item, _NAMES)), _text(_first(item, _TEXTS))
    return "", _text(item)


def _first(value: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((value[key] for key in keys if key in value), None)


def _name(value: Any) -> str:
    return "" if value is None or isinstance(value, list | dict) else (cell_text(value) or "").strip()


def _text(value: Any) -> str:
    text = None if isinstance(value, list | dict) else cell_text(value)
    if not text or not text.strip() or isinstance(text, Unreadable):
        raise ValueError("a choice is no text")
    return text.strip()
