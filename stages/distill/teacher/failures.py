"""What follows from each failure of a call: one table, whose first row that fits decides.

retry   may pass by itself: the call is asked again, up to `runtime.max_retries` times
record  concerns this row alone: it is stored with its status and counted, and never becomes a label
stop    would hit every further call: nothing more is asked, and the message says what to do
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from distill.teacher.parameters import parameter_advice
from distill.visible import one_line

_SHOWN = 500  # characters of a server's code and of its message; the table's patterns are tried on no more

Action = Literal["retry", "record", "stop"]


@dataclass(frozen=True, slots=True)
class Symptom:
    """What is seen of a call without an answer: an HTTP status, or what broke.

    `broke` is "timeout", "connection" (none was made), "cut" (it broke after the request was sent), "torn" (status 200,
    but the body is no JSON object), "empty" (status 200, but no choice or no content), "stopped" (the server broke the
    answer off) or "oversized" (the body has more bytes than runtime.max_body_mb).
    """

    status: int | None = None
    broke: str | None = None
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A row of the table.

    `advice` is what to do. People read it where the failure stops the run; where calls are asked again, they read it
    once, when it begins.
    """

    name: str
    action: Action
    matches: Callable[[Symptom], bool]
    advice: str = ""


# What vendors say where a row's content is the reason, in lower case; but see _EVERY_ROW.
_CONTENT = (
    "content_filter", "content filter", "content_policy", "content policy", "content management policy",
    "responsibleaipolicyviolation", "data_inspection_failed", "datainspectionfailed", "inappropriate content",
    "content exists risk", "content risk", "high risk", "usage policy", "usage policies", "usage guidelines",
    "safety reasons", "safety system", "safety_check", "content filtering", "filtering policy", "sensitivecontent",
    "sensitive content", "new_sensitive", "unsafe content", "prohibited content", "prohibited_content",
    "requires moderation", "input was flagged", "prompt was flagged", "flagged_input", "guardrail", "blocked by safety",
    "prompt was blocked", "request was blocked", "content was blocked", "content is blocked", "blocked content",
    "blocked_content", "moderation_blocked", "content_blocked", "invalid_prompt",
    "不安全或敏感", "敏感内容", "违规",
)  # fmt: skip
# Zhipu's, MiniMax's and Baidu's numbers for the same.
_CONTENT_CODES = re.compile(r"(?<!\d)(?:1301|1026|1027|336104)(?!\d)")

# What vendors say where the account is empty; 1113 is Zhipu's number.
_NO_MONEY = (
    "insufficient_quota", "billing_hard_limit", "billing_not_active", "insufficient balance", "insufficient_balance",
    "insufficient credit", "credit balance", "more credits", "exceeded_current_quota", "arrearage", "freetieronly",
    "allocationquota.free", "key limit exceeded", "余额", "欠费",
)  # fmt: skip
_NO_MONEY_CODE = re.compile(r"(?<!\d)1113(?!\d)")

# What servers say of one prompt that is too long for the model.
_TOO_LONG = (
    "context_length", "context length", "maximum context", "context window", "context size", "context limit",
    "exceed_context", "too many tokens", "too many input tokens", "prompt is too long", "input is too long",
    "input too long", "exceeds max length", "maximum prompt length", "maximum input length", "maximum number of tokens",
    "range of input length", "too large for model", "longer than the model", "reduce the length",
    "reduce your message size", "inputs tokens + max_new_tokens", "max_new_tokens` must be",
    "input length and", "request too large", "request_too_large", "payload too large",
)  # fmt: skip
_REFUSED = (400, 403, 413, 422, 451, 500)
# vLLM's words, where the limit of the answer alone is more than the model has.
_LIMIT_ABOVE_WINDOW = re.compile(r"too large: (\d+)\D.{0,80}?context length is (\d+)")
# Status 400 of some proxies, for a rate limit.
_THROTTLED = ("throttlingexception", "too many requests", "rate limit", "rate_limit")


def _says(symptom: Symptom, *words: str) -> bool:
    text = f"{symptom.code} {symptom.message}".lower()
    return any(word in text for word in words)


