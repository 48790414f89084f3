"""Reads the body of a chat completion, fresh from the server or out of the store."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from distill.teacher.exchange import Token, Usage

# A server that reports more for one answer is not believed: no model writes or reads as much.
_MOST_TOKENS = 10**7
_LEAST_LOGPROB = -(10.0**6)  # of a token; its probability is 0 long before
_MOST_LEVELS = 100  # kept of a body that is nested too deeply to be parsed whole; what is read lies in the first ten
# A string, to its end or the text's, that it need not be looked through again; else a run of brackets of one kind.
_STRUCTURE = re.compile(r""""[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[{]+|[\]}]+""", re.DOTALL)

# What servers call the ends of an answer, in lower case: whole, cut, and kept back.
_WHOLE = frozenset(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed", "finished"))
_CUT = frozenset(
    ("length", "max_tokens", "max_output_tokens", "max_completion_tokens", "model_length", "token_limit",
     "model_context_window_exceeded", "context_window_exceeded")
)  # fmt: skip
_FILTERED = frozenset(
    ("sensitive", "safety", "recitation", "blocklist", "prohibited_content", "spii", "guardrail_intervened",
     "image_safety", "language", "error_toxic")
)  # fmt: skip
# Answers that cannot be used, and may come out better when asked again.
PASSING = frozenset(("empty", "stopped"))


class Unusable(ValueError):
    """A body with status 200 that holds no completion.

    `broke` is "torn" (no JSON object), "empty" (no choices) or "error": then `error` is the object that says which.
    `usage` is what the server counts all the same.
    """

    def __init__(self, broke: str, message: str, usage: Usage | None = None, error: Any = None):
        super().__init__(message)
        self.broke, self.usage, self.error = broke, usage or Usage(), error


@dataclass(frozen=True, slots=True)
class Reading:
    """The first choice of a completion.

    `failure` is None, "refusal", "content_filter", "empty" (no text), or "stopped" (the server broke off). The words of
    a failed answer stay in the raw body: `text` is None wherever there is a failure. `finish_reason` is "stop" or
    "length", whatever the server calls them, "stopped: NAME", or None where the server says nothing. `logprob` is the
    mean natural log-probability of the answer's tokens, where the server gave them. `odd` names what cannot be
    believed in the body, a sentence each.
    """

    text: str | None
    finish_reason: str | None
    failure: str | None
    model: str | None
    fingerprint: str | None
    usage: Usage
    logprob: float | None
    odd: tuple[str, ...] = ()


def read_completion(body: bytes) -> Reading:
    """Reads a body. A field that has another type than it should counts as missing. Raises Unusable."""
    try:
        return _read(_object(body))
    except Unusable:
        raise
    except Exception as error:  # a body that nobody thought of is paid like any other, and ends no run
        raise Unusable("torn", f"cannot be read: {type(error).__name__}: {str(error)[:100]}") from error


def _read(completion: dict[str, Any]) -> Reading:
    usage, odd = _usage(completion.get("usage"))
    choices = completion.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    error = error_of(completion) or (choice.get("error") if isinstance(choice, dict) else None)
    if error:
        raise Unusable("error", "an error with status 200", usage, error)
    if not isinstance(choice, dict) and usage.tokens_from is None:
        raise Unusable("empty", "no choices")
    choice = choice if isinstance(choice, dict) else {}
    logprob, unlikely = _logprob(choice.get("logprobs"))
    text, finish, failure = _judged(_message(choice), choice.get("finish_reason"))
    return Reading(
        text, finish, failure, _text(completion.get("model")), _text(completion.get("system_fingerprint")), usage,
        logprob, (*odd, *unlikely),
    )  # fmt: skip


def _object(body: bytes) -> dict[str, Any]:
    try:
        parsed = parsed_json(body.decode("utf-8-sig"))
    except ValueError as error:
        stream = "a stream, though none was asked for" if body.lstrip().startswith(b"data:") else "not JSON"
        raise Unusable("torn", f"{stream}: {body[:60]!r}") from error
    if not isinstance(parsed, dict):
        raise Unusable("torn", f"a JSON {type(parsed).__name__}, not an object")
    return parsed


def parsed_json(text: str) -> Any:
    """The value of a JSON text, nested however deeply: in one that Python does not parse for its depth, values below
    level 100 are null. Raises ValueError."""
    try:
        return _parsed(text)
    except RecursionError:
        return _parsed(_shallow(text))


def _shallow(text: str) -> str:
    """A JSON text with null for every list and object below the level `_MOST_LEVELS`."""
    pieces, depth, kept_to = [], 0, 0
    for structure in _STRUCTURE.finditer(text):
        run = structure[0]
        if run[0] in "[{":
            if depth <= _MOST_LEVELS < depth + len(run):
                pieces += text[kept_to : structure.start() + _MOST_LEVELS - depth], "null"
            depth += len(run)
        elif run[0] in "]}":
            if depth - len(run) <= _MOST_LEVELS < depth:
                kept_to = structure.start() + depth - _MOST_LEVELS
            depth -= len(run)
    return "".join(pieces) + (text[kept_to:] if depth <= _MOST_LEVELS else "")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # a whole number of more digits than Python takes, in a field of no interest perhaps
        return json.loads(text, parse_int=float)


def error_of(completion: dict[str, Any]) -> Any:
    """The error that stands in a body in the place of an answer; None where there is none."""
    if completion.get("error"):
        return completion["error"]
    if "choices" in completion:
        return None
    base = completion.get("base_resp")  # MiniMax's place for it
    if isinstance(base, dict) and base.get("status_code"):
        return {"code": str(base["status_code"]), "message": base.get("status_msg")}
    named = any(completion.get(name) for name in ("message", "msg", "detail", "error_msg", "errors"))
    return completion if named and completion.get("usage") is None else None


def _message(choice: Any) -> dict[str, Any]:
    message = choice.get("message") if isinstance(choice, dict) else None
    if isinstance(message, str):
        return {"content": message}
    return message if isinstance(message, dict) else {}


def _judged(message: dict[str, Any], reason: Any) -> tuple[str | None, str | None, str | None]:
    """Text, finish reason and failure of a message."""
    named = (_text(reason) if isinstance(reason, str) else reason and _shown(reason)) or None
    end = (named or "").lower()
    text, refused = _content(message.get("content"))
    if end in _FILTERED or end.startswith("content_filter"):
        return None, "content_filter", "content_filter"
    if message.get("refusal") or refused or end == "refusal":
        return None, _whole(end), "refusal"
    if end in _CUT:  # cut before the first word, as when all tokens went into hidden reasoning, is an empty text
        return text or "", "length", None
    if named is not None and end not in _WHOLE:
        return None, f"stopped: {named[:50]}", "stopped"
    if not (text or "").strip():
        return None, _whole(end), "empty"
    return text, _whole(end), None


def _whole(end: str) -> str | None:
    return "stop" if end else None


def _content(content: Any) -> tuple[str | None, bool]:
    """The text of a message's content, a string or parts with a type, and whether a part is a refusal."""
    if isinstance(content, str):
        return _text(content), False
    pieces = content if isinstance(content, list) else []
    parts = [{"text": piece} if isinstance(piece, str) else piece for piece in pieces]
    parts = [part for part in parts if isinstance(part, dict)]
    texts = [part.get("text") for part in parts if part.get("type", "text") in ("text", "output_text")]
    joined = "".join(text for text in texts if isinstance(text, str))
    return _text(joined) or None, any(part.get("type") == "refusal" for part in parts)


def answer_tokens(body: bytes) -> tuple[Token, ...]:
    """The tokens of a body that `read_completion` takes, with their probabilities.

    None where the server gave no probabilities, or not those of all tokens.
    """
    logprobs = _object(body)["choices"][0].get("logprobs")
    entries = logprobs.get("content") if isinstance(logprobs, dict) else None
    tokens = [_token(entry) for entry in entries] if isinstance(entries, list) else []
    readable = tuple(token for token in tokens if token is not None)
    return readable if len(readable) == len(tokens) else ()


def answer_thought(body: bytes) -> str | None:
    """What a model thought before the answer of a body that `read_completion` takes, where the server gives it."""
    return thought_in(_object(body))


def thought_in(completion: dict[str, Any]) -> str | None:
    """The thought beside the answer of a completion: in a field of its own, in parts with a type, or None."""
    message = _message(completion["choices"][0])
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
    if not isinstance(text, str) or not isinstance(log, (int, float)) or not _is_finite(log):
        return None
    return text, math.exp(min(log, 0.0))


def _text(value: Any) -> str | None:
    # Half of a surrogate pair, as of an emoji that max_tokens cut, is no text that a file or database takes.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None


def _logprob(logprobs: Any) -> tuple[float | None, tuple[str, ...]]:
    entries = logprobs.get("content") if isinstance(logprobs, dict) else None
    values = [entry.get("logprob") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if not numbers or len(numbers) != len(entries):
        return None, ()
    if not all(_is_finite(number) for number in numbers):
        return None, ("a log probability is no finite number: the answer has no confidence",)
    return sum(min(max(number, _LEAST_LOGPROB), -_LEAST_LOGPROB) for number in numbers) / len(numbers), ()


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number of more than 308 digits
        return False


def _usage(reported: Any) -> tuple[Usage, tuple[str, ...]]:
    """The tokens that a server reports, and what is wrong with them.

    Tokens out are the larger of `completion_tokens` and `total_tokens - prompt_tokens`: some servers leave the thoughts
    of a reasoning model out of the first, and bill them.
    """
    if reported is None:
        return Usage(), ()
    fields = reported if isinstance(reported, dict) else {}
    tokens_in, tokens_out = (
        _count(fields.get(name, fields.get(other)))
        for name, other in (("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"))
    )
    total = _count(fields.get("total_tokens"))
    # No model answers a prompt of no tokens.
    if not tokens_in or (tokens_out is None and (total is None or total < tokens_in)):
        return Usage(), (f"usage {_shown(reported)!r} cannot be read: tokens are counted here",)
    billed = max(tokens_out or 0, (total or 0) - tokens_in)
    unwritten = 0 if tokens_out is None else billed - tokens_out
    thought = _count(_detail(fields, "completion_tokens_details", "reasoning_tokens")) or 0
    cached = _count(_detail(fields, "prompt_tokens_details", "cached_tokens"))
    if cached is None:
        cached = _count(fields.get("prompt_cache_hit_tokens"))  # DeepSeek's name
    reasoning = min(max(thought, unwritten), billed)
    return Usage(tokens_in, min(cached or 0, tokens_in), billed, "reported", reasoning), ()


def _shown(value: Any) -> str:
    try:
        return str(value)[:100]
    except (RecursionError, ValueError):  # nested too deeply, or of too many digits
        return f"(a {type(value).__name__})"


def _detail(fields: dict[str, Any], group: str, name: str) -> Any:
    details = fields.get(group)
    return details.get(name) if isinstance(details, dict) else None


def _count(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else None
