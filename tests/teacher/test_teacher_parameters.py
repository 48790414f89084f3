"""A server that refuses a parameter stops the run, and the message says which setting mends it: a body of each."""

from __future__ import annotations

import json

import pytest
from fake_endpoint import Said, completion, question

from distill.teacher import TeacherError, open_teacher


def openai(message: str, param: str | None = None, code: str | None = None) -> dict:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def pydantic(name: str, message: str = "Extra inputs are not permitted", kind: str = "extra_forbidden") -> dict:
    return {"type": kind, "loc": ["body", name], "msg": message, "input": 1}


TEMPERATURE, TOP_P = "set teacher.temperature (for proposed prompts prompt.temperature) to null", "set teacher.top_p to"
SEED, EFFORT = "set teacher.seed to null", "set teacher.reasoning_effort to null"
LOGPROBS, STRUCTURED = "set teacher.logprobs to false", "set teacher.structured to false"
EXTRA = "the server knows no {}: take it out of teacher.extra"

REFUSALS = {
    "OpenAI, a reasoning model's temperature": (
        400,
        openai(
            "Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1) value is "
            "supported.",
            "temperature",
            "unsupported_value",
        ),
        TEMPERATURE,
    ),
    "OpenAI, a reasoning model's top_p": (
        400,
        openai("Unsupported parameter: 'top_p' is not supported with this model.", "top_p", "unsupported_parameter"),
        TOP_P,
    ),
    "OpenAI, no log probabilities": (
        403,
        openai("You are not allowed to request logprobs from this model.", None, "invalid_request"),
        LOGPROBS,
    ),
    "OpenAI, an effort that the model has not": (
        400,
        openai(
            "Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. Supported values are: "
            "'low', 'medium', and 'high'.",
            "reasoning_effort",
            "unsupported_value",
        ),
        EFFORT,
    ),
    "OpenAI, an effort for a model that does not reason": (
        400,
        openai("Unrecognized request argument supplied: reasoning_effort"),
        EFFORT,
    ),
    "OpenAI, an extra key": (400, openai("Unknown parameter: 'top_k'.", "top_k", "unknown_parameter"), "top_k"),
    "OpenAI, no schemas": (
        400,
        openai(
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
            "response_format",
        ),
        STRUCTURED,
    ),
    "OpenAI, too few tokens": (
        400,
        openai(
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 5 instead.",
            "max_output_tokens",
            "integer_below_min_value",
        ),
        "set teacher.max_tokens to a number",
    ),
    "OpenAI, too many tokens": (
        400,
        openai("max_tokens is too large: 99999. This model supports at most 16384 completion tokens.", "max_tokens"),
        "set teacher.max_tokens to a number",
    ),
    "Azure, an older version of its API": (
        400,
        openai("response_format value as json_schema is enabled only for api versions 2024-08-01-preview and later"),
        STRUCTURED,
    ),
    "Azure, an extra key": (400, openai("Unrecognized request argument supplied: enable_thinking"), "enable_thinking"),
    "Mistral, seed": (
        422,
        {"object": "error", "message": {"detail": [pydantic("seed")]}, "type": "invalid_request_error", "code": None},
        SEED,
    ),
    "Mistral, the field of the limit": (422, {"detail": [pydantic("max_completion_tokens")]}, "_field to max_tokens"),
    "vLLM, an extra key": (
        400,
        {
            "object": "error",
            "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'thinking_mode'), 'msg': 'Extra inputs are not "
            "permitted', 'input': False}]",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
        EXTRA.format("thinking_mode"),
    ),
    "vLLM, an effort": (
        400,
        openai(
            "[" + str(pydantic("reasoning_effort", "Input should be 'low', 'medium' or 'high'", "literal_error")) + "]"
        ),
        EFFORT,
    ),
    "vLLM, log probabilities": (
        400,
        openai("Requested sample logprobs of 5, which is greater than max allowed: 0"),
        LOGPROBS,
    ),
    "vLLM, temperature": (400, openai("temperature must be non-negative, got -1.0."), TEMPERATURE),
    "FastAPI": (422, {"detail": [pydantic("top_p")]}, TOP_P),
    "Anthropic, one of two": (
        400,
        openai("`temperature` and `top_p` cannot both be specified for this model. Please use only one."),
        "server takes; or set teacher.top_p to null",
    ),
    "Anthropic, no longer": (400, openai("`temperature` is deprecated for this model."), TEMPERATURE),
    "Anthropic, an extra key": (
        400,
        openai("guided_json: Extra inputs are not permitted"),
        EXTRA.format("guided_json"),
    ),
    "Gemini, seed": (
        400,
        [{"error": {"code": 400, "message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'}}],
        SEED,
    ),
    "Gemini, log probabilities": (
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "Logprobs is not enabled for models/gemini",
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
        LOGPROBS,
    ),
    "Gemini, thoughts that cannot be turned off": (
        400,
        [{"error": {"code": 400, "message": "Budget 0 is invalid. This model only works in thinking mode."}}],
        EFFORT,
    ),
    "DeepSeek, log probabilities": (
        400,
        openai("deepseek-reasoner does not support this parameter: logprobs"),
        LOGPROBS,
    ),
    "DeepSeek, schemas": (400, openai("This response_format type is unavailable now"), STRUCTURED),
    "DeepSeek, tokens": (
        400,
        openai("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"),
        "set teacher.max_tokens to a number",
    ),
    "Ollama, a model that does not think": (400, openai('"llama3.2:1b" does not support thinking'), EFFORT),
    "Ollama, an effort": (
        400,
        openai('invalid reasoning value: \'xhigh\' (must be "high", "medium", "low", "max" or "none")'),
        EFFORT,
    ),
    "llama.cpp, an old build": (400, {"error": {"code": 400, "message": "Unsupported param: logprobs"}}, LOGPROBS),
    "llama.cpp, schemas": (
        400,
        {"error": {"code": 400, "message": "response_format type must be one of text or json_object, but got: x"}},
        STRUCTURED,
    ),
    "Groq": (400, openai("property 'top_k' is unsupported, did you mean 'top_p'?"), EXTRA.format("top_k")),
    "xAI": (400, {"code": "Client error", "error": "Argument not supported on this model: reasoningEffort"}, EFFORT),
    "a proxy that routes by parameters": (
        404,
        {"error": {"message": "No endpoints found that can handle the requested parameters.", "code": 404}},
        "to null or false one by one",
    ),
    "the field of the limit, where it is named": (
        400,
        openai(
            "Unsupported parameter: 'max_tokens' is not supported here. Use 'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        ),
        "set teacher.max_tokens_field to max_completion_tokens",
    ),
}


def refused(status: int, body: object) -> Said:
    return Said(json.dumps(body).encode(), status)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refused_parameter_stops_the_run_and_names_its_setting(endpoint, settings, name):
    status, body, advice = REFUSALS[name]
    endpoint.answer = lambda sent, times: refused(status, body)
    named = settings({"max_tokens_field": "max_tokens"})
    with open_teacher(named, "annotate") as teacher, pytest.raises(TeacherError) as error:
        list(teacher.ask([question("a")]))
    assert advice in str(error.value), str(error.value)
    assert endpoint.total == 1


@pytest.mark.parametrize(
    "body",
    [
        openai("Invalid parameter: messages must end with a user turn"),
        openai("no such thing here"),
        openai("Unsupported parameter: 'messages'", "messages"),
        {"detail": [pydantic("messages", "Field required", "missing")]},
        openai("you seeded the temperature of the room"),
    ],
)
def test_what_names_no_parameter_keeps_its_own_advice(endpoint, settings, body):
    endpoint.answer = lambda sent, times: refused(400, body)
    advice = "compare the teacher settings with what the server supports"
    with open_teacher(settings(), "annotate") as teacher, pytest.raises(TeacherError, match=advice):
        list(teacher.ask([question("a")]))


def test_a_key_that_is_refused_is_no_parameter(endpoint, settings):
    endpoint.answer = lambda sent, times: refused(401, openai("invalid seed of the key"))
    with open_teacher(settings(), "annotate") as teacher, pytest.raises(TeacherError, match=r"runtime\.key_env"):
        list(teacher.ask([question("a")]))


def test_a_row_that_is_answered_says_nothing(endpoint, settings, capsys):
    endpoint.answer = lambda sent, times: completion("unsupported temperature")
    with open_teacher(settings(), "annotate") as teacher:
        assert [reply.text for reply in teacher.ask([question("a")])] == ["unsupported temperature"]
    assert "set teacher" not in capsys.readouterr().err
