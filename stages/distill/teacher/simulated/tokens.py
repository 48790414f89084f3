"""Tokens of the simulated model, which are pieces of up to six letters and single marks; their log probabilities."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from distill.teacher.simulated.knowledge import Luck

_PIECE = re.compile(r"\s*(?:\w{1,6}|[^\w\s])")
# What the chat format of OpenAI's models adds to each message, and to the prompt as a whole.
_A_MESSAGE, _A_PROMPT = 4, 3


def pieces(text: str) -> list[str]:
    """The tokens, each with the space before it; together they are the text, less space at its end."""
    return _PIECE.findall(text)


def count_pieces(text: str) -> int:
    """Tokens of a text."""
    return len(_PIECE.findall(text))


def count_prompt_pieces(texts: Iterable[str]) -> int:
    """Tokens of the messages of a chat."""
    return _A_PROMPT + sum(count_pieces(text) + _A_MESSAGE for text in texts)


def cut_pieces(text: str, limit: int) -> tuple[str, bool]:
    """The first `limit` tokens, and whether any were left out."""
    tokens = pieces(text)
    return ("".join(tokens[:limit]), True) if len(tokens) > limit else (text, False)


# Of a token that carries no decision, at least.
_PLAIN = 0.93


def log_probabilities(
    text: str, label: str | None, confidence: float, labels: Sequence[str], top: int, luck: Luck
) -> list[dict[str, Any]]:
    """An entry a token. The first token of the label, where it is last named, has the label's probability,
    and the other labels share the rest among its `top` alternatives."""
    tokens = pieces(text)
    at = _first_token(tokens, text, label)
    entries = []
    for index, token in enumerate(tokens):
        if index == at:
            alternatives = [(token, confidence)]
            others = [other for other in labels if other != label]
            space = token[: len(token) - len(token.lstrip())]
            alternatives += [(space + pieces(other)[0], (1 - confidence) / len(others)) for other in others]
        else:
            alternatives = [(token, _PLAIN + (1 - _PLAIN) * luck.draw(f"token {index}"))]
        entries.append(
            _entry(*alternatives[0]) | {"top_logprobs": [_entry(*alternative) for alternative in alternatives[:top]]}
        )
    return entries


def _first_token(tokens: list[str], text: str, label: str | None) -> int | None:
    place = text.lower().rfind(label.lower()) if label else -1
    if place < 0:
        return None
    end = 0
    for index, token in enumerate(tokens):
        end += len(token)
        if end > place:
            return index
    return None


def _entry(token: str, probability: float) -> dict[str, Any]:
    return {"token": token, "logprob": round(math.log(max(probability, 1e-9)), 6), "bytes": list(token.encode())}