# An account, a setting or a proxy that says no says it to every row, whatever else its words are.
_EVERY_ROW = re.compile(
    r"(?i)\baccount|organi[sz]ation|deactivat|suspend|terminat|data polic|\bdisabled\b|permission to"
    r"|\bno \w+ permission|cloudflare|invalid \w*(?: setting| value)|unknown field|<html|<!doctype"
)


def _is_content(symptom: Symptom) -> bool:
    if _EVERY_ROW.search(symptom.message):
        return False
    return symptom.status in _REFUSED and (
        _says(symptom, *_CONTENT) or bool(_CONTENT_CODES.search(symptom.code)) or symptom.status == 451
    )


def _is_too_long(symptom: Symptom) -> bool:
    limit = _LIMIT_ABOVE_WINDOW.search(symptom.message)
    if limit and int(limit[1]) >= int(limit[2]):
        return False
    if symptom.status == 429:
        return _says(symptom, "request too large")
    spoken = symptom.status in (400, 422, 500) and _says(symptom, *_TOO_LONG)
    return symptom.status == 413 or (spoken and not _EVERY_ROW.search(symptom.message))


FAILURES: tuple[Failure, ...] = (
    Failure(
        "timeout", "retry", lambda s: s.broke == "timeout",
        "see that the server is up and not overloaded, lower runtime.concurrency, or raise runtime.timeout_s",
    ),
    Failure(
        "connection", "retry", lambda s: s.broke in ("connection", "cut"),
        "see that the server is up, and that teacher.base_url is its address",
    ),
    Failure("oversized body", "record", lambda s: s.broke == "oversized"),
    Failure("torn JSON", "retry", lambda s: s.broke == "torn"),
    Failure("empty answer", "retry", lambda s: s.broke == "empty"),
    Failure("answer broken off", "retry", lambda s: s.broke == "stopped"),
    Failure(
        "request timeout", "retry", lambda s: s.status in (408, 425, 499),
        "see that the server is not overloaded, or lower runtime.concurrency",
    ),
    Failure("conflict", "retry", lambda s: s.status == 409),
    Failure(
        "quota", "stop",
        lambda s: s.status == 402
        or (
            s.status in (400, 403, 429)
            and (_says(s, *_NO_MONEY) or bool(_NO_MONEY_CODE.search(s.code)))
        ),
        "add credit or raise the spending limit at the provider, then run again: what is stored is not paid twice",
    ),
    # A row that is larger than a minute's allowance never passes.
    Failure(
        "rate limit", "retry",
        lambda s: (s.status == 429 and not _is_too_long(s)) or (s.status == 400 and _says(s, *_THROTTLED)),
    ),
    Failure(
        "server error", "retry",
        lambda s: s.status is not None and s.status >= 500 and not _is_content(s) and not _is_too_long(s),
    ),
    Failure(
        "key", "stop",
        lambda s: s.status == 401 or (s.status == 400 and _says(s, "api key not valid", "invalidapikey")),
        "the server does not accept the key: check the environment variable that runtime.key_env names",
    ),
    Failure("content filter", "record", _is_content),
    Failure(
        "permission", "stop", lambda s: s.status == 403,
        "the key may not use this model, project or region: check its rights at the provider",
    ),
    Failure("context length", "record", _is_too_long),
    Failure(
        "unknown model", "stop",
        lambda s: s.status == 404
        or (s.status == 400 and _says(s, "model_not_found", "model not found", "unknown model")),
        "check teacher.model and teacher.base_url (it usually ends in /v1)",
    ),
    Failure(
        "redirect", "stop", lambda s: s.status is not None and 300 <= s.status < 400,
        "the key and the rows are sent to no other address than teacher.base_url: if the new one is right, set it",
    ),
    Failure(
        "refused request", "stop", lambda s: s.status is not None,
        "the server does not take this request: compare the teacher settings with what the server supports. If it "
        "refuses this one row for its content, put words of this message into teacher.row_errors: such rows are then "
        "recorded, and the run goes on",
    ),
)  # fmt: skip
_ROW = Failure("row error", "record", lambda s: True)
_MARKABLE = frozenset(("permission", "refused request"))

# A row's failure, by the name of its line in the table: what the store and the reply say.
RECORDED = {
    "content filter": "content_filter", "context length": "context_length", "row error": "row_error",
    "oversized body": "oversized",
}  # fmt: skip


