"""params.yaml -> frozen dataclasses, strictly.

The file is composed to YAML nodes, not to Python objects, so that every error names file, line and key, and so that
a plain scalar means here what it means to DVC (YAML 1.2) and not what PyYAML makes of it (YAML 1.1): `1e-4` is a
number. Where a setting is text, a scalar is the text as it is written: `yes`, `010`, `1:30`, `1.50`, `true` and a
date need no quotes, which DVC drops when it rewrites the file. Only null (`null`, `~` or nothing) is no text there.
Where a setting is a number or true or false, a scalar that the two dialects read as two different values is refused.
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

import yaml

from distill.settings.composing import SettingsError, composed, settings_text

T = TypeVar("T")
# A setting that is any JSON object.
JsonObject = typing.NewType("JsonObject", dict)
_DEEPEST = 20  # sections of such an object within one another

LARGEST = 10**9
MOST_SEED = 4_000_000_000  # below 2**32, so that a few more seeds can be counted up from it
SMALLEST = Decimal("1e-12")
_LONGEST_SHOWN = 60  # characters of a value in a message
_MOST_DIGITS = 30

_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
# What YAML 1.1 takes for a boolean, an octal, binary, sexagesimal or underscored number, or a date.
_TWO_READINGS = re.compile(
    r"(?:y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF"
    r"|[-+]?0[0-9]+|[-+]?0[bBoOxX][0-9a-fA-F_]+"
    r"|[-+]?[0-9]+(?:_[0-9]+)+(?:\.[0-9_]*)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)


class Refused(ValueError):
    """Raised by a section's own cross-checks: which key, and why. The loader adds file and line."""

    def __init__(self, key: str, why: str):
        super().__init__(f"{key}: {why}")
        self.key, self.why = key, why


def setting(*, least: float | None = None, most: float | None = None, above: float | None = None) -> Any:
    """A numeric field with its allowed range, both ends inclusive; `above` excludes its end.

    Where a number has no bound of its own it is one of LARGEST, and where it is none and near to it, of SMALLEST.
    """
    return dataclasses.field(metadata={"least": least, "most": most, "above": above})


def load(cls: type[T], path: Path) -> T:
    """Reads `path` into dataclass `cls`, whose fields name the sections.

    Raises SettingsError when the file cannot be read or any key is unknown, missing, twice there, of
    the wrong type or out of range.
    """
    return loads(cls, settings_text(path), str(path))


def loads(cls: type[T], text: str, name: str = "params.yaml") -> T:
    """Like `load`, from a string; `name` stands for the file in messages."""
    node = composed(text, name)
    if node is None:
        raise SettingsError(f"{name}: the file is empty")
    return _Reader(name).read(cls, node, "")


def with_line(message: str, path: Path = Path("params.yaml")) -> str:
    """A message that begins with a setting, as "train.steps: …", with the file and the setting's line before it.

    Any other message comes back as it is. It is for what shows itself late, as that a student takes no adapters.
    """
    key = message.partition(": ")[0]
    try:
        node = composed(settings_text(path), str(path))
    except SettingsError:
        return message
    keys = _keys_to(node, key) if node is not None else []
    if len(keys) < 2 or len(keys) < len(key.split(".")):
        return message
    return f"{path}:{keys[-1].start_mark.line + 1}: {message}"


