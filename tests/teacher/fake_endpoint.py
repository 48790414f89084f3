"""A small chat server for tests, in a thread: answers come from a function of (body, how often it was asked)."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from distill.teacher import Request

MODEL = "fake"


@dataclass
class Said:
    """An HTTP answer. `cut` closes the connection instead of answering, `hang` never answers, and `endless` sends the
    body again and again."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    hang: bool = False
    endless: bool = False


def completion(text: str | None = "Answer: yes", finish: str = "stop", usage: bool = True, **message: Any) -> Said:
    """A chat completion of 10 prompt tokens (4 of them cached) and 5 tokens out."""
    made: dict[str, Any] = {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1,
        "model": "fake-2026-01-01",
        "system_fingerprint": "fp-1",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
        ],
    }
    if usage:
        made["usage"] = {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 4},
        }
    return Said(json.dumps(made).encode())


def error(status: int, code: str = "", message: str = "no", **headers: str) -> Said:
    """An error body as the OpenAI API makes it; underscores in header names become dashes."""
    body = json.dumps({"error": {"message": message, "type": "t", "code": code}}).encode()
    return Said(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


def question(text: str, **changed: Any) -> Request:
    """A request whose row id and message are `text`."""
    made = Request(text, ({"role": "user", "content": text},), MODEL, 0.0, 1.0, 50, seed=1)
    return replace(made, **changed)


class FakeEndpoint:
    """Counts calls by the text of the last message; `most_at_once` is the highest number in flight.

    While `hold` is cleared, or fewer than `until_at_once` have ever been in flight together, calls arrive
    (and count) but are not answered.
    """

    def __init__(self, answer: Callable[[dict[str, Any], int], Said] = lambda body, times: completion()):
        self.answer = answer
        self.calls: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.in_flight = self.most_at_once = self.until_at_once = 0
        self.hold = threading.Event()
        self.hold.set()
        self.reached = threading.Event()  # four calls have been in flight at once
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> FakeEndpoint:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.hold.set()
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    @property
    def total(self) -> int:
        return sum(self.calls.values())

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    def routes(self, app: web.Application) -> None:
        app.router.add_post("/v1/chat/completions", self._chat)

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        app = web.Application()
        self.routes(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.base_url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._over.wait()
        await runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        said = body["messages"][-1]["content"]
        self.calls[said] += 1
        self.bodies.append(body)
        self.keys.append(request.headers.get("Authorization", ""))
        self.in_flight += 1
        self.most_at_once = max(self.most_at_once, self.in_flight)
        if self.in_flight >= 4:
            self.reached.set()
        try:
            while not self.hold.is_set() or self.most_at_once < self.until_at_once:
                await asyncio.sleep(0.005)
            answer = self.answer(body, self.calls[said])
        finally:
            self.in_flight -= 1
        if answer.hang:
            await self._over.wait()
        if answer.cut:
            request.transport.close()
        if answer.endless:
            response = web.StreamResponse(status=answer.status, headers=answer.headers)
            await response.prepare(request)
            while request.transport is not None:
                await response.write(answer.body)
        return web.Response(
            body=answer.body, status=answer.status, headers={"Content-Type": "application/json", **answer.headers}
        )
