"""Failures that the server gives on purpose, so that a client can be tried against each of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from distill.teacher.simulated.knowledge import Luck
from distill.teacher.simulated.protocol import ApiError

# name: (status, type, code, message) of failures that are answered in the API's own form.
ERRORS: dict[str, tuple[int, str, str | None, str]] = {
    "timeout_408": (408, "timeout_error", None, "Request timed out."),
    "conflict_409": (409, "conflict_error", None, "The request conflicted with another one."),
    "rate_limit": (
        429,
        "requests",
        "rate_limit_exceeded",
        "Rate limit reached for simulated-1 on requests per min (RPM). Please try again shortly.",
    ),
    "insufficient_quota": (
        429,
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "unauthorized": (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    "forbidden": (
        403,
        "invalid_request_error",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    "model_not_found": (
        404,
        "invalid_request_error",
        "model_not_found",
        "The model does not exist or you do not have access to it.",
    ),
    "bad_request": (400, "invalid_request_error", None, "Invalid request."),
    "no_response_format": (
        400,
        "invalid_request_error",
        None,
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
    ),
    "context_length": (
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "This model's maximum context length was exceeded. Please reduce the length of the messages.",
    ),
    "server_error": (
        500,
        "server_error",
        None,
        "The server had an error while processing your request. Sorry about that!",
    ),
    "unavailable": (503, "service_unavailable", None, "The engine is currently overloaded, please try again later."),
}
# bad_gateway: an HTML page, as a proxy sends it. hang: no answer. cut: the connection is closed before an
# answer; torn_body: in the middle of one. torn_json: half of a body, as if it were whole.
CONNECTION = ("bad_gateway", "hang", "cut", "torn_body", "torn_json")
# Answers of status 200 that hold none, or not all of one.
ANSWERS = ("empty_choices", "null_content", "refusal", "content_filter", "length")
FAULT_KINDS = (*ERRORS, *CONNECTION, *ANSWERS)


@dataclass(frozen=True, slots=True)
class ServerFault:
    """A failure, and when the server gives it.

    kind: one of FAULT_KINDS. rate: share of tries that fail so, 0 to 1. first: the first so many tries of each
    request fail so. containing: only requests whose body holds this text. retry_after: seconds, sent as
    the header Retry-After; rate_limit alone sends the x-ratelimit-* headers as well, with this as the
    time to their reset.
    """

    kind: str
    rate: float = 0.0
    first: int = 0
    containing: str = ""
    retry_after: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise ValueError(f"kind of fault is {self.kind!r}; allowed: {', '.join(FAULT_KINDS)}")
        if not 0 <= self.rate <= 1 or self.first < 0 or not (self.rate or self.first):
            raise ValueError(
                f"fault {self.kind!r}: rate is {self.rate} and first is {self.first}; give a rate above 0, to 1, or a "
                "count of first tries"
            )

    def error(self) -> ApiError:
        """The error of a kind in ERRORS."""
        status, kind, code, message = ERRORS[self.kind]
        return ApiError(status, message, kind=kind, code=code)

    def headers(self) -> dict[str, str]:
        headers = {}
        if self.retry_after is not None:
            headers["Retry-After"] = f"{self.retry_after:g}"
        if self.kind == "rate_limit" and self.retry_after is not None:
            reset = f"{self.retry_after * 1000:g}ms" if self.retry_after < 1 else f"{self.retry_after:g}s"
            for what, limit in (("requests", "500"), ("tokens", "200000")):
                headers |= {
                    f"x-ratelimit-limit-{what}": limit,
                    f"x-ratelimit-remaining-{what}": "0",
                    f"x-ratelimit-reset-{what}": reset,
                }
        return headers


def faults_from(values: Iterable[Mapping[str, Any]]) -> tuple[ServerFault, ...]:
    """Faults from plain objects. Raises ValueError naming what is wrong."""
    keys = [field.name for field in fields(ServerFault)]
    for value in values:
        for name in value:
            if name not in keys:
                raise ValueError(f"fault {dict(value)}: unknown key {name!r}; known: {', '.join(keys)}")
    return tuple(ServerFault(**value) for value in values)


class FaultSchedule:
    """Decides which try of which request fails, by the request's content and the number of the try."""

    def __init__(self, faults: Iterable[ServerFault]):
        self.faults = tuple(faults)
        self._tries: Counter[bytes] = Counter()

    def next(self, content: bytes) -> ServerFault | None:
        """The fault of this try of the request, if any. Of several, the first that applies."""
        if not self.faults:
            return None
        digest = hashlib.blake2b(content, digest_size=12).digest()
        number = self._tries[digest]
        self._tries[digest] += 1
        luck = Luck(f"fault/{digest.hex()}/{number}")
        for index, fault in enumerate(self.faults):
            if fault.containing.encode() in content and (number < fault.first or luck.chance(f"{index}", fault.rate)):
                return fault
        return None
