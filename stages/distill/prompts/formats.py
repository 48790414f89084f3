"""Structured output: the JSON schema that a request asks for, where `teacher.structured` says so."""

from __future__ import annotations

from typing import Any

from distill.rows.records import TaskCard
from distill.teacher.exchange import TeacherError

# In the order of the alphabet, in which requests are written: a model explains before it answers.
RATIONALE, LABEL = "explanation", "label"


def response_format(card: TaskCard, *, rationale: bool) -> dict[str, Any]:
    """OpenAI's `response_format`: an object with the label, one of the classes where the task has them, and, where
    asked for, the explanation before it."""
    label: dict[str, Any] = {"type": "string"}
    if card.classes:
        label["enum"] = list(card.classes)
    properties = {RATIONALE: {"type": "string"}, LABEL: label} if rationale else {LABEL: label}
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def rejects_format(error: TeacherError) -> bool:
    """Whether an endpoint said that it takes no structured output, or a store that is only read has none of it."""
    said = str(error).lower()
    return "runtime.offline" in said or ("(400)" in said and any(word in said for word in ("response_format", "json_schema", "structured output")))
