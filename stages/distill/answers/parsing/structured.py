"""Answers given as a JSON object or a Python dict: alone, fenced, after chatter, with keys of their own, cut short."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from distill.answers.parsing.folding import straighten
from distill.answers.parsing.run_on import INPUT_HEADS

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
# Keys of neither, whatever their value looks like.
_OTHER_KEYS = frozenset(("confidence", "probability", "certainty", "id", "index", "row", "options", "choices"))
_TRIES = 30
_LONGEST_DICT = 20_000
# So many words make a value under an unknown key a rationale.
_LEAST_WORDS = 3
_FENCE = re.compile(r"```[a-zA-Z]*[ \t]*\n?")
_PAIR = re.compile(
    r"(?P<mark>[\"']?)(?<![\w])(?P<key>[A-Za-z_][\w ]{0,23})(?P=mark)\s*:\s*"
    r"(?:\"(?P<text>(?:[^\"\\]|\\.)*)(?P<closed>\"?)"
    r"|'(?P<single>(?:[^'\\]|\\.|'(?=\w))*)(?P<ended>'?)"
    r"|(?P<bare>[-\w.]+)(?=\s*[,}\n]))",
    re.S,
)
_DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Structured:
    """The answer and rationale of an object, and the text outside it."""

    answer: str
    rationale: str | None
    around: str


def read_structured(text: str, is_answer: Callable[[str], bool]) -> Structured | None:
    """The last object of `text` that has an answer; None where there is none.

    Its key is one of ANSWER_KEYS or, where their values are none by `is_answer`, the task's own: any whose value is
    an answer. Behind an answer, an object that shows an input too is an invented next row.
    """
    if "{" not in text:
        return None
    structured, tries, at = None, 0, text.find("{")
    while at != -1 and tries < _TRIES:
        tries += 1
        value, end = _object(text, at)
        if value is None:
            at = text.find("{", at + 1)
            continue
        record = _record(value, is_answer)
        if record and not (structured and INPUT_HEADS & {_key(str(key)) for key in value}):
            around = _FENCE.sub("", text[:at] + "\n" + text[end:]).strip()
            structured = Structured(record[0], record[1], around)
        at = text.find("{", end)
    return structured or _read_cut(text, is_answer)


def _object(text: str, at: int) -> tuple[Mapping[object, object] | None, int]:
    """The JSON object or Python dict that begins at `at`, and where it ends."""
    try:
        value, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        end = text.find("}", at, at + _LONGEST_DICT) + 1
        try:
            value = ast.literal_eval(text[at:end]) if end else None
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = None
    return (value, end) if isinstance(value, dict) else (None, at + 1)


def _read_cut(text: str, is_answer: Callable[[str], bool]) -> Structured | None:
    """The pairs of an object that does not parse, as one that was cut short."""
    start = text.find("{")
    pairs: dict[str, str] = {}
    unfinished: set[str] = set()
    for match in _PAIR.finditer(straighten(text), start):
        key = _key(match["key"])
        raw = next(part for part in (match["text"], match["single"], match["bare"]) if part is not None)
        if key not in pairs and match["bare"] is None and not (match["closed"] or match["ended"]):
            unfinished.add(key)
        pairs.setdefault(key, _unescape(raw))
    record = _record({k: v for k, v in pairs.items() if k not in unfinished or k in RATIONALE_KEYS}, is_answer)
    return Structured(record[0], record[1], text[:start].strip()) if record else None


def _record(value: Mapping[object, object], is_answer: Callable[[str], bool]) -> tuple[str, str | None] | None:
    fields = {_key(key): item for key, item in value.items() if isinstance(key, str)}
    for inner in [item for item in value.values() if isinstance(item, dict)]:
        fields |= {_key(key): item for key, item in inner.items() if isinstance(key, str)}
    answer = _answer(fields, is_answer)
    if answer is None:
        return None
    rationale = next((text for key in RATIONALE_KEYS if (text := _text(fields.get(key), joined=True))), None)
    return answer, rationale or _longest(fields, answer)


def _answer(fields: Mapping[str, object], is_answer: Callable[[str], bool]) -> str | None:
    """The answer under a usual key, else those under keys of the task's own, joined where there are several."""
    usual = [text for key in ANSWER_KEYS if (text := _text(fields.get(key)))]
    for text in usual:
        if is_answer(text):
            return text
    own = [
        text
        for key, item in fields.items()
        if key not in (*ANSWER_KEYS, *RATIONALE_KEYS) and key not in _OTHER_KEYS | INPUT_HEADS and (text := _text(item))
    ]
    answers = list(dict.fromkeys(text for text in own if is_answer(text)))
    return " or ".join(answers) or (usual[0] if usual else None)


def _longest(fields: Mapping[str, object], answer: str) -> str | None:
    """The longest text under a key that is neither an answer's nor an input's."""
    texts = [
        text
        for key, item in fields.items()
        if key not in (*ANSWER_KEYS, *_OTHER_KEYS) and key not in INPUT_HEADS and (text := _text(item, joined=True))
    ]
    long = [text for text in texts if text != answer and len(text.split()) >= _LEAST_WORDS]
    return max(long, key=len, default=None)


def _text(value: object, *, joined: bool = False) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value) if isinstance(value, float) else f"{value:d}"
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, list | tuple) and (joined or len(value) == 1):
        return " ".join(text for item in value if (text := _text(item))) or None
    return None


def _key(key: str) -> str:
    return re.sub(r"[\s-]+", "_", key.strip().lower())


def _unescape(raw: str) -> str:
    try:
        return json.loads(f'"{raw}"', strict=False)
    except ValueError:
        return raw.replace('\\"', '"').replace("\\'", "'").replace("\\n", "\n")
