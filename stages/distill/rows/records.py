"""The rows that flow between stages, and how they are kept: canonical JSONL, one object a line, sorted by id."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar, Union

from distill.errors import DataError
from distill.progress import Progress
from distill.rows.files import canonical, read_json_lines, read_object, whole_file, write_text


@dataclass(frozen=True, slots=True)
class Example:
    """A prepared row. `input` is what the student reads; `fields` is what a prompt may show.

    `choices` are the row's own answers (multiple choice); empty where the task has one set of classes.
    `source` names the row in the published file ("train/12"), for answers recorded in that order.
    """

    id: str
    input: str
    fields: dict[str, str]
    choices: tuple[str, ...] = ()
    label: str | None = None
    rationale: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """What the teacher answered for a row, raw and parsed.

    `asked` is "explain" (label and rationale) or "label"; `status` a parse status (distill.answers.parsing.STATUSES),
    or "failed", "empty" (no text came), "too_long" (for the model) or "row_error" (teacher.row_errors); `tokens_from`
    "reported", "tiktoken" or "estimate", None where nothing is known; `mode` how the answer was bought, "live",
    "batch", or "mixed": of its calls some each way, and `batch_tokens` are those of the batch. Where a row was asked
    more than once, tokens are those of all `calls`, and `confidence` is the share of answers that agree on the label;
    of a row asked once it is the answer's mean token probability (teacher.logprobs).
    `label_probabilities` is what the teacher gave each label, where that is known
    (distill.prompts.label_probabilities; distill.annotation.voting for several answers). `prompt` names the prompt
    that label and rationale come from (distill.annotation.wording), two of them as "label+explain". `dropped` is the
    quality gate's rule that took the rationale. `notes` are the parser's on the response
    (distill.answers.parsing.NOTES).
    """

    id: str
    asked: str
    label: str | None
    rationale: str | None
    status: str
    response: str | None
    finish_reason: str | None
    model: str | None
    tokens_in: int | None = None
    tokens_cached: int | None = None
    tokens_out: int | None = None
    tokens_from: str | None = None
    tokens_reasoning: int | None = None
    calls: int = 1
    prompt: str | None = None
    confidence: float | None = None
    label_probabilities: dict[str, float] = field(default_factory=dict)
    dropped: str | None = None
    mode: str = "live"
    batch_tokens: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """What the student trains on; a row without a rationale has None (see train.missing_rationale).

    `label_probabilities` are the teacher's (train.soft_labels).
    """

    id: str
    input: str
    label: str
    rationale: str | None = None
    choices: tuple[str, ...] = ()
    label_probabilities: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The student's answer to a row. `probability` is that of the label among the row's candidates; `probabilities`
    are those of all of them, in significant digits, and empty where the student writes its label instead.
    """

    id: str
    label: str
    gold: str | None = None
    probability: float | None = None
    rationale: str | None = None
    probabilities: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """A test row with all that was answered to it: what people read, and what two experiments are compared on.

    Labels are as one extractor reads them; None is no label, nobody asked, or no gold label to be right by.
    """

    id: str
    input: str
    choices: tuple[str, ...] = ()
    gold: str | None = None
    student_label: str | None = None
    student_right: bool | None = None
    student_probability: float | None = None
    student_rationale: str | None = None
    teacher_label: str | None = None
    teacher_right: bool | None = None
    teacher_status: str | None = None
    teacher_rationale: str | None = None
    teacher_response: str | None = None  # where no label could be read in it


@dataclass(frozen=True, slots=True)
class TaskCard:
    """What later stages need to know of the task: `data/prepared/task.json`.

    kind: "classes" | "choices" | "number" | "text" (see distill.answers.parsing).
    classes: the labels of a "classes" task, in the order that reports use; else empty.
    fields: what a prompt template may show.
    prompts: the task's hand-written templates, "explain" and "label", each {"system": …, "user": …}.
    decimal: the mark of decimals in numbers (task.decimal).
    aliases: what else classes are called in answers. meanings: what they mean, of those that say so.
    """

    name: str
    kind: str
    description: str
    fields: tuple[str, ...]
    prompts: dict[str, dict[str, str]]
    classes: tuple[str, ...] = ()
    decimal: str = "auto"
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    meanings: dict[str, str] = field(default_factory=dict)


