"""The chat completions API as OpenAI documents it: requests read and checked, answers and errors written."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from distill.teacher.simulated.tokens import count_prompt_pieces

SIMULATED_MODEL = "simulated-1"
# Tokens of prompt and answer together.
CONTEXT = 16_384
_DEFAULT_TOKENS = 1_024
_MOST_CHOICES, _MOST_TOP_LOGPROBS, _MOST_STOPS = 16, 20, 4

_NUMBERS: dict[str, tuple[type | tuple[type, ...], float, float]] = {
    "temperature": ((int, float), 0, 2),
    "top_p": ((int, float), 0, 1),
    "max_tokens": (int, 1, CONTEXT),
    "max_completion_tokens": (int, 1, CONTEXT),
    "n": (int, 1, _MOST_CHOICES),
    "seed": (int, -(2**63), 2**63 - 1),
    "top_logprobs": (int, 0, _MOST_TOP_LOGPROBS),
}
_OTHERS = ("model", "messages", "stop", "response_format", "logprobs", "stream", "user")
_ROLES = ("system", "developer", "user", "assistant")
_FORMATS = ("text", "json_object", "json_schema")


class ApiError(Exception):
    """An error as the API reports it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
    ):
        super().__init__(message)
        self.status, self.message, self.kind, self.param, self.code = status, message, kind, param, code

    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


@dataclass(frozen=True, slots=True)
class Chat:
    """A request that can be answered. `turns` are (role, text); `key` stands for the whole of it, `topic` for
    what counts at temperature 0: the messages and the format."""

    turns: tuple[tuple[str, str], ...]
    temperature: float
    top_p: float
    limit: int
    n: int
    stop: tuple[str, ...]
    schema: dict[str, Any] | None
    json: bool
    logprobs: bool
    top_logprobs: int
    prompt_tokens: int
    key: str
    topic: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer. `logprobs` are (token, log probability, alternatives), where they were asked for."""

    text: str | None
    finish_reason: str
    tokens: int
    refusal: str | None = None
    logprobs: list[dict[str, Any]] | None = None


def read_chat(content: bytes, sample: str = "") -> Chat:
    """Reads a request's body; `sample` tells repeated draws apart. Raises ApiError."""
    try:
        body = json.loads(content)
    except ValueError as error:
        raise ApiError(400, f"We could not parse the JSON body of your request: {error}") from error
    if not isinstance(body, dict):
        raise ApiError(400, "The body must be a JSON object.")
    for name in body:
        if name not in _NUMBERS and name not in _OTHERS:
            raise ApiError(400, f"Unrecognized request argument supplied: {name}", param=name, code="unknown_parameter")
    model = body.get("model")
    if not isinstance(model, str):
        raise ApiError(400, "You must provide a model parameter.", param="model")
    if model != SIMULATED_MODEL:
        raise ApiError(
            404,
            f"The model `{model}` does not exist or you do not have access to it.",
            param="model",
            code="model_not_found",
        )
    turns = _turns(body.get("messages"))
    for name, (kind, least, most) in _NUMBERS.items():
        value = body.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most):
            raise _invalid(name, value, f"a number from {least} to {most}")
    for name in ("logprobs", "stream"):
        if body.get(name) not in (None, True, False):
            raise _invalid(name, body[name], "true or false")
    if body.get("stream"):
        raise ApiError(
            400, "The simulated model does not stream; leave `stream` out.", param="stream", code="unsupported_value"
        )
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or _DEFAULT_TOKENS
    prompt_tokens = count_prompt_pieces(text for _, text in turns)
    if prompt_tokens + limit > CONTEXT:
        raise context_exceeded(prompt_tokens, limit)
    schema, as_json = _format(body.get("response_format"), turns)
    topic = {"messages": turns, "response_format": body.get("response_format")}
    return Chat(
        turns=turns,
        temperature=_or(body.get("temperature"), 1.0),
        top_p=_or(body.get("top_p"), 1.0),
        limit=limit,
        n=_or(body.get("n"), 1),
        stop=_stops(body.get("stop")),
        schema=schema,
        json=as_json,
        logprobs=bool(body.get("logprobs")),
        top_logprobs=_or(body.get("top_logprobs"), 0),
        prompt_tokens=prompt_tokens,
        key=json.dumps([body, sample], sort_keys=True),
        topic=json.dumps(topic, sort_keys=True),
    )


