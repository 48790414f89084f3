"""Anthropic's Message Batches for tests, as its reference describes them; the live chat API beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web
from fake_endpoint import FakeEndpoint

MODEL = "claude-of-tests-2026"
_ALLOWED = {"model", "messages", "max_tokens", "system", "temperature", "top_p", "top_k", "stop_sequences", "thinking"}


def message(text: str = "Answer: yes", stop: str = "end_turn", thought: str | None = None) -> dict[str, Any]:
    """The result of a request that succeeded: 10 tokens in, of which the cache had 4 and took 1; 5 out."""
    content: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    if thought is not None:
        content.insert(0, {"type": "thinking", "thinking": thought, "signature": "c2ln"})
    usage = {"input_tokens": 5, "cache_creation_input_tokens": 1, "cache_read_input_tokens": 4, "output_tokens": 5}
    made = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "content": content}
    made |= {"stop_reason": stop, "stop_sequence": None, "usage": usage | {"service_tier": "batch"}}
    return {"type": "succeeded", "message": made}


def errored(kind: str, words: str = "no") -> dict[str, Any]:
    error = {"type": "error", "error": {"type": kind, "message": words}, "request_id": None}
    return {"type": "errored", "error": error}


class FakeAnthropic(FakeEndpoint):
    """A batch ends at the look after `polls`. `result` gives what comes of the parameters of a request."""

    def __init__(self, polls: int = 1, result: Callable[[dict[str, Any]], dict[str, Any]] = lambda params: message()):
        super().__init__()
        self.polls, self.result = polls, result
        self.batches: dict[str, dict[str, Any]] = {}
        self.requests: dict[str, list[dict[str, Any]]] = {}
        self.looks: dict[str, int] = {}
        self.lose_answer_to_create = False
        self.refuse: web.Response | None = None

    def routes(self, app: web.Application) -> None:
        super().routes(app)
        for method, path, handler in (
            ("POST", "", self._create),
            ("GET", "", self._list),
            ("GET", "/{id}", self._retrieve),
            ("GET", "/{id}/results", self._results),
            ("POST", "/{id}/cancel", self._cancel),
        ):
            app.router.add_route(method, f"/v1/messages/batches{path}", handler)

    def _check(self, request: web.Request) -> None:
        self.keys.append(request.headers.get("x-api-key", ""))
        assert request.headers["anthropic-version"] == "2023-06-01" and "Authorization" not in request.headers

    async def _create(self, request: web.Request) -> web.Response:
        self._check(request)
        if self.refuse is not None:
            return self.refuse
        requests = (await request.json())["requests"]
        ids = [one["custom_id"] for one in requests]
        assert len(set(ids)) == len(ids) and all(0 < len(name) <= 64 and name.isascii() for name in ids)
        name = f"msgbatch_{len(self.batches)}"
        self.requests[name] = requests
        self.batches[name] = {
            "id": name, "type": "message_batch", "processing_status": "in_progress", "results_url": None,
            "created_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-02T00:00:00Z", "ended_at": None,
            "archived_at": None, "cancel_initiated_at": None,
            "request_counts": self._counts(processing=len(requests)),
        }  # fmt: skip
        if self.lose_answer_to_create:
            self.lose_answer_to_create = False
            request.transport.close()
        return web.json_response(self.batches[name])

    def _counts(self, **counts: int) -> dict[str, int]:
        return dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0) | counts

    async def _list(self, request: web.Request) -> web.Response:
        """A batch a page, so that pages are turned."""
        self._check(request)
        names = list(reversed(self.batches))
        after = request.query.get("after_id")
        rest = names[names.index(after) + 1 :] if after else names
        page = {"data": [self.batches[name] for name in rest[:1]], "has_more": len(rest) > 1}
        return web.json_response(page | {"first_id": rest[0] if rest else None, "last_id": rest[0] if rest else None})

    async def _retrieve(self, request: web.Request) -> web.Response:
        self._check(request)
        name = request.match_info["id"]
        self.looks[name] = self.looks.get(name, 0) + 1
        if self.looks[name] > self.polls and self.batches[name]["processing_status"] == "in_progress":
            self.end(name)
        return web.json_response(self.batches[name])

    async def _cancel(self, request: web.Request) -> web.Response:
        self._check(request)
        self.end(request.match_info["id"], answered=1)
        return web.json_response(self.batches[request.match_info["id"]] | {"processing_status": "canceling"})

    def end(self, name: str, answered: int | None = None) -> None:
        """Ends a batch; the requests after the first `answered` were canceled."""
        lines, counts = [], self._counts()
        for place, request in enumerate(self.requests[name]):
            result = {"type": "canceled"} if answered is not None and place >= answered else self._asked(request)
            counts[result["type"]] += 1
            lines.append(json.dumps({"custom_id": request["custom_id"], "result": result}, ensure_ascii=False))
        url = f"{self.base_url}/messages/batches/{name}/results"
        self.batches[name] |= {"processing_status": "ended", "results_url": url, "request_counts": counts}
        self.batches[name]["lines"] = list(reversed(lines))

    def _asked(self, request: dict[str, Any]) -> dict[str, Any]:
        params = request["params"]
        if unknown := set(params) - _ALLOWED:
            return errored("invalid_request_error", f"{min(unknown)}: Extra inputs are not permitted")
        if any(turn["role"] not in ("user", "assistant") for turn in params["messages"]):
            return errored("invalid_request_error", "messages: Unexpected role")
        self.calls[params["messages"][-1]["content"]] += 1
        return self.result(params)

    async def _results(self, request: web.Request) -> web.Response:
        self._check(request)
        lines = self.batches[request.match_info["id"]]["lines"]
        return web.Response(body="\n".join([*lines, ""]).encode(), content_type="application/x-jsonl")
