"""Stand-ins that speak the chat API as servers do, each in its dialect: what it refuses, adds and counts.

Each answers a practice row with a rationale and a label; `thinks` says whether it thought before that.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from fake_endpoint import FakeEndpoint, Said

ANSWER = "The first is hand sized and the second house sized. So the answer is smaller."
THOUGHT = "Hmm, is the answer larger? Let me think of both. So the answer is larger."
# Tokens of the answer, of the thought, and of the prompt; 4 of the prompt's are cached.
ANSWERED, THOUGHT_OF, PROMPTED = 20, 300, 50
_ALWAYS = {"model", "messages", "max_tokens", "temperature", "top_p"}


def refusal(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> Said:
    body = {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}
    return Said(json.dumps(body).encode(), status)


def answered(body: dict[str, Any], message: dict[str, Any], finish: str, tokens: int, **more: Any) -> Said:
    """A completion in the form that all dialects share. Keywords whose name is a field replace it or are added."""
    usage = {"prompt_tokens": PROMPTED, "completion_tokens": tokens, "total_tokens": PROMPTED + tokens}
    usage |= more.pop("usage", {})
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    choice |= more.pop("choice", {})
    completion = {"id": "c-1", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice]}
    return Said(json.dumps({**completion, "usage": usage, **more}).encode())


def spoken(body: dict[str, Any], *, thinks: bool) -> tuple[str, str | None, str, int]:
    """Content, thought, finish reason and tokens of an answer within the limit of the request."""
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or 10_000
    if not thinks:
        return ANSWER, None, "stop", ANSWERED
    if limit < THOUGHT_OF + ANSWERED:
        return "", THOUGHT[:20], "length", limit
    return ANSWER, THOUGHT, "stop", THOUGHT_OF + ANSWERED


def openai_reasoning(body: dict[str, Any], times: int) -> Said:
    """Takes no sampling settings, one name of the limit, and hides its thoughts."""
    for name in ("max_tokens", "temperature", "top_p", "seed", "logprobs"):
        if name == "max_tokens" and name in body:
            message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
            return refusal(f"{message} 'max_completion_tokens' instead.", name, "unsupported_parameter")
        if name in body:
            message = f"Unsupported value: '{name}' does not support {body[name]} with this model."
            return refusal(f"{message} Only the default (1) value is supported.", name, "unsupported_value")
    if body.get("reasoning_effort") not in (None, "none", "low", "medium", "high"):
        return refusal("Unsupported value: 'reasoning_effort'. Supported values are: 'low'.", "reasoning_effort")
    content, thought, finish, tokens = spoken(body, thinks=body.get("reasoning_effort") != "none")
    details = {"reasoning_tokens": tokens - ANSWERED if thought and content else tokens}
    usage = {"completion_tokens_details": details, "prompt_tokens_details": {"cached_tokens": 4}}
    return answered(body, {"content": content, "refusal": None, "annotations": []}, finish, tokens, usage=usage)


def openai_plain(body: dict[str, Any], times: int) -> Said:
    known = {*_ALWAYS, "max_completion_tokens", "seed", "stop", "response_format", "logprobs", "top_logprobs"}
    if unknown := set(body) - known:
        return refusal(f"Unrecognized request argument supplied: {min(unknown)}")
    return answered(body, {"content": ANSWER, "refusal": None}, "stop", ANSWERED, system_fingerprint="fp_1")


def azure(body: dict[str, Any], times: int) -> Said:
    filters = {"hate": {"filtered": False, "severity": "safe"}, "violence": {"filtered": False, "severity": "safe"}}
    results = [{"prompt_index": 0, "content_filter_results": {"jailbreak": {"filtered": False, "detected": False}}}]
    choice = {"content_filter_results": filters}
    return answered(body, {"content": ANSWER}, "stop", ANSWERED, choice=choice, prompt_filter_results=results)


def openrouter(body: dict[str, Any], times: int) -> Said:
    if not isinstance(body.get("provider", {}), dict):
        return refusal("Invalid input: provider")
    choice = {"native_finish_reason": "stop", "logprobs": None}
    message = {"content": ANSWER, "refusal": None, "reasoning": None}
    return answered(body, message, "stop", ANSWERED, choice=choice, provider="Host", usage={"cost": 0.0001})


def deepseek(body: dict[str, Any], times: int) -> Said:
    content, thought, finish, tokens = spoken(body, thinks=body.get("thinking", {}).get("type") != "disabled")
    message = {"content": content, **({"reasoning_content": thought} if thought else {})}
    usage = {"prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": PROMPTED - 4}
    usage |= {"prompt_tokens_details": {"cached_tokens": 4}}
    return answered(body, message, finish, tokens, usage=usage)


def anthropic(body: dict[str, Any], times: int) -> Said:
    """The layer for OpenAI's clients: it leaves out what it does not know, and takes one of two sampling settings."""
    if "temperature" in body and "top_p" in body:
        return refusal("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    return answered(body, {"content": ANSWER, "refusal": None}, "stop", ANSWERED, service_tier=None)


def mistral(body: dict[str, Any], times: int) -> Said:
    if unknown := set(body) - {*_ALWAYS, "random_seed", "stop", "response_format", "reasoning_effort"}:
        error = {"type": "extra_forbidden", "loc": ["body", min(unknown)], "msg": "Extra inputs are not permitted"}
        return Said(json.dumps({"object": "error", "message": {"detail": [error]}, "code": None}).encode(), 422)
    if body.get("temperature") == 0 and body.get("top_p", 1) != 1:
        return refusal("top_p must be 1 when using greedy sampling.")
    return answered(body, {"content": ANSWER, "tool_calls": None, "prefix": False}, "stop", ANSWERED)


def vllm(body: dict[str, Any], times: int) -> Said:
    content, thought, finish, tokens = spoken(
        body, thinks=body.get("chat_template_kwargs", {}).get("enable_thinking", True) is not False
    )
    message = {"content": content, "reasoning": thought, "refusal": None, "function_call": None, "tool_calls": []}
    choice = {"logprobs": None, "stop_reason": None, "token_ids": None}
    return answered(body, message, finish, tokens, choice=choice, prompt_logprobs=None, kv_transfer_params=None)


def ollama(body: dict[str, Any], times: int) -> Said:
    """`gemma` cannot think, and says so; another model thinks unless it is told not to."""
    effort, able = body.get("reasoning_effort"), not body["model"].startswith("gemma")
    if effort not in (None, "none", "low", "medium", "high", "max"):
        return refusal(f'invalid reasoning value: \'{effort}\' (must be "high", "medium", "low", or "none")')
    if effort is not None and not able:
        return refusal(f'"{body["model"]}" does not support thinking')
    content, thought, finish, tokens = spoken(body, thinks=able and effort != "none")
    message = {"content": content, **({"reasoning": thought} if thought else {})}
    return answered(body, message, finish, tokens, system_fingerprint="fp_ollama", id="chatcmpl-1")


def llama_cpp(body: dict[str, Any], times: int) -> Said:
    content, thought, finish, tokens = spoken(
        body, thinks=body.get("chat_template_kwargs", {}).get("enable_thinking", True) is not False
    )
    message = {"content": content, **({"reasoning_content": thought} if thought else {})}
    timings = {"cache_n": 4, "prompt_n": PROMPTED - 4, "prompt_ms": 11.5, "predicted_n": tokens, "predicted_ms": 90.25}
    return answered(body, message, finish, tokens, timings=timings, system_fingerprint="b9033-70a8309", id="chatcmpl-x")


class DialectEndpoint(FakeEndpoint):
    """Serves under the paths of all vendors; `base_url` is the one that most have."""

    def routes(self, app: web.Application) -> None:
        super().routes(app)
        for prefix in ("/openai/v1", "/api/v1"):
            app.router.add_post(f"{prefix}/chat/completions", self._chat)