def completion(chat: Chat, choices: list[Choice], *, code: str, fingerprint: str) -> dict[str, Any]:
    """The body of an answer; `code` makes its id."""
    answered = sum(choice.tokens for choice in choices)
    return {
        "id": f"chatcmpl-{code}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": SIMULATED_MODEL,
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", "content": choice.text, "refusal": choice.refusal},
                "logprobs": None if choice.logprobs is None else {"content": choice.logprobs, "refusal": None},
                "finish_reason": choice.finish_reason,
            }
            for index, choice in enumerate(choices)
        ],
        "usage": {
            "prompt_tokens": chat.prompt_tokens,
            "completion_tokens": answered,
            "total_tokens": chat.prompt_tokens + answered,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
        "system_fingerprint": fingerprint,
    }


def models() -> dict[str, Any]:
    """The body of GET /v1/models."""
    return {
        "object": "list",
        "data": [{"id": SIMULATED_MODEL, "object": "model", "created": 0, "owned_by": "simulated"}],
    }


def context_exceeded(prompt_tokens: int, limit: int) -> ApiError:
    message = (
        f"This model's maximum context length is {CONTEXT} tokens. However, you requested {prompt_tokens + limit} "
        f"tokens ({prompt_tokens} in the messages, {limit} in the completion). Please reduce the length of the "
        "messages or completion."
    )
    return ApiError(400, message, param="messages", code="context_length_exceeded")


def _turns(messages: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(messages, list) or not messages:
        raise ApiError(
            400,
            "Missing required parameter: 'messages', a list that is not empty.",
            param="messages",
            code="missing_required_parameter",
        )
    turns = []
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise _invalid(
                f"{where}.role", message.get("role") if isinstance(message, dict) else message, ", ".join(_ROLES)
            )
        content = message.get("content")
        if isinstance(content, list) and all(
            isinstance(part, dict) and isinstance(part.get("text"), str) for part in content
        ):
            content = "\n".join(part["text"] for part in content)
        if not isinstance(content, str):
            raise _invalid(f"{where}.content", content, "a string, or a list of text parts")
        turns.append((message["role"], content))
    return tuple(turns)


def _format(response_format: Any, turns: tuple[tuple[str, str], ...]) -> tuple[dict[str, Any] | None, bool]:
    """(schema, whether the answer is JSON)."""
    if response_format is None:
        return None, False
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    if kind not in _FORMATS:
        raise _invalid("response_format.type", kind, ", ".join(_FORMATS))
    if kind == "json_object" and not any("json" in text.lower() for _, text in turns):
        raise ApiError(
            400,
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            param="messages",
        )
    if kind != "json_schema":
        return None, kind == "json_object"
    described = response_format.get("json_schema")
    if not isinstance(described, dict) or not isinstance(described.get("name"), str):
        raise _invalid("response_format.json_schema", described, "an object with name and schema")
    schema = described.get("schema")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise _invalid("response_format.json_schema.schema", schema, "a JSON schema of type object")
    return schema, True


def _stops(value: Any) -> tuple[str, ...]:
    stops = () if value is None else value
    if isinstance(value, str):
        stops = (value,)
    if (
        not isinstance(stops, (list, tuple))
        or len(stops) > _MOST_STOPS
        or not all(isinstance(stop, str) and stop for stop in stops)
    ):
        raise _invalid("stop", value, f"a string, or up to {_MOST_STOPS}")
    return tuple(stops)


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _invalid(name: str, value: Any, allowed: str) -> ApiError:
    return ApiError(
        400,
        f"Invalid value for '{name}': {json.dumps(value)[:80]}. Supported: {allowed}.",
        param=name,
        code="invalid_value",
    )
