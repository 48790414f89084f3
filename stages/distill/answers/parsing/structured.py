"""Answers given as a JSON object, alone, fenced, after chatter, or cut short."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

ANSWER_KEYS = (
    "answer",
    "label",
    "final_answer",
    "finalanswer",
    "correct_answer",
    "choice",
    "option",
    "prediction",
    "class",
    "category",
    "classification",
    "result",
)
RATIONALE_KEYS = (
    "rationale",
    "explanation",
    "reasoning",
    "reason",
    "justification",
    "thought",
    "thoughts",
    "chain_of_thought",
    "analysis",
    "steps",
)
_TRIES = 30
_FENCE = re.compile(r"```[a-zA-Z]*[ \t]*\n?")
_PAIR = re.compile(
    r"\"(?P<key>[A-Za-z_ ]{1,24})\"\s*:\s*"
    r"(?:\"(?P<text>(?:[^\"\\]|\\.)*)(?P<closed>\"?)|(?P<bare>[-\w.]+)(?=\s*[,}\n]))",
    re.S,
)
_DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Structured:
    """The answer and rationale of a JSON object, and the text outside it."""

    answer: str
    rationale: str | None
    around: str


def read_structured(text: str) -> Structured | None:
    """The last JSON object of `text` that has an answer; None where there is none."""
    if "{" not in text:
        return None
    structured, tries, at = None, 0, text.find("{")
    while at != -1 and tries < _TRIES:
        tries += 1
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            record = _record(value)
            if record:
                around = _FENCE.sub("", text[:at] + "\n" + text[end:]).strip()
                structured = Structured(record[0], record[1], around)
        at = text.find("{", end)
    return structured or _read_cut(text)


def _read_cut(text: str) -> Structured | None:
    """The pairs of an object that does not parse, as one that was cut short."""
    start = text.find("{")
    pairs, closed = {}, {}
    for match in _PAIR.finditer(text, start):
        key = _key(match["key"])
        raw = match["text"] if match["text"] is not None else match["bare"]
        pairs.setdefault(key, _unescape(raw))
        closed.setdefault(key, match["text"] is None or bool(match["closed"]))
    record = _record({key: value for key, value in pairs.items() if closed[key] or key in RATIONALE_KEYS})
    return Structured(record[0], record[1], text[:start].strip()) if record else None


def _record(value: object) -> tuple[str, str | None] | None:
    if not isinstance(value, dict):
        return None
    fields = {_key(str(key)): item for key, item in value.items()}
    answer = next((text for key in ANSWER_KEYS if (text := _text(fields.get(key)))), None)
    rationale = next((text for key in RATIONALE_KEYS if (text := _text(fields.get(key), joined=True))), None)
    return (answer, rationale) if answer is not None else None


def _text(value: object, *, joined: bool = False) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value) if isinstance(value, float) else f"{value:d}"
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, list) and (joined or len(value) == 1):
        return " ".join(text for item in value if (text := _text(item))) or None
    return None


def _key(key: str) -> str:
    return re.sub(r"[\s-]+", "_", key.strip().lower())


def _unescape(raw: str) -> str:
    try:
        return json.loads(f'"{raw}"', strict=False)
    except ValueError:
        return raw.replace('\\"', '"').replace("\\n", "\n")
