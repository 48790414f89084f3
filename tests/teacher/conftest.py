from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fake_endpoint import MODEL, FakeEndpoint

from distill.settings import Settings, load_settings
from distill.settings.runtime import Price

PRICE = Price(Decimal("1.00"), Decimal("0.50"), Decimal("2.00"), "2026-01-01", "a test")


@pytest.fixture(autouse=True)
def store_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The response store of this test alone; no key in the environment."""
    path = tmp_path / "responses.sqlite"
    monkeypatch.setenv("DISTILL_STORE", str(path))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return path


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    with FakeEndpoint() as server:
        yield server


@pytest.fixture
def settings(endpoint: FakeEndpoint) -> Callable[..., Settings]:
    """Settings that ask `endpoint`; keywords replace those of the sections `teacher` and `runtime`."""
    base = load_settings(Path(__file__).parents[2] / "params.yaml")

    def make(teacher: dict[str, Any] | None = None, **runtime: Any) -> Settings:
        return replace(
            base,
            teacher=replace(
                base.teacher, **{"provider": "openai", "model": MODEL, "base_url": endpoint.base_url, **(teacher or {})}
            ),
            runtime=replace(
                base.runtime,
                **{"concurrency": 8, "prices": {MODEL: PRICE}, "timeout_s": 5.0, "batch_poll_s": 0.01, **runtime},
            ),
        )

    return make


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distill.teacher.workers._FIRST_RETRY_S", 0.001)
    monkeypatch.setattr("distill.teacher.workers._RETRY_FACTOR", 1.0)
