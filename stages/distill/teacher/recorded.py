"""Completions that somebody already has, which are matched to rows by id.

`teacher.path` is one file or a folder. A file is known by its shape:

- JSONL of `{"id": …, "response": …}`: the row's id and the text; `model`, `finish_reason`, OpenAI's
  `usage` object and `reasoning_content` (what the model thought) may stand beside them.
- JSONL of a provider's batch output: `{"custom_id": …, "response": {"body": <chat completion>}}`.
- JSONL of `{"split": …, "idx": …, "response": …}` (the code release of arXiv 2403.15886): the row's place in
  its published split.
- `<split>_CoT_<k>.json`, arrays of strings in the order of the published split (the data release of
  arXiv 2305.02301); shards 0, 1, … follow one another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from distill.errors import DataError
from distill.paths import source
from distill.rows.files import read_json_lines
from distill.rows.strict_json import strict_json
from distill.settings import Settings
from distill.teacher.exchange import Reply, Request, Usage
from distill.teacher.failures import (
    RECORDED,
    Symptom,
    describe_failure,
    http_status,
    judge_failure,
    symptom_of_error,
    symptom_of_status,
)  # fmt: skip
from distill.teacher.money import Bill, cost
from distill.teacher.reading import Unusable, read_completion, thought_in

_SHARD = re.compile(r"(?P<split>[a-z]+)_CoT_(?P<number>[0-9]+)\.json\Z")
_UNKNOWN = Usage()


class RecordedTeacher:
    """Answers from files; nothing is asked over a network. Raises DataError on files it cannot use."""

    simulated = False

    def __init__(self, settings: Settings, stage: str):
        self.path = source(settings.teacher.path)
        self.model = settings.teacher.model
        self.prices = settings.runtime.prices
        self.bill = Bill()
        self.completions = read_completions(self.path, settings.teacher.row_errors)

    def ask(self, requests: Iterable[Request], total: int | None = None, title: str = "") -> Iterator[Reply]:
        """The recorded answer to each request, by the row's id, else by its place in the published split."""
        for request in requests:
            completion = self.completions.get(request.row_id) or self.completions.get(request.source or "")
            if completion is None:
                why = "failed: no completion is recorded for this row"
                yield Reply(request.row_id, request.sample, None, None, None, _UNKNOWN, why, from_store=True)
                continue
            model = completion.model or self.model
            usage = completion.usage
            self.bill.add(usage, cost(usage, model, self.prices), from_store=True)
            yield Reply(
                request.row_id, request.sample, completion.text, completion.finish_reason, model, usage,
                completion.failure, True, thought=completion.thought,
            )  # fmt: skip

    def describe(self) -> str:
        return f"recorded answers of {self.model} ({len(self.completions)} completions)"


class Completion(NamedTuple):
    """What a recorded answer says, read as a live one is; `thought` is what the model thought before it."""

    text: str | None
    finish_reason: str | None
    failure: str | None
    model: str | None
    usage: Usage
    thought: str | None


def read_completions(path: Path, row_errors: Sequence[str] = ()) -> dict[str, Completion]:
    """Every completion of a file or folder, keyed by row id or by "split/index".

    `row_errors` are teacher.row_errors.
    """
    if not path.exists():
        raise DataError(f"teacher.path: {path}: no such file or folder")
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.suffix in (".json", ".jsonl"))
    completions: dict[str, Completion] = {}
    places: dict[str, str] = {}
    for key, where, completion in _all(files, row_errors):
        if key in completions:
            raise DataError(
                f"{where}: a second completion for {key!r} (the first: {places[key]}); keep one a row: point "
                "teacher.path at one file, or at a folder with the files of one prompt"
            )
        completions[key], places[key] = completion, where
    if not completions:
        raise DataError(f"teacher.path: {path}: no completions; .jsonl or <split>_CoT_<k>.json are read")
    return completions


def _all(files: list[Path], row_errors: Sequence[str]) -> Iterator[tuple[str, str, Completion]]:
    shards: dict[str, list[tuple[int, Path]]] = {}
    for file in files:
        shard = _SHARD.match(file.name)
        if shard:
            shards.setdefault(shard["split"], []).append((int(shard["number"]), file))
        else:
            yield from _lines(file, row_errors)
    for split, parts in shards.items():
        index = 0
        for expected, (number, file) in enumerate(sorted(parts)):
            if number != expected:
                raise DataError(f"{file}: shard {expected} of {split!r} is missing; the order of rows would be lost")
            for place, text in enumerate(_array(file)):
                yield f"{split}/{index}", f"{file}[{place}]", _completion({"choices": [{"message": {"content": text}}]})
                index += 1


def _array(file: Path) -> list[str]:
    try:
        texts = strict_json(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{file}: not JSON ({error})") from error
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DataError(f"{file}: must be an array of strings")
    return texts


def _lines(file: Path, row_errors: Sequence[str]) -> Iterator[tuple[str, str, Completion]]:
    for line, row in read_json_lines(file):
        where = f"{file}:{line}"
        if "custom_id" in row:
            yield str(row["custom_id"]), where, _batch_line(row, row_errors)
            continue
        response = row.get("response")
        if not isinstance(response, str):
            raise DataError(f"{where}: field 'response' must be the completion's text")
        if "id" in row:
            key = str(row["id"])
        elif "split" in row and "idx" in row:
            key = f"{row['split']}/{row['idx']}"
        else:
            raise DataError(f"{where}: needs 'id', 'custom_id', or 'split' and 'idx', to tell which row it answers")
        message = {**row, "content": response, "refusal": None}
        choice = {"message": message, "finish_reason": row.get("finish_reason")}
        yield key, where, _completion({"choices": [choice], "model": row.get("model"), "usage": row.get("usage")})


def _batch_line(row: dict[str, Any], row_errors: Sequence[str]) -> Completion:
    """A line of a provider's batch output; one whose call failed is a failed row, as it is when it is asked live."""
    response, error = row.get("response"), row.get("error")
    if error or not isinstance(response, dict):
        symptom = symptom_of_error(error) if error else Symptom(broke="empty", message="no response")
        return _failed(symptom, row_errors)
    status = http_status(response.get("status_code") or 200)
    if status is not None and not 200 <= status < 300:
        return _failed(symptom_of_status(status, json.dumps(response.get("body")).encode()), row_errors)
    return _completion(response.get("body"), row_errors)


def _failed(symptom: Symptom, row_errors: Sequence[str], usage: Usage = _UNKNOWN) -> Completion:
    failure = judge_failure(symptom, row_errors)
    why = RECORDED.get(failure.name) or f"failed: {describe_failure(failure, symptom)}"
    return Completion(None, None, why, None, usage, None)


def _completion(body: Any, row_errors: Sequence[str] = ()) -> Completion:
    try:
        reading = read_completion(json.dumps(body).encode())
    except Unusable as unusable:
        symptom = Symptom(broke=unusable.broke, message=str(unusable))
        return _failed(symptom_of_error(unusable.error) if unusable.error else symptom, row_errors, unusable.usage)
    thought = thought_in(body) if reading.failure is None else None
    return Completion(reading.text, reading.finish_reason, reading.failure, reading.model, reading.usage, thought)
