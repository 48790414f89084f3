"""From a look at somebody's file, their flags and their answers to the settings of their task."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from distill import paths
from distill.errors import UserError
from distill.settings import load_settings
from distill.sizes import AUTO
from distill.start.looking import Look, look, look_at_hub
from distill.teacher.local.model_file import gguf_sha256

# Asks a person, by what is asked, the flag that answers it, and the answer that Enter takes, if any.
AskPerson = Callable[[str, str, str | None], str]
NONE = "none"


def ask_person(question: str, flag: str, suggested: str | None) -> str:
    """What a person at the terminal answers. Raises UserError, which names the flag, where there is no terminal."""
    if not sys.stdin.isatty():
        raise UserError(f"{question} Say it with {flag}, as there is no terminal to ask at")
    hint = f" [{suggested}]" if suggested else ""
    while True:
        print(f"{question}{hint} ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            raise UserError(f"{question} Say it with {flag}")
        if line.strip() or suggested:
            return line.strip() or suggested or ""


def chosen_settings(options: argparse.Namespace, ask: AskPerson) -> tuple[Look, dict[str, Any]]:
    """The file as it looks, and the values of params.yaml that make it the task.

    `options` are those of stages/start.py; what they leave open is guessed where the file shows it, else `ask` is
    asked. A description is never guessed. Raises UserError on a file, column or kind that cannot be.
    """
    file = (
        look_at_hub(options.source, options.configuration, options.revision)
        if options.revision
        else look(Path(options.source))
    )
    label = _label(file, options, ask)
    kind = options.kind or file.kind(label) or ask("Are answers classes, choices, number or text?", "--kind", "classes")
    choices = _choices(file, kind, options, ask)
    identity = options.id or file.id() or NONE
    rationale = file.rationale()
    taken = (label, identity, rationale, *choices)
    columns = tuple(options.columns or file.inputs(taken))
    _check(file, (*columns, *choices, *([] if identity == NONE else [identity])))
    if not columns:
        raise UserError(f"{file.path}: no column is left for the input; name some with --columns")
    classes = options.classes or _classes(file, label, kind, ask)
    described = options.description or ask("In one sentence, what is to be decided?", "--description", None)
    changes: dict[str, Any] = {
        "task.name": "table",
        "task.path": str(file.path) if not options.revision else load_settings(paths.PARAMS).task.path,
        "task.hub": options.source if options.revision else None,
        "task.revision": options.revision,
        "task.train_rows": "all",
        "task.validation_rows": AUTO,
        "task.test_rows": AUTO,
        "task.table.kind": kind,
        "task.table.description": described.strip(),
        "task.table.label": label,
        "task.table.columns": list(columns),
        "task.table.classes": list(classes),
        "task.table.choices": list(choices),
        "task.table.delimiter": file.delimiter,
        "task.table.template": None,
        "task.table.context": None,
        "task.table.rationale": rationale,
        "task.table.id": None if identity == NONE else identity,
        "task.table.configuration": options.configuration,
        "prompt.search_rows": AUTO,
        "prompt.holdout_rows": AUTO,
        "annotate.validation_rows": AUTO,
        # Prompts that were written for another task must not be sent over these rows.
        "prompt.file": None,
        "prompt.explain": None,
        "prompt.label_only": None,
        "prompt.system": None,
    }
    return file, changes | _teacher(options)


def _check(file: Look, columns: Sequence[str]) -> None:
    for column in columns:
        if column not in file.columns:
            raise UserError(f"{file.path}: no column {column!r} (there are: {', '.join(file.columns)})")


def _teacher(options: argparse.Namespace) -> dict[str, Any]:
    if options.gguf:
        if options.provider or options.base_url:
            raise UserError("--gguf names a model that this machine runs: leave out --provider and --base-url")
        path = Path(options.gguf)
        return {
            "teacher.provider": "local",
            "teacher.model": options.model or path.stem,
            "teacher.local.sha256": gguf_sha256(path),
            "runtime.local.file": str(path),
        }
    provider = options.provider or ("openai" if options.model or options.base_url else None)
    flags = {"teacher.provider": provider, "teacher.model": options.model, "teacher.base_url": options.base_url}
    return {key: value for key, value in flags.items() if value is not None}


def _label(file: Look, options: argparse.Namespace, ask: AskPerson) -> str | None:
    if options.label is not None:
        _check(file, [] if options.label == NONE else [options.label])
        return None if options.label == NONE else options.label
    likely = file.labels()
    suggested = likely[0] if likely else NONE
    if len(likely) == 1:
        return suggested
    question = f"Which column is the label ({', '.join((*likely, NONE))})?"
    answer = ask(question, "--label", suggested)
    while answer != NONE and answer not in file.columns:
        answer = ask(f"There is no column {answer!r}. {question}", "--label", suggested)
    return None if answer == NONE else answer


def _choices(file: Look, kind: str, options: argparse.Namespace, ask: AskPerson) -> Sequence[str]:
    if kind != "choices":
        return ()
    if options.choices:
        return tuple(options.choices)
    return (file.choices() or ask("Which column holds the row's own answers?", "--choices", None),)


def _classes(file: Look, label: str | None, kind: str, ask: AskPerson) -> Sequence[str]:
    if kind != "classes":
        return ()
    if label is not None and file.values(label):
        return ()
    names = ask("Which classes are there (with commas between)?", "--classes", None)
    return tuple(name.strip() for name in names.split(",") if name.strip())
