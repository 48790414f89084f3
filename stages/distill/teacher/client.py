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
from typing import Any
from urllib.parse import urlsplit

from distill.teacher.dialect import OutputLimit
from distill.teacher.failures import Symptom, symptom_of_status

SAMPLE_HEADER = "X-Sample-Index"
_SECRET_LENGTH = 16  # characters; "EMPTY", "ollama" and their like are shorter, providers' keys longer
_PATH = "/chat/completions"
# What the transport sets itself, a body at a time.
_OWN = frozenset(("host", "content-length", "accept-encoding", "connection"))


@dataclass(frozen=True, slots=True)
class CallResult:
    """Headers and body of the response; `symptom` is set where it is no answer.

    `unreached`: no connection was made, so that nothing was asked.
    """

    headers: Mapping[str, str]
    body: bytes = b""
    symptom: Symptom | None = None
    unreached: bool = False


class Client:
    """Speaks to one endpoint; used within one event loop, as an async context manager."""

    def __init__(self, base_url: str | None, key: str, timeout_s: float, limit: OutputLimit | None = None):
        self._limit = limit
        self._url, self._headers = _prepared(base_url, key)
        self._proxy = _proxy(self._url)
        self._key, self._timeout_s = key, timeout_s

    async def __aenter__(self) -> Client:
        import aiohttp

        # The pool bounds nothing: who asks decides how many are in flight.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
        )
        self._unreachable, self._broken = aiohttp.ClientConnectorError, (aiohttp.ClientError, OSError)
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
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, proxy=self._proxy, allow_redirects=False
            ) as response:
                content = scrubbed(await response.read(), self._key)
                if 200 <= response.status < 300:
                    return CallResult(response.headers, content)
                return CallResult(response.headers, content, symptom_of_status(response.status, content))
        except TimeoutError:
            return CallResult({}, symptom=Symptom(broke="timeout", message=f"no answer within {self._timeout_s:g} s"))
        except self._broken as error:
            unreached = isinstance(error, self._unreachable)
            symptom = Symptom(broke="connection" if unreached else "cut", message=str(error))
            return CallResult({}, symptom=symptom, unreached=unreached)


def scrubbed(body: bytes, key: str) -> bytes:
    """The body without the key, which some servers echo. A short key is a local server's dummy, and may be a word."""
    return body.replace(key.encode(), b"[key]") if len(key) >= _SECRET_LENGTH else body


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
