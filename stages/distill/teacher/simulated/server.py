"""The HTTP server: an event loop in a thread of its own, on loopback alone."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from distill.teacher.client import SAMPLE_HEADER
from distill.teacher.simulated.faults import ERRORS, FaultSchedule, ServerFault
from distill.teacher.simulated.model import Model
from distill.teacher.simulated.protocol import ApiError, models
from distill.teacher.simulated.tokens import cut_pieces, pieces

HOST = "127.0.0.1"
_LARGEST_BODY = 16 * 2**20
_BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Server:
    """A running server.

    identity: hash of the knowledge file's content and of the simulator's version: what answers depend on
    besides the request. calls: requests for completions that came in, failed ones included.
    """

    def __init__(self, model: Model, faults: Iterable[ServerFault] = (), latency_ms: float = 0.0):
        self.identity = model.identity
        self.calls = 0
        self.port = 0
        self._model = model
        self._schedule = FaultSchedule(faults)
        self._latency = latency_ms / 1000
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulated-teacher", daemon=True)
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """What a client is given as its base URL."""
        return f"http://{HOST}:{self.port}/v1"

    def start(self, port: int = 0) -> None:
        """Listens on `port`, 0 for a free one. Raises OSError where it is taken."""
        self._thread.start()
        self._wait(self._listen(port))

    def close(self) -> None:
        """Stops listening, and drops what is still open."""
        try:
            if self._runner:
                self._wait(self._runner.cleanup())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _wait(self, work: Any) -> None:
        done: Future[None] = asyncio.run_coroutine_threadsafe(work, self._loop)
        done.result()

    async def _listen(self, port: int) -> None:
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_post("/v1/chat/completions", self._completions)
        app.router.add_get("/v1/models", self._models)
        app.router.add_route("*", "/{rest:.*}", self._unknown)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _models(self, request: web.Request) -> web.Response:
        return _json(models())

    async def _unknown(self, request: web.Request) -> web.Response:
        return _error(ApiError(404, f"Invalid URL ({request.method} {request.path})"))

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        content = await request.read()
        sample = request.headers.get(SAMPLE_HEADER, "")
        fault = self._schedule.next(content + sample.encode())
        if self._latency:
            await asyncio.sleep(self._latency)
        try:
            if fault is None:
                return _json(self._model.reply(content, sample))
            return await self._fail(fault, request, content, sample)
        except ApiError as error:
            return _error(error, fault.headers() if fault else {})

    async def _fail(self, fault: ServerFault, request: web.Request, content: bytes, sample: str) -> web.StreamResponse:
        if fault.kind in ERRORS:
            raise fault.error()
        if fault.kind == "bad_gateway":
            return web.Response(status=502, text=_BAD_GATEWAY, content_type="text/html", headers=fault.headers())
        if fault.kind == "hang":
            await asyncio.Event().wait()
        if fault.kind == "cut":
            _drop(request)
            return web.Response()
        body = self._model.reply(content, sample)
        if fault.kind in ("torn_body", "torn_json"):
            whole = json.dumps(body).encode()
            if fault.kind == "torn_json":
                return web.Response(body=whole[: len(whole) // 2], content_type="application/json")
            response = web.StreamResponse(
                headers={"Content-Type": "application/json", "Content-Length": str(len(whole))}
            )
            await response.prepare(request)
            await response.write(whole[: len(whole) // 2])
            _drop(request)
            return response
        return _json(_spoilt(body, fault.kind))


def _spoilt(body: dict[str, Any], kind: str) -> dict[str, Any]:
    """An answer that holds none, or a part of one."""
    if kind == "empty_choices":
        body["choices"] = []
    for choice in body["choices"]:
        message = choice["message"]
        if kind == "refusal":
            message |= {"content": None, "refusal": "I'm sorry, I can't assist with that request."}
        elif kind == "null_content":
            message["content"] = None
        elif kind == "content_filter":
            message["content"], choice["finish_reason"] = "", "content_filter"
        elif kind == "length":
            half = len(pieces(message["content"] or "")) // 2
            message["content"], choice["finish_reason"] = cut_pieces(message["content"] or "", half)[0], "length"
    return body


def _json(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/json", headers=headers)


def _error(error: ApiError, headers: dict[str, str] | None = None) -> web.Response:
    return _json(error.body(), error.status, headers)


def _drop(request: web.Request) -> None:
    """Closes the connection under the client."""
    if request.transport:
        request.transport.abort()


@contextmanager
def serve(
    path: Path, *, port: int = 0, faults: Iterable[ServerFault] = (), latency_ms: float = 0.0
) -> Iterator[Server]:
    """Runs a server that knows the file at `path`, on a free port of loopback unless one is given.

    latency_ms: milliseconds before every answer. Raises SettingsError on a file that cannot be used, and
    OSError on a port that is taken.
    """
    server = Server(Model(path), faults, latency_ms)
    try:
        server.start(port)
        yield server
    finally:
        server.close()
