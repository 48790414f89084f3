from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

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
_PARAMETER = re.compile(
    r"(?:.*[_-])?(?:key|api[_-]?key|token|authorization|password|secret|sig|signature)\Z", re.IGNORECASE
)
_SECRET = re.compile(r"(?:.*[_-])?(?:api[_-]?key|authorization|password|secret|access[_-]?token)\Z", re.IGNORECASE)


_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class LocalModelSettings:
    """The model that this machine runs, where provider is local: all of it that an answer can depend on."""

    sha256: str | None
    context_tokens: int = setting(least=256, most=2**20)

    def __post_init__(self) -> None:
        if self.sha256 is not None and not _SHA256.fullmatch(self.sha256):
            raise Refused("sha256", f"is {self.sha256!r}; allowed: null, or the 64 digits that `sha256sum FILE` prints")


@dataclass(frozen=True)
class TeacherSettings:
    """Who answers, and all that determines the answer besides the prompt. A null is not sent."""

    provider: Literal["simulated", "openai", "local", "recorded"]
    mode: Literal["live", "batch"]
    model: str
    base_url: str | tuple[str, ...] | None
    endpoint_name: str | None
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
    row_errors: tuple[str, ...]
    local: LocalModelSettings

    def __post_init__(self) -> None:
        for pattern in self.row_errors:
            try:
                re.compile(pattern)
            except re.error as error:
                raise Refused("row_errors", f"holds {pattern!r}, which is no regular expression: {error}") from error
        self._check_addresses()
        if self.provider == "local":
            self._check_local()
        for name in self.extra or {}:
            if name in _ELSEWHERE:
                raise Refused(f"extra.{name}", f"cannot be sent from here: {_ELSEWHERE[name]}")
        for name in _names(self.extra):
            if _SECRET.match(name):
                raise Refused(
                    "extra", f"has {name!r}; secrets come from the environment alone (runtime.key_env): leave it out"
                )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Those of base_url, without slashes at their ends; none where it is null."""
        several = (self.base_url or (),) if isinstance(self.base_url, str) else self.base_url or ()
        return tuple(address.rstrip("/") for address in several)

    def _check_local(self) -> None:
        if self.local.sha256 is None:
            raise Refused(
                "local.sha256",
                "is null and teacher.provider is local, whose answers are stored by the hash of the model's file: set "
                "it to what `sha256sum FILE` prints",
            )
        if self.mode == "batch":
            raise Refused(
                "mode", "is batch and teacher.provider is local, which takes no batches: set this to live, or "
                "teacher.provider to openai"
            )  # fmt: skip

    def _check_addresses(self) -> None:
        for address in (self.base_url,) if isinstance(self.base_url, str) else self.base_url or ():
            if _holds_a_secret(address):  # asked first, as the message about another fault shows the address
                raise Refused(
                    "base_url",
                    "holds a user name, password or key; secrets come from the environment alone (runtime.key_env)",
                )
            if not address.startswith(("http://", "https://")):
                raise Refused(
                    "base_url", f"is {address!r}; allowed: null, or an address that starts with http:// or https://"
                )
            if not _has_host(address):
                raise Refused(
                    "base_url",
                    f"is {address!r}, which has no valid host or port; write it as http://HOST:PORT/v1, the port, if "
                    "any, from 1 to 65535",
                )
        name, addresses = self.endpoint_name, self.addresses
        if name is not None and (not name.strip() or name != name.strip() or not name.isprintable()):
            raise Refused("endpoint_name", f"is {name!r}; allowed: null, or a name without white space around it")
        if not isinstance(self.base_url, tuple):
            return
        if not addresses or len(set(addresses)) < len(addresses):
            raise Refused("base_url", f"is {list(addresses)}; allowed: null, an address, or several, each once")
        if name is None:
            raise Refused(
                "base_url",
                "is a list, and answers are stored by the name of the endpoint: set teacher.endpoint_name, as to the "
                "name of the model's servers",
            )
        if self.mode == "batch":
            raise Refused(
                "base_url",
                "is a list and teacher.mode is batch, and one server works on a batch: name its address alone, or set "
                "teacher.mode to live",
            )


def _holds_a_secret(address: str) -> bool:
    """Whether an address, well formed or not, carries a user, a password, or a key among its parameters."""
    well_formed = address.startswith(("http://", "https://"))
    where = re.split("[/?#]", address.split("://", 1)[1])[0] if well_formed else address
    parameters = re.findall(r"[?&;#]([^=&;#]+)=", address)
    return bool(re.search("@|%(?:25)*40", where)) or any(_PARAMETER.match(name) for name in parameters)


def _has_host(address: str) -> bool:
    """Whether a client can connect to an address: to a name or an IP address, at a port that there is."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
        bracketed = re.fullmatch(r"\[[^\[\]]+\](?::[0-9]*)?", parts.netloc)
        if bracketed or re.fullmatch(r"[0-9]+(?:\.[0-9]+){3}", host):
            ipaddress.ip_address(host)
        else:
            host.encode("idna")
    except ValueError:  # UnicodeError, where a part of a name is empty or too long, is one
        return False
    return bool(bracketed or re.fullmatch(r"[\w.-]+", host)) and port != 0 and address.isprintable()


def _names(value: Any) -> Iterator[str]:
    """Every key of a JSON value, at any depth."""
    children = value if isinstance(value, list) else []
    if isinstance(value, dict):
        yield from value
        children = list(value.values())
    for child in children:
        yield from _names(child)
