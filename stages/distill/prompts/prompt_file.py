"""data/prompt.yaml: the prompts that the annotation uses, a list of parts for people to read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from distill.errors import DataError
from distill.rows.files import write_text
from distill.rows.records import TaskCard
from distill.templates import Template

ASKED = ("explain", "label")
_HEADER = """\
# The prompts that `annotate` sends; written by `optimize_prompt`.
# An edit here is overwritten by the next run of optimize_prompt: edit a copy in data/prompts and name it in
# prompt.file.
"""


class OtherTask(DataError):
    """The prompts of a file were written for another task; `task` is its name."""

    def __init__(self, message: str, task: str):
        super().__init__(message)
        self.task = task


class _Dumper(yaml.SafeDumper):
    pass


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _block)


def write_prompts(path: Path, templates: Mapping[str, Template], found: Mapping[str, Any], card: TaskCard) -> None:
    """Writes the templates, and as the last part, `found`, the task they are of and where they come from."""
    content = [{"asks_for": asked, "system": templates[asked].system, "user": templates[asked].user} for asked in ASKED]
    content.append({"found": {"task": card.name, **found}})
    text = yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)
    write_text(path, _HEADER + text)


def read_prompts(path: Path, card: TaskCard) -> dict[str, Template]:
    """The templates by what they ask for ("explain", "label"), checked against the task's fields.

    Raises OtherTask where the file says that it is of another task (one that names none is taken as it stands), and
    DataError with the file and what is wrong.
    """
    try:
        parts = yaml.safe_load(path.read_text(encoding="utf-8"))
        task = next((part["found"].get("task") for part in parts if "found" in part), None)
        if task not in (None, card.name):
            raise OtherTask(
                f"{path}: has the prompts of the task {task}, and task.name is {card.name}; `dvc repro optimize_prompt`"
                " writes them anew; in a copy of your own that fits both, delete the line of the task",
                str(task),
            )
        content = {part.get("asks_for"): part for part in parts}
        templates = {asked: Template(content[asked]["system"] or "", content[asked]["user"]) for asked in ASKED}
        for template in templates.values():
            template.check(card.fields)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; `dvc repro optimize_prompt` makes it") from error
    except OtherTask:
        raise
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: not a prompt file ({error}); it needs a part that asks_for {' and one for '.join(ASKED)}, each"
            " with system and user"
        ) from error
    return templates