class _Reader:
    def __init__(self, name: str):
        self.name = name

    def fail(self, node: yaml.Node, key: str, why: str) -> typing.NoReturn:
        raise SettingsError(f"{self.name}:{node.start_mark.line + 1}: {key or 'the file'}: {why}")

    def read(self, kind: Any, node: yaml.Node, key: str, limits: dict[str, Any] | None = None) -> Any:
        if dataclasses.is_dataclass(kind):
            return self.section(kind, node, key)
        if kind is yaml.Node:  # as it is written: read later, as the setting that it stands for
            return node
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is dict:
            return {k: self.read(arguments[1], v, f"{key}.{k}") for k, (_, v) in self.mapping(node, key).items()}
        if origin is tuple:
            return self.sequence(arguments[0], node, key)
        options = arguments if origin in (Union, types.UnionType) else (kind,)
        for option in options:
            many = {tuple: yaml.SequenceNode, dict: yaml.MappingNode}.get(typing.get_origin(option))
            if many and isinstance(node, many):
                return self.read(option, node, key, limits)
            if option is JsonObject and isinstance(node, yaml.MappingNode):
                return self.json(node, key)
        return self.match(options, self.scalar(node, key, options), node, key, limits or {})

    def section(self, cls: type, node: yaml.Node, key: str) -> Any:
        children = self.mapping(node, key)
        hints = typing.get_type_hints(cls)
        names = [f.name for f in dataclasses.fields(cls)]
        dotted = f"{key}." if key else ""
        for name, (key_node, _) in children.items():
            if name not in names:
                self.fail(key_node, f"{dotted}{_cut(name)}", f"unknown key; known here: {', '.join(names)}")
        values = {}
        for field in dataclasses.fields(cls):
            if field.name not in children and field.default is not dataclasses.MISSING:
                continue
            if field.name not in children:
                self.fail(node, f"{dotted}{field.name}", "is missing; every setting stands in the file")
            child = children[field.name][1]
            values[field.name] = self.read(hints[field.name], child, f"{dotted}{field.name}", dict(field.metadata))
        try:
            return cls(**values)
        except Refused as refusal:
            keys = _keys_to(node, refusal.key)
            self.fail(keys[-1] if keys else node, f"{dotted}{refusal.key}", refusal.why)

    def mapping(self, node: yaml.Node, key: str) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self.fail(node, key, f"must be a section of keys, not {_shown(node)}")
        children: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key_node, value_node in node.value:
            name = key_node.value
            if not isinstance(key_node, yaml.ScalarNode):
                self.fail(key_node, key, "keys must be plain words")
            self.sound(key_node, key)
            if name in children:
                self.fail(key_node, f"{key}.{name}" if key else name, "is there twice")
            children[name] = (key_node, value_node)
        return children

    def sequence(self, item: Any, node: yaml.Node, key: str) -> tuple[Any, ...]:
        if not isinstance(node, yaml.SequenceNode):
            self.fail(node, key, f"must be a list, not {_shown(node)}")
        return tuple(self.read(item, child, f"{key}[{i}]") for i, child in enumerate(node.value))

    def json(self, node: yaml.Node, key: str, depth: int = 1) -> Any:
        """Any JSON value: numbers are finite, and what two dialects of YAML read differently is refused."""
        if depth > _DEEPEST:
            self.fail(node, key, f"is nested more than {_DEEPEST} deep")
        if isinstance(node, yaml.MappingNode):
            children = self.mapping(node, key)
            return {name: self.json(value, f"{key}.{name}", depth + 1) for name, (_, value) in children.items()}
        if isinstance(node, yaml.SequenceNode):
            return [self.json(child, f"{key}[{place}]", depth + 1) for place, child in enumerate(node.value)]
        value = self.scalar(node, key, (bool, float, str))
        if isinstance(value, Decimal) and not math.isfinite(float(value)):
            self.fail(node, key, f"is {value}; allowed: a number of at most 1.8e308")
        return float(value) if isinstance(value, Decimal) else value

    def scalar(self, node: yaml.Node, key: str, options: tuple[Any, ...]) -> Any:
        """The value of a single scalar, read as one of the types in `options`."""
        if not isinstance(node, yaml.ScalarNode):
            self.fail(node, key, f"must be a single value, not {_shown(node)}")
        text = self.sound(node, key)
        if node.style:
            return text
        if _NULL.match(text):
            return None
        if not any(option in (bool, int, float, Decimal) for option in options):
            return text
        if _TWO_READINGS.match(text):
            self.fail(
                node, key, f"`{text}` is read in two ways by YAML 1.1 and 1.2; write true or false, and numbers plainly"
            )
        if _BOOL.match(text):
            return text.lower() == "true"
        if (_INT.match(text) or _FLOAT.match(text)) and len(text) > _MOST_DIGITS:
            self.fail(node, key, f"is {_cut(text)}; allowed: a number of {_MOST_DIGITS} characters at most")
        if _INT.match(text):
            return int(text)
        if _FLOAT.match(text):
            # Decimal keeps "0.15" exact until the field's type is known: prices are decimal.
            try:
                return Decimal(text)
            except ArithmeticError:
                self.fail(node, key, f"is {text}, which is no number that can be held")
        return text

    def sound(self, node: yaml.ScalarNode, key: str) -> str:
        if "\0" in node.value:
            self.fail(node, key, "holds a NUL character, which stands in no name, path or text")
        return node.value

    def match(self, options: tuple[Any, ...], value: Any, node: yaml.Node, key: str, limits: dict[str, Any]) -> Any:
        for option in options:
            if option is type(None):
                if value is None:
                    return None
            elif typing.get_origin(option) is Literal:
                if any(value == choice and type(value) is type(choice) for choice in typing.get_args(option)):
                    return value
            elif option is bool or option is str:
                if type(value) is option:
                    return value
            elif option is int:
                if type(value) is int:
                    return self.ranged(value, node, key, limits)
            elif option in (float, Decimal) and type(value) in (int, Decimal):
                return option(self.ranged(value, node, key, limits))
        self.fail(node, key, f"is {_shown(node)}; allowed: {_allowed(options, limits)}")

    def ranged(self, value: Any, node: yaml.Node, key: str, limits: dict[str, Any]) -> Any:
        least, most, above = limits.get("least"), limits.get("most"), limits.get("above")
        bad = (least is not None and value < least) or (most is not None and value > most)
        if bad or (above is not None and value <= above):
            self.fail(node, key, f"is {value}; allowed: {_range(limits)}")
        if (most is None and value > LARGEST) or (least is None and value < -LARGEST):
            bounds = {"least": -LARGEST if above is None else None, "most": LARGEST}
            bounds |= {end: bound for end, bound in limits.items() if bound is not None}
            self.fail(node, key, f"is {value}; allowed: {_range(bounds)}")
        if value and abs(value) < SMALLEST:
            self.fail(node, key, f"is {value}, which is nearly 0; allowed: {SMALLEST} or more")
        return value


