from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from distill.settings.loader import Refused, setting


@dataclass(frozen=True)
class Price:
    """Dollars per million tokens of one model, with the day and the place they were read."""

    tokens_in: Decimal | None = setting(least=0, most=1000)
    tokens_cached: Decimal | None = setting(least=0, most=1000)
    tokens_out: Decimal | None = setting(least=0, most=1000)
    date: str
    source: str


@dataclass(frozen=True)
class LocalServerSettings:
    """Where the model of a local teacher is, and what its server takes of this machine."""

    file: str | None
    slots: int = setting(least=1, most=256)
    threads: int | None = setting(least=1, most=1024)


@dataclass(frozen=True)
class RuntimeSettings:
    """What changes no result; no stage lists this section."""

    key_env: str
    concurrency: int = setting(least=1, most=1024)
    requests_per_minute: int | None = setting(least=1)
    tokens_per_minute: int | None = setting(least=1, most=10**15)
    timeout_s: float = setting(above=0, most=86_400)
    max_retries: int = setting(least=0, most=1000)
    max_body_mb: int = setting(least=1, most=1024)
    batch_api: Literal["auto", "openai", "anthropic"]
    batch_poll_s: float = setting(above=0, most=86_400)
    offline: bool
    stop_early: bool
    budget_usd: Decimal | None = setting(least=0)
    budget_calls: int | None = setting(least=0)
    budget_tokens: int | None = setting(least=0, most=10**15)
    budget_since: str | None
    prices: dict[str, Price]
    device: Literal["auto", "cpu", "cuda"]
    threads: int = setting(least=1, most=1024)
    processes: int = setting(least=1, most=256)
    accelerate_config: str | None
    checkpoint_steps: int | None = setting(least=1)
    predict_rows: int = setting(least=1, most=1_000_000)
    speed_rows: int = setting(least=0)
    compute_usd_per_hour: Decimal | None = setting(least=0)
    local: LocalServerSettings

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.key_env):
            raise Refused("key_env", "is no name of an environment variable; allowed: letters, digits and _")
        try:
            self.budget_start()
        except (ValueError, OverflowError, OSError) as error:
            raise Refused(
                "budget_since", f"is {self.budget_since!r}; allowed: null, or a day or time, as 2026-11-23T09:00"
            ) from error

    @property
    def max_body_bytes(self) -> int:
        """Bytes of one response at most."""
        return self.max_body_mb * 2**20

    def budget_start(self) -> float:
        """Seconds since 1970 from which payments count against the budget; local time unless an offset is given."""
        return datetime.fromisoformat(self.budget_since).timestamp() if self.budget_since else 0.0
