"""The identity of a request: the hash of all that determines its answer."""

from __future__ import annotations

import hashlib
import json
from array import array
from typing import Any

from distill.teacher.exchange import Request

# Of each token, the likeliest that are asked for beside it: as many as every server gives.
TOP_LOGPROBS = 5
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def request_body(request: Request, output_limit: str = "max_tokens", *, logprobs: bool = False) -> bytes:
    """The JSON that is sent and that the key hashes, in canonical form: sorted keys, no spaces, UTF-8.

    `output_limit` is the field that carries `request.max_tokens`.
    """
    optional = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "seed": request.seed,
        "stop": request.stop or None,
        "response_format": request.response_format,
        "reasoning_effort": request.reasoning_effort,
    }
    sent: dict[str, Any] = {
        **(request.extra or {}),
        output_limit: request.max_tokens,
        "messages": request.messages,
        "model": request.model,
        **{name: value for name, value in optional.items() if value is not None},
    }
    if logprobs:
        sent["logprobs"], sent["top_logprobs"] = True, TOP_LOGPROBS
    return canonical_json(sent)


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and without spaces, as UTF-8. Raises ValueError on a number that is not finite."""
    return _ENCODER.encode(value).encode()


def request_key(endpoint: str, sent: bytes, sample: int) -> bytes:
    """SHA-256 (32 bytes) of the endpoint, the number of the draw, and the canonical body."""
    return hashlib.sha256(b"%b\n%d\n%b" % (endpoint.encode(), sample, sent)).digest()


_EMPTY = 0


class SeenKeys:
    """Remembers 64 bits of each SHA-256 key, in an open-addressed table.

    With a million keys, two are confused with a probability of 3e-8; a count would then be off by one.
    """

    def __init__(self) -> None:
        self._mask = 1023
        self._table = array("Q", bytes(8 * 1024))
        self._count = 0

    def add(self, key: bytes) -> bool:
        """Adds a key; True where it was not there yet."""
        if not self._insert(int.from_bytes(key[:8], "little") or 1):
            return False
        self._count += 1
        if 3 * self._count > 2 * self._mask:
            self._grow()
        return True

    def _insert(self, value: int) -> bool:
        table, mask = self._table, self._mask
        at = value & mask
        while table[at] != _EMPTY:
            if table[at] == value:
                return False
            at = (at + 1) & mask
        table[at] = value
        return True

    def _grow(self) -> None:
        old = self._table
        self._mask = 2 * self._mask + 1
        self._table = array("Q", bytes(8 * (self._mask + 1)))
        for value in old:
            if value != _EMPTY:
                self._insert(value)

    def __len__(self) -> int:
        return self._count
