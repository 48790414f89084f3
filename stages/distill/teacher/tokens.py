"""Token counts where the server reports none: tiktoken where its file is there, else an estimate."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from distill.sizes import estimate_tokens
from distill.teacher.exchange import TokensFrom, Usage

_TOKENS_A_MESSAGE = 4  # role and delimiters of a chat message in those models
_FILES = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"


def estimate_prompt(messages: Iterable[Mapping[str, str]]) -> int:
    """Tokens of a prompt, with what the chat format adds to each message."""
    return sum(estimate_tokens(message["content"]) + _TOKENS_A_MESSAGE for message in messages)


def count_tokens(text: str, model: str) -> tuple[int, TokensFrom]:
    """Tokens of a text as `model` counts them, and how that is known. Never downloads anything."""
    encoding = _encoding(model)
    if encoding is None:
        return estimate_tokens(text), "estimate"
    return len(encoding.encode_ordinary(text)), "tiktoken"


def count_prompt_tokens(messages: Iterable[Mapping[str, str]], model: str) -> tuple[int, TokensFrom]:
    """Tokens of a prompt, with what the chat format adds to each message."""
    counts = [count_tokens(message["content"], model) for message in messages]
    return sum(tokens + _TOKENS_A_MESSAGE for tokens, _ in counts), counts[0][1] if counts else "estimate"


def usage_or_count(reported: Usage, messages: Iterable[Mapping[str, str]], text: str | None, model: str) -> Usage:
    """The usage that the server reported, else our own count."""
    if reported.tokens_from is not None:
        return reported
    tokens_in, source = count_prompt_tokens(messages, model)
    return Usage(tokens_in, 0, count_tokens(text or "", model)[0], source)


@cache
def _encoding(model: str) -> Any:
    try:
        import tiktoken
    except ImportError:
        return None
    try:
        name = tiktoken.encoding_name_for_model(model)
        return tiktoken.get_encoding(name) if _file(name).exists() else None
    except (KeyError, ValueError, OSError):
        return None


def _file(encoding: str) -> Path:
    """Where tiktoken keeps an encoding that was downloaded; it reads the same environment variables."""
    folder = os.environ.get(
        "TIKTOKEN_CACHE_DIR",
        os.environ.get("DATA_GYM_CACHE_DIR", os.path.join(tempfile.gettempdir(), "data-gym-cache")),
    )
    return Path(folder) / hashlib.sha1(_FILES.format(encoding).encode()).hexdigest()
