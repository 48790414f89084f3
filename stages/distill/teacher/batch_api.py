"""The provider's Batch API: upload, create, poll, fetch, cancel (platform.openai.com/docs/api-reference/batch)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from distill.teacher.bodies import ENCODINGS, bounded_lines, bounding
from distill.teacher.client import oversized
from distill.teacher.exchange import TeacherError
from distill.teacher.failures import describe_failure, http_status, judge_failure, symptom_of_status
from distill.teacher.reading import parsed_json
from distill.teacher.scrubbing import scrubbed
from distill.visible import one_line

_PAUSE_S = 1.0  # before a batch is sent again, and so much longer each time
_NUMBER = "distill_batch"  # the metadata field that carries our number for a batch
_ENDED = frozenset(("completed", "failed", "expired", "cancelled"))
_GOING_ON = frozenset(("validating", "in_progress", "finalizing", "cancelling", "queued", "running"))
_MOST_LINES = 200_000  # of a file of results: four times what a batch of OpenAI's may have
_MISSING = (404, 405, 501)


class NoBatches(TeacherError):
    """The endpoint has no Batch API."""


@dataclass(frozen=True, slots=True)
class BatchState:
    """The state of a batch. `why` is the provider's reason where the batch failed."""

    id: str
    status: str
    done: int
    total: int
    output_file: str | None
    error_file: str | None
    why: str

    @property
    def ended(self) -> bool:
        """Whether nothing more comes; a state by another name counts as one where no row is missing."""
        return self.status in _ENDED or (self.status not in _GOING_ON and 0 < self.total <= self.done)


@dataclass(frozen=True, slots=True)
class BatchResult:
    """One line of an output or error file: an HTTP status and a body, or an error message with the status None and
    what `broke`, as a Symptom has it."""

    key: bytes
    status: int | None
    body: bytes
    message: str
    broke: str = "empty"


class BatchApi:
    """The batches of one server, which the store knows as `endpoint`.

    Methods raise TeacherError where the client's own retries did not help.
    """

    def __init__(
        self, base_url: str, key: str, timeout_s: float, max_retries: int, most_bytes: int, endpoint: str | None = None
    ):
        import openai

        self._openai, self._key, self._most_bytes = openai, key, most_bytes
        self.endpoint = endpoint or base_url.rstrip("/")
        self._api = openai.OpenAI(
            base_url=base_url, api_key=key, timeout=timeout_s, max_retries=max_retries,
            default_headers={"Accept-Encoding": ENCODINGS},
            http_client=openai.DefaultHttpxClient(event_hooks={"response": [bounding(most_bytes)]}),
        )  # fmt: skip

    def close(self) -> None:
        self._api.close()

    def create(self, number: str, bodies: Iterable[tuple[bytes, bytes]]) -> str:
        """Uploads (key, body) pairs and starts a batch; returns its id. Raises NoBatches where there is no such API."""
        lines = (
            b'{"custom_id":"%b","method":"POST","url":"/v1/chat/completions","body":%b}\n' % (key.hex().encode(), body)
            for key, body in bodies
        )
        with self._errors(missing=True):
            uploaded = self._api.files.create(file=("requests.jsonl", b"".join(lines)), purpose="batch")
            return self._started(number, uploaded.id)

    def _started(self, number: str, file: str) -> str:
        """Starts a batch. Where the answer is lost or an error, it is looked for before it is sent again: the client's
        own retries would start it twice."""
        once = self._api.with_options(max_retries=0)
        for attempt in count(1):
            try:
                return once.batches.create(
                    input_file_id=file,
                    endpoint="/v1/chat/completions",
                    completion_window="24h",
                    metadata={_NUMBER: number},
                ).id
            except (self._openai.APIConnectionError, self._openai.InternalServerError, self._openai.RateLimitError):
                if started := self.find(number):
                    return started
                if attempt > self._api.max_retries:
                    raise
            time.sleep(_PAUSE_S * attempt)

    def find(self, number: str) -> str | None:
        """The provider's id of the batch that carries our number; None where it has none."""
        with self._errors():
            for batch in self._api.batches.list(limit=100):
                if (batch.metadata or {}).get(_NUMBER) == number:
                    return batch.id
        return None

    def state(self, batch_id: str) -> BatchState:
        with self._errors():
            return _state(self._api.batches.retrieve(batch_id))

    def cancel(self, batch_id: str) -> BatchState:
        """Asks the provider to stop. What it has answered until then is paid, and can be fetched."""
        with self._errors():
            return _state(self._api.batches.cancel(batch_id))

    def results(self, state: BatchState) -> Iterator[BatchResult]:
        """The lines of the output and the error file, in any order."""
        for file in (state.output_file, state.error_file):
            if file:
                for line, whole in self._lines(partial(self._api.files.with_streaming_response.content, file)):
                    yield _result(scrubbed(line, self._key)) if whole else self._oversized(_key_of(line))

    def _lines(self, opened: Callable[[], Any]) -> Iterator[tuple[bytes, bool]]:
        """(line, whether it is whole) of a response of many lines; where it breaks off, it is asked for again."""
        import httpx2

        with self._errors():
            done = 0
            for attempt in count(1):
                try:
                    with opened() as response:
                        for number, line in enumerate(bounded_lines(response.iter_bytes(), self._most_bytes)):
                            if number >= _MOST_LINES:
                                return
                            if number >= done:
                                done += 1
                                yield line
                    return
                except httpx2.TransportError as error:
                    if attempt > self._api.max_retries:
                        raise self._openai.APIConnectionError(message=str(error), request=error.request) from error
                time.sleep(_PAUSE_S * attempt)

    def _oversized(self, key: bytes) -> BatchResult:
        symptom = oversized(self._most_bytes)
        return BatchResult(key, None, b"", symptom.message, symptom.broke or "")

    def _errors(self, *, missing: bool = False) -> _Errors:
        return _Errors(self._openai, self._key, missing)


