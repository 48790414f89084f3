from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from distill.settings.loader import Refused, setting


@dataclass(frozen=True)
class TeacherSettings:
    """Who answers, and all that determines the answer besides the prompt."""

    provider: Literal["simulated", "openai", "recorded"]
    mode: Literal["live", "batch"]
    model: str
    base_url: str | None
    path: str
    temperature: float = setting(least=0, most=2)
    top_p: float = setting(above=0, most=1)
    max_tokens: int = setting(least=1)
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"]
    seed: int | None = setting(least=0)
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
