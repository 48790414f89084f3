"""The requests that a teacher takes, and its replies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from distill.errors import UserError

TokensFrom = Literal["reported", "tiktoken", "estimate"]


class TeacherError(UserError):
    """Asking cannot go on; the message says why and what to do. Everything bought so far is stored."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question for the teacher.

    What is None is not sent. `extra` is merged into what is sent. `sample` tells repeated draws of one question apart.
    `row_id`, `source` (the row's name in a published file, as "train/12") and `purpose` never enter the key of the
    store.
    """

    row_id: str
    messages: tuple[dict[str, str], ...]
    model: str
    temperature: float | None
    top_p: float | None
    max_tokens: int
    seed: int | None = None
    stop: tuple[str, ...] = ()
    response_format: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    extra: dict[str, Any] | None = None
    sample: int = 0
    source: str | None = None
    purpose: str = "explain"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer.

    `tokens_cached` is the part of `tokens_in` read from the provider's cache, and never more than all of it, whatever
    was reported; `tokens_reasoning` is the part of `tokens_out` that a reasoning model thought.
    """

    tokens_in: int | None = None
    tokens_cached: int | None = None
    tokens_out: int | None = None
    tokens_from: TokensFrom | None = None
    tokens_reasoning: int | None = None

    def __post_init__(self) -> None:
        if self.tokens_in is not None and (self.tokens_cached or 0) > self.tokens_in:
            object.__setattr__(self, "tokens_cached", self.tokens_in)


@dataclass(frozen=True, slots=True)
class Token:
    """A token of an answer, its probability, and the likeliest tokens at its place (it may be one of them)."""

    text: str
    probability: float
    likeliest: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """The teacher's answer to one request.

    `failure` is None when there is an answer (which may be cut: finish_reason "length"), else "refusal",
    "content_filter", "empty", "stopped", "context_length", "row_error", "oversized" or "failed: <why>". `model` is the
    string that the server returned. `logprob` is the mean natural log-probability of the answer's `tokens`, where
    teacher.logprobs asks for them and the server gives them. `mode` is how the answer was bought, "live" or "batch".
    `thought` is what a reasoning model thought, where the server gives it beside the answer and annotate.rationale_from
    asks for it.
    """

    row_id: str
    sample: int
    text: str | None
    finish_reason: str | None
    model: str | None
    usage: Usage
    failure: str | None
    from_store: bool
    logprob: float | None = None
    mode: str = "live"
    tokens: tuple[Token, ...] = ()
    thought: str | None = None
