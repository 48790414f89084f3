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
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.paths import source
from distill.rows.files import read_json_lines
from distill.settings import Settings
from distill.teacher.exchange import Reply, Request, Usage
from distill.teacher.money import Bill, cost
from distill.teacher.reading import thought_of

_SHARD = re.compile(r"(?P<split>[a-z]+)_CoT_(?P<number>[0-9]+)\.json\Z")
_UNKNOWN = Usage(None, None, None, None)


class RecordedTeacher:
    """Answers from files; nothing is asked over a network. Raises DataError on files it cannot use."""

    simulated = False

    def __init__(self, settings: Settings, stage: str):
        self.path = source(settings.teacher.path)
        self.model = settings.teacher.model
        self.prices = settings.runtime.prices
        self.bill = Bill()
        self.completions = read_completions(self.path)

    def ask(self, requests: Iterable[Request], total: int | None = None, title: str = "") -> Iterator[Reply]:
        """The recorded answer to each request, by the row's id, else by its place in the published split."""
        for request in requests:
            completion = self.completions.get(request.row_id) or self.completions.get(request.source or "")
            if completion is None:
                why = "failed: no completion is recorded for this row"
                yield Reply(request.row_id, request.sample, None, None, None, _UNKNOWN, why, from_store=True)
                continue
            text, finish_reason, model, usage, thought = completion
            model = model or self.model
            self.bill.add(usage, cost(usage, model, self.prices), from_store=True)
            yield Reply(request.row_id, request.sample, text, finish_reason, model, usage, None, True, thought=thought)

    def describe(self) -> str:
        return f"recorded answers of {self.model} ({len(self.completions)} completions)"


# The text, its finish reason, the model, the usage, and what the model thought.
Completion = tuple[str, str | None, str | None, Usage, str | None]


def read_completions(path: Path) -> dict[str, Completion]:
    """Every completion of a file or folder, keyed by row id or by "split/index"."""
    if not path.exists():
        raise DataError(f"teacher.path: {path}: no such file or folder")
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.suffix in (".json", ".jsonl"))
    completions: dict[str, Completion] = {}
    places: dict[str, str] = {}
    for key, where, completion in _all(files):
        if key in completions:
            raise DataError(
                f"{where}: a second completion for {key!r} (the first: {places[key]}); keep one a row: point "
                "teacher.path at one file, or at a folder with the files of one prompt"
            )
        completions[key], places[key] = completion, where
    if not completions:
        raise DataError(f"teacher.path: {path}: no completions; .jsonl or <split>_CoT_<k>.json are read")
    return completions


def _all(files: list[Path]) -> Iterator[tuple[str, str, Completion]]:
    shards: dict[str, list[tuple[int, Path]]] = {}
    for file in files:
        shard = _SHARD.match(file.name)
        if shard:
            shards.setdefault(shard["split"], []).append((int(shard["number"]), file))
        else:
            yield from _lines(file)
    for split, parts in shards.items():
        index = 0
        for expected, (number, file) in enumerate(sorted(parts)):
            if number != expected:
                raise DataError(f"{file}: shard {expected} of {split!r} is missing; the order of rows would be lost")
            for place, text in enumerate(_array(file)):
                yield f"{split}/{index}", f"{file}[{place}]", (text, None, None, _UNKNOWN, None)
                index += 1


def _array(file: Path) -> list[str]:
    try:
        texts = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{file}: not JSON ({error})") from error
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DataError(f"{file}: must be an array of strings")
    return texts


def _lines(file: Path) -> Iterator[tuple[str, str, Completion]]:
    for line, row in read_json_lines(file):
        where = f"{file}:{line}"
        if "custom_id" in row:
            yield str(row["custom_id"]), where, _batch_line(row, where)
            continue
        if not isinstance(row.get("response"), str):
            raise DataError(f"{where}: field 'response' must be the completion's text")
        if "id" in row:
            key = str(row["id"])
        elif "split" in row and "idx" in row:
            key = f"{row['split']}/{row['idx']}"
        else:
            raise DataError(f"{where}: needs 'id', 'custom_id', or 'split' and 'idx', to tell which row it answers")
        usage = _usage(row.get("usage"))
        yield key, where, (row["response"], row.get("finish_reason"), row.get("model"), usage, thought_of(row))


def _batch_line(row: dict[str, Any], where: str) -> Completion:
    try:
        body = row["response"]["body"]
        choice = body["choices"][0]
        return (
            choice["message"]["content"] or "",
            choice.get("finish_reason"),
            body.get("model"),
            _usage(body.get("usage")),
            thought_of(choice["message"]),
        )
    except (KeyError, IndexError, TypeError) as error:
        raise DataError(
            f"{where}: no chat completion at response.body ({error!r}); take failed rows out of the file"
        ) from error


def _usage(reported: Any) -> Usage:
    """OpenAI's usage object, where there is one."""
    if not isinstance(reported, dict):
        return _UNKNOWN
    details = reported.get("prompt_tokens_details") or {}
    return Usage(
        reported.get("prompt_tokens"), details.get("cached_tokens", 0), reported.get("completion_tokens"), "reported"
    )
