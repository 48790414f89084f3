"""Reads the body of a chat completion, fresh from the server or out of the store."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from distill.teacher.exchange import Token, Usage

_MOST_TOKENS = 2**53  # what every reader of JSON keeps exactly, and a database adds up without overflow


class Unusable(ValueError):
    """A body with status 200 that holds no answer; `broke` is "torn" or "empty" (see failures)."""

    def __init__(self, broke: str, message: str):
        super().__init__(message)
        self.broke = broke


@dataclass(frozen=True, slots=True)
class Reading:
    """The first choice of a completion. `failure` is None, "refusal" or "content_filter".

    A refusal's words stay in the raw body: `text` is None wherever there is a failure. `logprob` is the mean
    natural log-probability of the answer's tokens, where the server gave them.
    """

    text: str | None
    finish_reason: str | None
    failure: str | None
    model: str | None
    fingerprint: str | None
    usage: Usage
    logprob: float | None


def read_completion(body: bytes) -> Reading:
    """Reads a body. A field that has another type than it should counts as missing. Raises Unusable."""
    try:
        completion = json.loads(body.decode("utf-8-sig"))
    except ValueError as error:
        raise Unusable("torn", f"not JSON: {error}") from error
    except RecursionError as error:
        raise Unusable("torn", "JSON nested too deeply") from error
    if not isinstance(completion, dict):
        raise Unusable("torn", f"a JSON {type(completion).__name__}, not an object")
    choices = completion.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Unusable("empty", "no choices")
    choice = choices[0]
    message = choice.get("message")
    if not isinstance(message, dict):
        raise Unusable("empty", "a choice without a message")
    text, finish, failure = message.get("content"), choice.get("finish_reason"), None
    if finish == "content_filter":
        text, failure = None, "content_filter"
    elif message.get("refusal"):
        text, failure = None, "refusal"
    elif text is None and finish == "length":
        text = ""  # cut before the first word, as when all tokens went into hidden reasoning
    elif not isinstance(text, str):
        raise Unusable("empty", "a message without content")
    return Reading(
        _text(text), _text(finish), failure, _text(completion.get("model")),
        _text(completion.get("system_fingerprint")), _usage(completion.get("usage")), _logprob(choice.get("logprobs")),
    )  # fmt: skip


def answer_tokens(body: bytes) -> tuple[Token, ...]:
    """The tokens of a body that `read_completion` takes, with their probabilities.

    None where the server gave no probabilities, or not those of all tokens.
    """
    logprobs = json.loads(body.decode("utf-8-sig"))["choices"][0].get("logprobs")
    entries = logprobs.get("content") if isinstance(logprobs, dict) else None
    tokens = [_token(entry) for entry in entries] if isinstance(entries, list) else []
    readable = tuple(token for token in tokens if token is not None)
    return readable if len(readable) == len(tokens) else ()


def answer_thought(body: bytes) -> str | None:
    """What a model thought before the answer of a body that `read_completion` takes, where the server gives it."""
    return thought_of(json.loads(body.decode("utf-8-sig"))["choices"][0]["message"])


def thought_of(message: dict[str, Any]) -> str | None:
    """The thought beside a message's answer: in a field of its own, in parts with a type, or None."""
    for name in ("reasoning_content", "reasoning", "thinking"):
        if isinstance(message.get(name), str) and message[name].strip():
            return _text(message[name])
    pieces: list[str] = []
    for parts in (message.get("reasoning_details"), message.get("content")):
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict) and str(part.get("type", "")).startswith(("reasoning", "thinking")):
                pieces += _strings(part.get("text") or part.get("thinking") or part.get("summary"))
    return _text("\n".join(pieces)) or None


def _strings(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for part in value for text in _strings(part.get("text") if isinstance(part, dict) else part)]
    return [value] if isinstance(value, str) and value.strip() else []


def _token(entry: Any) -> Token | None:
    chance = _chance(entry)
    if chance is None:
        return None
    top = entry.get("top_logprobs")
    chances = map(_chance, top if isinstance(top, list) else ())
    return Token(*chance, tuple(other for other in chances if other is not None))


def _chance(entry: Any) -> tuple[str, float] | None:
    text, log = (entry.get("token"), entry.get("logprob")) if isinstance(entry, dict) else (None, None)
    if not isinstance(text, str) or not isinstance(log, (int, float)) or not math.isfinite(log):
        return None
    return text, math.exp(min(log, 0.0))


def _text(value: Any) -> str | None:
    # Half of a surrogate pair, as of an emoji that max_tokens cut, is no text that a file or database takes.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None


def _logprob(logprobs: Any) -> float | None:
    entries = logprobs.get("content") if isinstance(logprobs, dict) else None
    values = [token.get("logprob") for token in entries or () if isinstance(token, dict)]
    numbers = [value for value in values if isinstance(value, (int, float))]
    return sum(numbers) / len(numbers) if numbers and len(numbers) == len(values) else None


def _usage(reported: Any) -> Usage:
    if not isinstance(reported, dict):
        return Usage()
    tokens_in, tokens_out = _count(reported.get("prompt_tokens")), _count(reported.get("completion_tokens"))
    if tokens_in is None or tokens_out is None:
        return Usage()
    details = reported.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return Usage(tokens_in, min(cached or 0, tokens_in), tokens_out, "reported")


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else None
