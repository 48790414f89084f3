"""One call over HTTP. The `openai` client says how a call must look; aiohttp carries it.

Address, authentication and headers are those of an `OpenAI` client, which prepares one request at the
beginning. The calls then differ in their body alone, and going through that client for each costs
three to five times the CPU of the transport below it: see benchmarks/teacher_throughput.py.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from distill.teacher.dialect import OutputLimit
from distill.teacher.failures import Symptom, symptom_of_status
from distill.teacher.scrubbing import scrubbed

if TYPE_CHECKING:
    import aiohttp

SAMPLE_HEADER = "X-Sample-Index"
_ERROR_BYTES = 2**20  # of an error's body, whose words stand at its beginning
_PATH = "/chat/completions"
# What the transport sets itself, a body at a time.
_OWN = frozenset(("host", "content-length", "accept-encoding", "connection"))


@dataclass(frozen=True, slots=True)
class CallResult:
    """Headers and body of the response; `symptom` is set where it is no answer.

    `unreached`: no connection was made, so that nothing was asked and nobody bills it.
    """

    headers: Mapping[str, str]
    body: bytes = b""
    symptom: Symptom | None = None
    unreached: bool = False


class Client:
    """Speaks to one endpoint; used within one event loop, as an async context manager."""

    def __init__(
        self, base_url: str | None, key: str, timeout_s: float, most_bytes: int, limit: OutputLimit | None = None
    ):
        self._limit, self._most_bytes = limit, most_bytes
        self._url, self._headers = _prepared(base_url, key)
        self._proxy = _proxy(self._url)
        self._key, self._timeout_s = key, timeout_s

    async def __aenter__(self) -> Client:
        import aiohttp

        # The pool bounds nothing: who asks decides how many are in flight.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            trace_configs=[_noting_connections()],
        )
        self._broken = (aiohttp.ClientError, OSError)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, body: bytes, sample: int = 0) -> CallResult:
        """Posts a chat completion request, given as JSON. Never raises for what the table of failures names.

        A `sample` above 0 goes into a header, which the simulated teacher reads and other servers ignore.
        """
        if self._limit is None:
            return await self._post(body, sample)
        sent = self._limit.fitted(body)
        result = await self._post(sent, sample)
        if self._limit.learns(result.symptom, renamed=sent is not body):
            result = await self._post(self._limit.fitted(body), sample)
        return result

    async def _post(self, body: bytes, sample: int) -> CallResult:
        headers = {**self._headers, SAMPLE_HEADER: str(sample)} if sample else self._headers
        connected: list[bool] = []
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, proxy=self._proxy, allow_redirects=False,
                trace_request_ctx=connected,
            ) as response:  # fmt: skip
                content, whole = await self._read(response)
                content = scrubbed(content, self._key)
                if 300 <= response.status < 400:
                    place = scrubbed(response.headers.get("Location", "?").encode(), self._key).decode(errors="replace")
                    return CallResult(
                        response.headers, content, Symptom(response.status, message=f"redirects to {place}")
                    )
                if not 200 <= response.status < 300:
                    return CallResult(response.headers, content, symptom_of_status(response.status, content))
                if whole:
                    return CallResult(response.headers, content)
                return CallResult(response.headers, symptom=oversized(self._most_bytes))
        except TimeoutError:
            missing = "answer" if connected else "connection"
            broke, message = "timeout", f"no {missing} within {self._timeout_s:g} s"
        except self._broken as error:
            broke, message = "cut", str(error)
        symptom = Symptom(broke=broke if connected else "connection", message=message)
        return CallResult({}, symptom=symptom, unreached=not connected)

    async def _read(self, response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
        """The unpacked body, and whether it is whole. Where it has more bytes than the client takes, the connection is
        closed, and of an error's body the beginning is read. aiohttp unpacks no more than is asked for."""
        parts: list[bytes] = []
        length = response.content_length or 0
        error = response.status >= 300
        most = min(self._most_bytes, _ERROR_BYTES) if error else self._most_bytes
        size = 0
        if length <= most or error:
            async for part in response.content.iter_any():
                parts.append(part)
                size += len(part)
                if size > most:
                    break
            else:
                return b"".join(parts), True
        response.close()
        return b"".join(parts)[:most], False


def oversized(most_bytes: int) -> Symptom:
    """What is seen of a body of more bytes than runtime.max_body_mb."""
    return Symptom(broke="oversized", message=f"more than {most_bytes // 2**20} MiB (runtime.max_body_mb)")


def _noting_connections() -> aiohttp.TraceConfig:
    """Appends to a call's list when the call has a connection, through a proxy's tunnel and with TLS where need be."""
    import aiohttp

    async def note(session: aiohttp.ClientSession, context: Any, parameters: Any) -> None:
        context.trace_request_ctx.append(True)

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(note)
    trace.on_connection_reuseconn.append(note)
    return trace


def _prepared(base_url: str | None, key: str) -> tuple[str, dict[str, str]]:
    """Address and headers of a chat completion call, as the `openai` client would send it."""
    import httpx2
    import openai

    class Held(openai.DefaultHttpxClient):
        """Keeps the request instead of sending it."""

        def send(self, request: httpx2.Request, **_: Any) -> httpx2.Response:
            self.request = request
            return httpx2.Response(200, request=request, json={})

    http = Held(verify=False)  # it sends nothing, and so needs no certificates
    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0, http_client=http) as api:
        api.post(_PATH, cast_to=object, body={})
    return str(http.request.url), {
        name: value for name, value in http.request.headers.items() if name.lower() not in _OWN
    }


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for an address, read once instead of at every call."""
    parts = urlsplit(url)
    if not parts.hostname or urllib.request.proxy_bypass(parts.hostname):
        return None
    return urllib.request.getproxies().get(parts.scheme)