class _Errors:
    """Turns errors of the openai client into TeacherError, by the table of failures."""

    def __init__(self, openai: Any, key: str, missing: bool):
        self._openai, self._key, self._missing = openai, key, missing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, self._openai.APIStatusError):
            symptom = symptom_of_status(error.status_code, scrubbed(error.response.content, self._key))
            if self._missing and error.status_code in _MISSING:
                raise NoBatches(f"the endpoint has no batches ({error.status_code})") from error
            failure = judge_failure(symptom)
            advice = failure.advice or "run again: a batch that was created goes on at the provider"
            raise TeacherError(f"batch: {describe_failure(failure, symptom)}. What to do: {advice}") from error
        if isinstance(error, self._openai.APIConnectionError):
            raise TeacherError(
                f"batch: the endpoint cannot be reached ({error}); run again: a batch that was created goes on there"
            ) from error


def _state(batch: Any) -> BatchState:
    """The state of a batch, whose fields may be missing or of another type than they should."""
    fields = batch.model_dump(warnings=False) if hasattr(batch, "model_dump") else {}
    if not isinstance(fields.get("id"), str):
        raise TeacherError("batch: the endpoint's answer is no batch; run again: one that was created goes on there")
    counts = fields.get("request_counts") if isinstance(fields.get("request_counts"), dict) else {}
    done, failed, total = (
        count if isinstance(count := counts.get(name), int) else 0 for name in ("completed", "failed", "total")
    )
    errors = fields.get("errors")
    listed = errors.get("data") if isinstance(errors, dict) else errors
    reasons = [_reason(error) for error in listed[:3]] if isinstance(listed, list) else []
    return BatchState(
        fields["id"], one_line(str(fields.get("status")), 40).lower(), done + failed, total,
        fields.get("output_file_id"), fields.get("error_file_id"), one_line("; ".join(reasons), 500),
    )  # fmt: skip


def _result(line: bytes) -> BatchResult:
    """A line of a result file; one that cannot be read has the key of no row."""
    try:
        parsed = parsed_json(line.decode("utf-8", "surrogatepass"))
        key, response, error = bytes.fromhex(parsed["custom_id"]), parsed.get("response"), parsed.get("error")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return BatchResult(b"", None, b"", "cannot be read")
    if isinstance(response, dict):
        return BatchResult(key, http_status(response.get("status_code")), json.dumps(response.get("body")).encode(), "")
    return BatchResult(key, None, b"", _reason(error))


def _key_of(line: bytes) -> bytes:
    """The key of a line that was cut, which its id has; that of no row where it is not in sight."""
    name = re.search(rb'"custom_id"\s*:\s*"([0-9a-f]{64})"', line)
    return bytes.fromhex(name[1].decode()) if name else b""


def _reason(error: Any) -> str:
    named = error.get("message") or error.get("code") if isinstance(error, dict) else error
    return str(named or "no response")
