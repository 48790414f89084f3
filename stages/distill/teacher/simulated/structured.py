"""Answers as JSON, where `response_format` asks for it: an object of the schema, filled by its properties' names."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_RATIONALE = re.compile(r"reason|rationale|explan|why|because|thought|thinking|justif|analysis", re.IGNORECASE)
_LABEL = re.compile(r"label|answer|class|choice|verdict|result|conclusion|category", re.IGNORECASE)
# What response_format json_object, which names no properties, is answered with.
_NO_SCHEMA = {"type": "object", "properties": {"rationale": {"type": "string"}, "answer": {"type": "string"}}}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a JSON answer has room for."""

    schema: dict[str, Any]
    rationale: bool
    rationale_first: bool

    def filled(self, label: str, rationale: str, confidence: float) -> str:
        """The JSON text of an answer."""
        return json.dumps(_value("", self.schema, label, rationale, confidence), ensure_ascii=False)


def shape(schema: dict[str, Any] | None) -> Shape:
    """What a schema (None: any object) has room for."""
    schema = schema or _NO_SCHEMA
    names = list(schema.get("properties", {}))
    rationale = next((i for i, name in enumerate(names) if _RATIONALE.search(name)), None)
    label = next((i for i, name in enumerate(names) if _LABEL.search(name)), len(names))
    return Shape(schema, rationale is not None, rationale is not None and rationale < label)


def _value(name: str, schema: dict[str, Any], label: str, rationale: str, confidence: float) -> Any:
    """A value of the schema's type. An enum gives the label where it holds it, else its first value."""
    kind = schema.get("type", "string")
    if isinstance(kind, list):
        kind = next((alternative for alternative in kind if alternative != "null"), "null")
    if "enum" in schema:
        return next((value for value in schema["enum"] if str(value).lower() == label.lower()), schema["enum"][0])
    if "const" in schema:
        return schema["const"]
    if kind == "object":
        return {
            key: _value(key, child, label, rationale, confidence) for key, child in schema.get("properties", {}).items()
        }
    if kind == "array":
        return [_value(name, schema.get("items", {}), label, rationale, confidence)]
    if kind in ("number", "integer"):
        return round(confidence, 3) if kind == "number" else round(100 * confidence)
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    if _RATIONALE.search(name):
        return rationale
    return label if _LABEL.search(name) else ""