def _keys_to(node: yaml.Node, key: str) -> list[yaml.Node]:
    """The keys that lead from a section's node to `key` ("key" or "section.key"), as far as they are there."""
    keys: list[yaml.Node] = []
    for part in key.split("."):
        children = node.value if isinstance(node, yaml.MappingNode) else []
        child = next(((name, value) for name, value in children if name.value == part), None)
        if child is None:
            break
        keys.append(child[0])
        node = child[1]
    return keys


def _range(limits: dict[str, Any]) -> str:
    words = {"least": "at least", "above": "above", "most": "at most"}
    return " and ".join(f"{words[k]} {limits[k]}" for k in words if limits.get(k) is not None)


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a section"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return repr(_cut(node.value)) if node.value else "empty"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _allowed(options: tuple[Any, ...], limits: dict[str, Any]) -> str:
    names = {
        int: "a whole number",
        float: "a number",
        Decimal: "a decimal number",
        bool: "true or false",
        str: "text",
        type(None): "null",
        JsonObject: "a section of any keys",
    }
    allowed = []
    for option in options:
        if typing.get_origin(option) is Literal:
            allowed += [str(choice) for choice in typing.get_args(option)]
        else:
            span = f" ({_range(limits)})" if option in (int, float, Decimal) and _range(limits) else ""
            shape = {tuple: "a list", dict: "a section of keys"}.get(typing.get_origin(option))
            allowed.append(shape or names[option] + span)
    return ", ".join(allowed)