def judge_failure(symptom: Symptom, row_errors: Sequence[str] = ()) -> Failure:
    """The first row of FAILURES that fits; where the server names a parameter, with the setting that mends it.

    `row_errors` (teacher.row_errors) are patterns of messages that concern one row alone.
    """
    failure = next(failure for failure in FAILURES if failure.matches(symptom))
    text = f"{symptom.code} {symptom.message}"
    if failure.name in _MARKABLE and any(re.search(pattern, text, re.IGNORECASE) for pattern in row_errors):
        return _ROW
    refused = failure.action == "stop" and symptom.status in (400, 403, 404, 422)
    advice = parameter_advice(text) if refused else None
    return replace(failure, advice=advice) if advice else failure


def http_status(value: Any) -> int | None:
    """A status in a file, as a number or its digits; None where it is neither."""
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value) if len(value) < 5 else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def symptom_of_status(status: int, body: bytes) -> Symptom:
    """An HTTP error as the table reads it; code and message from the body where it has them."""
    try:
        parsed: Any = json.loads(body)
    except (ValueError, RecursionError):
        parsed = None
    if isinstance(parsed, list) and parsed:  # as Gemini's OpenAI layer sends it
        parsed = parsed[0]
    error = parsed.get("error") or parsed if isinstance(parsed, dict) else None
    if isinstance(error, dict):
        code, message = _words(error)
    else:
        code, message = "", _told(error or body[:300].decode(errors="replace"))
    return Symptom(status=status, code=code[:_SHOWN], message=message[:_SHOWN])


def symptom_of_error(error: Any) -> Symptom:
    """An error that stands in a body with status 200, judged as the status that it names, or that its words mean."""
    code, message = _words(error) if isinstance(error, dict) else ("", _told(error))
    symptom = Symptom(code=code[:_SHOWN], message=message[:_SHOWN])
    named = re.match(r"[45]\d\d(?!\d)", code)
    return Symptom(status=int(named[0]) if named else _meant(symptom), code=code[:_SHOWN], message=message[:_SHOWN])


def _meant(symptom: Symptom) -> int:
    """The status for an error that names none; 500 where its words tell nothing, so that it is asked again."""
    if _says(symptom, *_NO_MONEY, "quota exceeded", "current quota") or _NO_MONEY_CODE.search(symptom.code):
        return 402
    if _says(symptom, "model_not_found", "model not found", "unknown model"):
        return 404
    if _says(symptom, "rate limit", "rate_limit", "too many requests", "throttl"):
        return 429
    if _says(symptom, "api key", "api-key", "api_key", "apikey", "unauthorized", "authentication"):
        return 401
    if _says(symptom, *_CONTENT, *_TOO_LONG) or _CONTENT_CODES.search(symptom.code):
        return 400
    return 500


def _told(value: Any) -> str:
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except RecursionError:
        return "(nested too deeply to be shown)"


def _words(error: dict[str, Any]) -> tuple[str, str]:
    """Code and message of an error object, with what a proxy (OpenRouter), Azure or FastAPI puts inside it."""
    inner = error.get("innererror") or error.get("inner_error") or error.get("metadata")
    codes = [error.get(name) for name in ("code", "type", "status", "param")]
    messages = [error.get(name) for name in ("message", "msg", "error_msg", "detail")]
    if isinstance(inner, dict):
        codes.append(inner.get("code"))
        messages += [inner.get("raw"), inner.get("reasons")]
    message = ". ".join(_told(text) for text in messages if text)
    return " ".join(str(code) for code in codes if isinstance(code, (str, int)) and code), message


def recorded_body(body: bytes, symptom: Symptom) -> bytes:
    """The body that is stored of a failure that is recorded: a text, that an export and an import give back as it is;
    where there is none, the symptom in its place."""
    text = body.decode(errors="replace")
    return (text if text.strip() else json.dumps({"error": {"message": symptom.message}})).encode()


def describe_failure(failure: Failure, symptom: Symptom) -> str:
    """The failure in a few words: "rate limit (429): slow down"."""
    status = f" ({symptom.status})" if symptom.status is not None else ""
    return f"{failure.name}{status}" + (f": {one_line(symptom.message, 500).rstrip('.')}" if symptom.message else "")
