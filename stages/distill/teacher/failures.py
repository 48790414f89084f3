"""What follows from each failure of a call: one table, whose first row that fits decides.

retry   may pass by itself: the call is asked again, up to `runtime.max_retries` times
record  concerns this row alone: it is stored with its status and counted, and never becomes a label
stop    would hit every further call: nothing more is asked, and the message says what to do
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from distill.teacher.parameters import parameter_advice

Action = Literal["retry", "record", "stop"]


@dataclass(frozen=True, slots=True)
class Symptom:
    """What is seen of a call without an answer: an HTTP status, or what broke.

    `broke` is "timeout", "connection" (refused, cut or reset), "torn" (status 200, but the body is no JSON object) or
    "empty" (status 200, but no choice or no content).
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


def _says(symptom: Symptom, *words: str) -> bool:
    text = f"{symptom.code} {symptom.message}".lower()
    return any(word in text for word in words)


FAILURES: tuple[Failure, ...] = (
    Failure(
        "timeout", "retry", lambda s: s.broke == "timeout",
        "see that the server is up and not overloaded, lower runtime.concurrency, or raise runtime.timeout_s",
    ),
    Failure(
        "connection", "retry", lambda s: s.broke == "connection",
        "see that the server is up, and that teacher.base_url is its address",
    ),
    Failure("torn JSON", "retry", lambda s: s.broke == "torn"),
    Failure("empty choices", "retry", lambda s: s.broke == "empty"),
    Failure(
        "request timeout", "retry", lambda s: s.status == 408,
        "see that the server is not overloaded, or lower runtime.concurrency",
    ),
    Failure("conflict", "retry", lambda s: s.status == 409),
    Failure(
        "quota", "stop",
        lambda s: s.status == 402
        or (s.status == 429 and _says(s, "insufficient_quota", "billing_hard_limit", "billing_not_active")),
        "add credit or raise the spending limit at the provider, then run again: what is stored is not paid twice",
    ),
    Failure("rate limit", "retry", lambda s: s.status == 429),
    Failure("server error", "retry", lambda s: s.status is not None and s.status >= 500),
    Failure(
        "key", "stop", lambda s: s.status == 401,
        "the server does not accept the key: check the environment variable that runtime.key_env names",
    ),
    Failure(
        "permission", "stop", lambda s: s.status == 403,
        "the key may not use this model, project or region: check its rights at the provider",
    ),
    Failure(
        "content filter", "record",
        lambda s: s.status == 400
        and _says(s, "content_filter", "content_policy_violation", "responsibleaipolicyviolation"),
    ),
    Failure(
        "context length", "stop",
        lambda s: s.status in (400, 413)
        and _says(s, "context_length", "context length", "maximum context", "context window", "too many tokens"),
        "the prompt and teacher.max_tokens do not fit the model: shorten the prompt or the row, lower "
        "teacher.max_tokens, or take a model with a longer context",
    ),
    Failure(
        "unknown model", "stop",
        lambda s: s.status == 404
        or (s.status == 400 and _says(s, "model_not_found", "model not found", "unknown model")),
        "check teacher.model and teacher.base_url (it usually ends in /v1)",
    ),
    Failure(
        "refused request", "stop", lambda s: s.status is not None,
        "the server does not take this request: compare the teacher settings with what the server supports",
    ),
)  # fmt: skip


def judge_failure(symptom: Symptom) -> Failure:
    """The first row of FAILURES that fits; where the server names a parameter, with the setting that mends it."""
    failure = next(failure for failure in FAILURES if failure.matches(symptom))
    refused = failure.action == "stop" and symptom.status in (400, 403, 404, 422)
    advice = parameter_advice(f"{symptom.code} {symptom.message}") if refused else None
    return replace(failure, advice=advice) if advice else failure


def symptom_of_status(status: int, body: bytes) -> Symptom:
    """An HTTP error as the table reads it; code and message from the body where it has them."""
    try:
        parsed: Any = json.loads(body)
    except ValueError:
        parsed = None
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else None
    if isinstance(error, dict):
        code = " ".join(str(error[name]) for name in ("code", "type", "param") if error.get(name))
        message = str(error.get("message") or error.get("detail") or "")
    else:
        code, message = "", str(error or body[:300].decode(errors="replace"))
    return Symptom(status=status, code=code, message=message[:500])


def describe_failure(failure: Failure, symptom: Symptom) -> str:
    """The failure in a few words: "rate limit (429): slow down"."""
    status = f" ({symptom.status})" if symptom.status is not None else ""
    return f"{failure.name}{status}" + (f": {symptom.message}" if symptom.message else "")