Row = TypeVar("Row")


def write_rows(path: Path, rows: Iterable[Any]) -> int:
    """Writes dataclass rows as canonical JSONL; returns how many. Raises DataError on a repeated id."""
    lines = sorted((row.id, canonical(dataclasses.asdict(row))) for row in rows)
    for (first, _), (second, _) in pairwise(lines):
        if first == second:
            raise DataError(f"{path}: two rows have the id {first!r}")
    write_text(path, "".join(line + "\n" for _, line in lines))
    return len(lines)


def read_rows(path: Path, cls: type[Row]) -> list[Row]:
    """Reads canonical JSONL into `cls`, in the order of the file.

    Raises DataError with file and line on a missing file, a malformed line, a missing, unknown or
    mistyped field, or a repeated id.
    """
    rows: list[Row] = []
    seen: dict[str, int] = {}
    for number, values in read_json_lines(path):
        row = _build(cls, values, f"{path}:{number}")
        first = seen.setdefault(row.id, number)  # type: ignore[attr-defined]
        if first != number:
            again = f"{path}:{number}: id {row.id!r}"  # type: ignore[attr-defined]
            raise DataError(f"{again} is also on line {first}; ids must be unique")
        rows.append(row)
    return rows


def read_json(path: Path, cls: type[Row]) -> Row:
    """Reads one JSON object into dataclass `cls`. Raises DataError."""
    return _build(cls, read_object(path), str(path))


@cache
def _shape(cls: type) -> dict[str, tuple[Any, bool]]:
    hints = typing.get_type_hints(cls)
    unset = (dataclasses.MISSING, dataclasses.MISSING)
    return {f.name: (hints[f.name], (f.default, f.default_factory) == unset) for f in dataclasses.fields(cls)}


def _build(cls: type[Row], values: dict[str, Any], where: str) -> Row:
    shape = _shape(cls)
    for name in values:
        if name not in shape:
            raise DataError(f"{where}: unknown field {name!r}; known: {', '.join(shape)}")
    fields_read = {}
    for name, (kind, required) in shape.items():
        if name in values:
            fields_read[name] = _typed(kind, values[name], f"{where}: field {name!r}")
        elif required:
            raise DataError(f"{where}: field {name!r} is missing")
    return cls(**fields_read)


def _typed(kind: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        kind = next(option for option in arguments if option is not type(None))
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple and isinstance(value, list):
        return tuple(_typed(arguments[0], item, where) for item in value)
    if origin is dict and isinstance(value, dict):
        return {key: _typed(arguments[1], item, where) for key, item in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    if origin is None and type(value) is kind:
        return value
    raise DataError(f"{where} is {json.dumps(value)[:80]}; it must be {getattr(kind, '__name__', kind)}")


def write_prepared(path: Path, rows: Sequence[Example]) -> None:
    """Like distill.rows.records.write_rows; a sequence that is no list is written as it comes, in order of its ids.

    Raises DataError where the ids are not in order.
    """
    if isinstance(rows, list):
        write_rows(path, rows)
        return
    names = [field.name for field in dataclasses.fields(Example)]
    with whole_file(path) as file, Progress(f"prepare, writing {path.stem}", len(rows)) as progress:
        before = ""
        for row in rows:
            if row.id <= before:
                raise DataError(
                    f"{path}: the row {row.id!r} comes after {before!r}; rows must be in the order of their ids,"
                    " each once"
                )
            before = row.id
            file.write(canonical({name: getattr(row, name) for name in names}).encode() + b"\n")
            progress.add()
