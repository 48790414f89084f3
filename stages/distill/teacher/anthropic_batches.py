"""Anthropic's Message Batches in the place of OpenAI's Batch API (platform.claude.com/docs/en/api/messages/batches).

Such a batch carries no metadata. Our number for it is therefore part of the id of each request, which Anthropic shows
with the results alone: until a batch has ended, it is not known whose it is.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import Any

from distill.teacher.anthropic_messages import chat_completion, error_status, messages_params
from distill.teacher.batch_api import BatchApi, BatchResult, BatchState
from distill.teacher.exchange import TeacherError
from distill.teacher.reading import parsed_json
from distill.teacher.scrubbing import scrubbed

_PATH = "/messages/batches"
_VERSION = "2023-06-01"
_NAME = re.compile(rb'"custom_id"\s*:\s*"([\w-]{43,64})"')
_KEY_CHARACTERS = 43  # of 32 bytes in base64
_ID_CHARACTERS = 64  # of an id, at most


class AnthropicBatches(BatchApi):
    """The message batches of one account. `our_ids` gives those of the batches that are in the ledger."""

    def __init__(
        self,
        base_url: str,
        key: str,
        timeout_s: float,
        max_retries: int,
        most_bytes: int,
        endpoint: str | None = None,
        our_ids: Callable[[], Collection[str]] = tuple,
    ):
        super().__init__(base_url, key, timeout_s, max_retries, most_bytes, endpoint)
        headers = {"x-api-key": key, "anthropic-version": _VERSION, "Authorization": self._openai.Omit()}
        self._options: dict[str, Any] = {"headers": headers}
        self._our_ids, self._never_made = our_ids, set[str]()

    def create(self, number: str, bodies: Iterable[tuple[bytes, bytes]]) -> str:
        """Starts a batch of (key, body) pairs; returns its id. Raises NoBatches where there is no such API."""
        self._never_made.add(number)
        requests = [
            {"custom_id": _request_id(key, number), "params": messages_params(json.loads(body))} for key, body in bodies
        ]
        with self._errors(missing=True):
            try:
                # One that is sent again by itself after a lost answer would be there twice.
                once = self._api.with_options(max_retries=0)
                batch = once.post(_PATH, cast_to=object, body={"requests": requests}, options=self._options)
            except self._openai.APIError as error:
                if not 400 <= getattr(error, "status_code", 0) < 500:
                    self._never_made.discard(number)
                raise
        return _batch_state(batch).id

    def find(self, number: str) -> str | None:
        """The id of the batch that carries our number; None where there is none.

        Raises TeacherError while a batch is under way that may be it.
        """
        if number in self._never_made:
            return None
        ours, unknown = set(self._our_ids()), []
        for state in self._states():
            if state.id in ours:
                continue
            if not state.ended:
                unknown.append(state.id)
            elif any(_carries(line, number) for line, _ in islice(self._result_lines(state.id), 1)):
                return state.id
        if unknown:
            raise TeacherError(
                f"the answer to a batch that was sent is lost, and {', '.join(unknown)} may be that batch, which shows "
                "once it has ended: run again then, so that nothing is paid twice"
            )
        return None

    def state(self, batch_id: str) -> BatchState:
        return _batch_state(self._get(f"/{batch_id}"))

    def cancel(self, batch_id: str) -> BatchState:
        """Asks the provider to stop. What it has answered until then is paid, and can be fetched."""
        with self._errors():
            return _batch_state(self._api.post(f"{_PATH}/{batch_id}/cancel", cast_to=object, options=self._options))

    def results(self, state: BatchState) -> Iterator[BatchResult]:
        """The results of a batch that has ended, in any order."""
        for line, whole in self._result_lines(state.id):
            if not whole:
                yield self._oversized(_cut_key(line))
                continue
            try:
                yield _batch_result(parsed_json(scrubbed(line, self._key).decode()))
            except (
                ValueError,
                LookupError,
                TypeError,
                AttributeError,
                RecursionError,
            ):  # of no row that was asked about
                yield BatchResult(b"", None, b"", "cannot be read")

    def _get(self, path: str, cast_to: type = object, **query: Any) -> Any:
        with self._errors():
            return self._api.get(f"{_PATH}{path}", cast_to=cast_to, options=self._options | {"params": query})

    def _result_lines(self, batch_id: str) -> Iterator[tuple[bytes, bool]]:
        streaming = {"headers": {**self._options["headers"], "X-Stainless-Raw-Response": "stream"}}

        def opened() -> Any:
            return closing(self._api.get(f"{_PATH}/{batch_id}/results", cast_to=object, options=streaming))

        return self._lines(opened)

    def _states(self) -> Iterator[BatchState]:
        """Every batch of the account, newest first."""
        page = self._get("", limit=100)
        while True:
            yield from map(_batch_state, page["data"])
            if not page.get("has_more"):
                return
            page = self._get("", limit=100, after_id=page["last_id"])


def _request_id(key: bytes, number: str) -> str:
    """A request's id: the key, and as much of our number as there is room for."""
    return (urlsafe_b64encode(key).decode().rstrip("=") + number)[:_ID_CHARACTERS]


def _carries(line: bytes, number: str) -> bool:
    """Whether a line of results is of the batch with our number."""
    name = _NAME.search(line)
    return bool(name) and name[1].decode()[_KEY_CHARACTERS:] == number[: _ID_CHARACTERS - _KEY_CHARACTERS]


def _cut_key(line: bytes) -> bytes:
    """The key of a line that was cut, which its id has; that of no row where it is not in sight."""
    name = _NAME.search(line)
    return urlsafe_b64decode(name[1][:_KEY_CHARACTERS] + b"=") if name else b""


def _batch_state(batch: Any) -> BatchState:
    if not isinstance(batch, dict) or not isinstance(batch.get("id"), str):
        raise TeacherError(
            "batch: what answers at teacher.base_url shows no message batch: check it, and runtime.batch_api"
        )
    counts, status = batch.get("request_counts") or {}, str(batch.get("processing_status"))
    counts = {name: count for name, count in counts.items() if isinstance(count, int)}
    total, left = sum(counts.values()), counts.get("processing", 0)
    names = ("errored", "canceled", "expired")
    why = ", ".join(f"{counts[name]} {name}" for name in names if counts.get(name))
    status = "completed" if status == "ended" else status
    return BatchState(batch["id"], status, total - left, total, None, None, why)


def _batch_result(line: dict[str, Any]) -> BatchResult:
    key = urlsafe_b64decode(line["custom_id"][:_KEY_CHARACTERS] + "=")
    result = line.get("result") or {}
    if result.get("type") == "succeeded":
        return BatchResult(key, 200, json.dumps(chat_completion(result["message"]), ensure_ascii=False).encode(), "")
    if result.get("type") == "errored":
        # An error in an error: the outer one names the kind of answer.
        error = result.get("error") or {}
        error = error.get("error") or error
        return BatchResult(key, error_status(error), json.dumps({"error": error}).encode(), "")
    return BatchResult(key, None, b"", str(result.get("type") or "no result"))
