"""A chat request as Anthropic's Messages API takes it, and its answer as a chat completion.

The parts of platform.claude.com/docs/en/api/messages that this project's requests and answers have.
"""

from __future__ import annotations

from typing import Any

from distill.teacher.exchange import TeacherError

_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_FINISHES = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "refusal": "content_filter"}
# What the Messages API has in another form or not at all, with the setting that asks for it.
_ELSEWHERE = {
    "logprobs": "teacher.logprobs: Anthropic gives no log probabilities: set it to false",
    "response_format": "teacher.structured: is for live calls: set it to false",
    "reasoning_effort": "teacher.reasoning_effort: Anthropic's batches take it as teacher.extra, as "
    "{output_config: {effort: low}}: set this to null",
}


def messages_params(chat: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a message, from the body of a chat completion request.

    A seed is left out, as Anthropic's own chat API does. What stands in teacher.extra goes along as it is. Raises
    TeacherError where the request asks for what there is not.
    """
    for name, advice in _ELSEWHERE.items():
        if name in chat:
            raise TeacherError(advice)
    renamed = {"max_completion_tokens": "max_tokens", "stop": "stop_sequences"}
    left_out = {"messages", "seed"}
    params = {renamed.get(name, name): value for name, value in chat.items() if name not in left_out}
    system = [message["content"] for message in chat["messages"] if message["role"] == "system"]
    params["messages"] = [message for message in chat["messages"] if message["role"] != "system"]
    return params | ({"system": "\n\n".join(system)} if system else {})


def chat_completion(message: dict[str, Any]) -> dict[str, Any]:
    """An answer in the form of a chat completion; `original` holds it as it came."""
    parts = [part for part in message.get("content") or () if isinstance(part, dict)]
    thought = "\n".join(str(part["thinking"]) for part in parts if part.get("thinking"))
    texts = [part["text"] for part in parts if isinstance(part.get("text"), str)]
    answer = {"role": "assistant", "content": "".join(texts) if texts else None}
    reason = message.get("stop_reason")
    choice = {"index": 0, "message": answer, "finish_reason": _FINISHES.get(reason, reason)}
    if thought:
        answer["reasoning_content"] = thought
    completion = {"object": "chat.completion", "id": message.get("id"), "model": message.get("model")}
    return {**completion, "choices": [choice], "usage": _usage_in_chat(message.get("usage")), "original": message}


def error_status(error: dict[str, Any]) -> int:
    """The HTTP status that stands for an error of the Messages API, by its type."""
    return _STATUS.get(str(error.get("type")), 500)


def _usage_in_chat(usage: Any) -> dict[str, Any] | None:
    """Tokens as a chat completion counts them: those read from the cache and those written to it are part of the
    prompt."""
    if not isinstance(usage, dict):
        return None
    cached = usage.get("cache_read_input_tokens") or 0
    tokens_in = (usage.get("input_tokens") or 0) + (usage.get("cache_creation_input_tokens") or 0) + cached
    tokens_out = usage.get("output_tokens") or 0
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
