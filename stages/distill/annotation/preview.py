"""Requests as text, before they are sent, with their tokens and what all of them would cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from distill.annotation.asks import annotation_requests, rows_to_ask
from distill.rows.records import Example, TaskCard
from distill.settings import Settings
from distill.teacher.exchange import Request, Usage
from distill.teacher.money import cost, dollars
from distill.teacher.tokens import count_prompt_tokens
from distill.templates import Template


def preview(
    splits: Mapping[str, Sequence[Example]],
    templates: Mapping[str, Template],
    card: TaskCard,
    settings: Settings,
    rows: int,
) -> str:
    """The requests for the first `rows` rows of each prompt and split that `annotate` would ask, as text.

    Tokens are those that a tokenizer of the model counts where its file is here, else an estimate.
    """
    parts, calls, tokens = [], 0, 0
    for split, asks in rows_to_ask(splits, settings.annotate).items():
        written: Counter[str] = Counter()
        requests = annotation_requests(asks, templates, card, settings)
        for ask, request in zip(asks, requests, strict=True):
            tokens_in, source = count_prompt_tokens(request.messages, request.model)
            calls, tokens = calls + 1, tokens + tokens_in
            if written[ask.what] < rows and ask.sample == 0:
                written[ask.what] += 1
                parts.append(_as_text(request, split, ask.what, f"{tokens_in} tokens ({source})"))
    most = calls * settings.teacher.max_tokens
    usd = cost(Usage(tokens, 0, most), settings.teacher.model, settings.runtime.prices)
    low = cost(Usage(tokens, 0, 0), settings.teacher.model, settings.runtime.prices)
    parts.append(
        f"In all: {calls:,} requests to {settings.teacher.model}, about {tokens:,} tokens in, at most {most:,} out: "
        f"{dollars(low)} for the prompts, at most {dollars(usd)} with the answers. Nothing was sent."
    )
    return "\n\n".join(parts)


def _as_text(request: Request, split: str, what: str, tokens: str) -> str:
    head = f"=== {split}, row {request.row_id}, prompt {what!r}: {tokens}"
    if request.response_format:
        head += ", answer as JSON by a schema"
    return "\n".join([head, *(f"[{message['role']}]\n{message['content']}" for message in request.messages)])
