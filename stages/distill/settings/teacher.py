from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from distill.settings.loader import JsonObject, Refused, setting

# What a request says already, or what would make it another kind of request, and where that is decided.
_ELSEWHERE = {
    "messages": "the prompt decides it (prompt.explain, prompt.label_only, prompt.system)",
    "model": "teacher.model decides it",
    "temperature": "teacher.temperature decides it",
    "top_p": "teacher.top_p decides it",
    "seed": "teacher.seed decides it",
    "max_tokens": "teacher.max_tokens decides it",
    "max_completion_tokens": "teacher.max_tokens decides it, and teacher.max_tokens_field",
    "reasoning_effort": "teacher.reasoning_effort decides it",
    "logprobs": "teacher.logprobs decides it",
    "top_logprobs": "teacher.logprobs decides it",
    "response_format": "teacher.structured decides it",
    "n": "annotate.samples decides how many answers a row gets",
    "stream": "answers are read whole; leave it out",
    "stream_options": "answers are read whole; leave it out",
}
_SECRET = re.compile(r"(?:.*[_-])?(?:api[_-]?key|authorization|password|secret|access[_-]?token)\Z", re.IGNORECASE)


@dataclass(frozen=True)
class TeacherSettings:
    """Who answers, and all that determines the answer besides the prompt. A null is not sent."""

    provider: Literal["simulated", "openai", "recorded"]
    mode: Literal["live", "batch"]
    model: str
    base_url: str | None
    path: str
    temperature: float | None = setting(least=0, most=2)
    top_p: float | None = setting(above=0, most=1)
    max_tokens: int = setting(least=1)
    max_tokens_field: Literal["auto", "max_tokens", "max_completion_tokens"]
    seed: int | None = setting(least=0)
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max", "default"] | None
    extra: JsonObject | None
    logprobs: bool
    structured: bool

    def __post_init__(self) -> None:
        if self.base_url is not None and not self.base_url.startswith(("http://", "https://")):
            raise Refused(
                "base_url", f"is {self.base_url!r}; allowed: null, or an address that starts with http:// or https://"
            )
        if self.base_url is not None and "@" in self.base_url.split("://", 1)[1].split("/", 1)[0]:
            raise Refused(
                "base_url", "holds a user name or password; secrets come from the environment alone (runtime.key_env)"
            )
        for name in self.extra or {}:
            if name in _ELSEWHERE:
                raise Refused(f"extra.{name}", f"cannot be sent from here: {_ELSEWHERE[name]}")
        for name in _names(self.extra):
            if _SECRET.match(name):
                raise Refused(
                    "extra", f"has {name!r}; secrets come from the environment alone (runtime.key_env): leave it out"
                )


def _names(value: Any) -> Iterator[str]:
    """Every key of a JSON value, at any depth."""
    children = value if isinstance(value, list) else []
    if isinstance(value, dict):
        yield from value
        children = list(value.values())
    for child in children:
        yield from _names(child)
