"""When two labels in somebody's file are one class: what was typed differently, or stored in another type."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator

# Characters without a width, but for those that join emoji and letters.
_INVISIBLE = dict.fromkeys(
    [0xAD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
_SEPARATORS = re.compile(r"[\s_./,;:-]+")
_WHOLE = re.compile(r"-?[0-9]+\.0+")
_DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+")
_TRUTH = {"true": "1", "false": "0"}
# What programs write for a value that is not there.
_GAPS = frozenset(("nan", "none", "null", "nat", "<na>", "#n/a"))
_CONTROL = ("Cc", "Zl", "Zp")


def whole_number(label: str) -> str:
    """ "1.0" as "1", which gaps in a column of whole numbers make of it; any other label as it is."""
    return label.partition(".")[0] if _WHOLE.fullmatch(label) else label


def label_form(label: str) -> str:
    """What labels of one class have in common: whatever their case, their spaces, the zeros at a number's end, and
    whether true and false are words or 1 and 0."""
    form = " ".join(label.translate(_INVISIBLE).casefold().split())
    if _DECIMAL.fullmatch(form):
        form = form.rstrip("0").removesuffix(".")
    return _TRUTH.get(form, form)


def of_one_form(labels: Iterable[str]) -> list[list[str]]:
    """Labels that share their form, those of each form together."""
    return _together((label_form(label), label) for label in labels)


def of_like_punctuation(labels: Iterable[str]) -> list[list[str]]:
    """Labels of different forms that differ in the marks between their words alone."""
    return _together((_SEPARATORS.sub(" ", label_form(label)).strip(), label) for label in labels)


def like_gaps(labels: Iterable[str]) -> list[str]:
    """Labels that look like what programs write for a missing value."""
    return sorted(label for label in labels if label.casefold() in _GAPS)


def label_faults(label: str) -> Iterator[tuple[str, str]]:
    """(what is wrong with a label as the name of a class, what to do)."""
    if any(unicodedata.category(char) in _CONTROL for char in label):
        yield "holds a line break, a tab or another control character", "write it in one line"
    if _is_listed(label):
        yield "is a list or an object", "give one label a row, or set task.table.kind to text"


def _together(named: Iterable[tuple[str, str]]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for name, label in sorted(named):
        groups.setdefault(name, []).append(label)
    return [group for name, group in groups.items() if len(group) > 1 and name]


def _is_listed(label: str) -> bool:
    if label[:1] not in ("[", "{"):
        return False
    try:
        return isinstance(json.loads(label.replace("'", '"')), list | dict)
    except (ValueError, RecursionError):
        return False
