"""One model on several servers: a call goes to the least busy one, and one that does not answer is left out a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from types import TracebackType

from distill.teacher.client import CallResult, Client

_AGAIN_S = 30.0  # until a server that was left out is tried again
_FAILURES = 3  # in a row, after which a server that can be reached is left out


@dataclass(eq=False)
class _Server:
    """`again_at` is when a server that is left out is tried again; None: it is not left out."""

    address: str
    client: Client
    in_flight: int = 0
    calls: int = 0
    failures: int = 0
    again_at: float | None = None


class Servers:
    """Takes the place of one Client. `say` tells the user once when a server drops out, and when it is back."""

    def __init__(self, clients: Mapping[str, Client], say: Callable[[str], None]):
        self._servers = [_Server(address, client) for address, client in clients.items()]
        self._say = say

    async def __aenter__(self) -> Servers:
        self._now = asyncio.get_running_loop().time
        self._open = AsyncExitStack()
        for server in self._servers:
            await self._open.enter_async_context(server.client)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def send(self, body: bytes, sample: int = 0) -> CallResult:
        """Like Client.send. A server that cannot be reached was not asked, so another one is, in the same call."""
        untried = list(self._servers)
        while True:
            server = self._next(untried)
            untried.remove(server)
            server.in_flight, server.calls = server.in_flight + 1, server.calls + 1
            try:
                result = await server.client.send(body, sample)
            finally:
                server.in_flight -= 1
            self._note(server, result)
            if not (result.unreached and untried):
                break
        if result.symptom is None:
            return result
        return replace(
            result, symptom=replace(result.symptom, message=f"{server.address}: {result.symptom.message}".strip(": "))
        )

    def _next(self, servers: list[_Server]) -> _Server:
        """One that is due to be tried again, by one call at a time; else the least busy; else the longest left out."""
        for server in servers:
            if server.again_at is not None and server.again_at <= self._now() and not server.in_flight:
                return server
        answering = [server for server in servers if server.again_at is None]
        if answering:
            return min(answering, key=lambda server: (server.in_flight, server.calls))
        return min(servers, key=lambda server: server.again_at or 0.0)

    def _note(self, server: _Server, result: CallResult) -> None:
        symptom = result.symptom
        if symptom is None or not (symptom.broke in ("timeout", "connection", "cut") or (symptom.status or 0) >= 500):
            if server.again_at is not None:
                server.again_at = None
                self._say(f"{server.address} answers again: {self._count()}")
            server.failures = 0
            return
        server.failures += 1
        if server.again_at is None and not result.unreached and server.failures < _FAILURES:
            return
        dropped, server.again_at = server.again_at is None, self._now() + _AGAIN_S
        if dropped:
            why = symptom.message or f"status {symptom.status}"
            self._say(
                f"{server.address} is left out, as it does not answer ({why}), and tried again every {_AGAIN_S:g} s: "
                f"{self._count()}"
            )

    def _count(self) -> str:
        return f"{sum(server.again_at is None for server in self._servers)} of {len(self._servers)} servers answer"
