"""data/prompt.yaml: the prompts that the annotation uses, a list of parts for people to read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from distill import paths
from distill.errors import DataError
from distill.rows.files import write_text
from distill.rows.records import TaskCard
from distill.settings.prompt import PromptSettings
from distill.templates import Template

AIMS = ("explain", "label")
_HEADER = """\
# The prompts that `annotate` sends; written by `optimize_prompt`.
# An edit here is overwritten by the next run of optimize_prompt: edit a copy in data/prompts and name it in \
prompt.file.
"""


def hand_written(card: TaskCard, settings: PromptSettings) -> dict[str, Template]:
    """The hand-written prompts: the task's, or where params.yaml gives another, that one.

    Raises TemplateError where a prompt shows a field that the task does not have.
    """
    own = {"explain": settings.explain, "label": settings.label_only}
    templates = {}
    for aim, user in own.items():
        task = card.prompts[aim]
        system = task["system"] if settings.system is None else settings.system
        templates[aim] = Template(system, task["user"] if user is None else user)
        templates[aim].check(card.fields)
    return templates


def fixed_prompts(card: TaskCard, settings: PromptSettings) -> dict[str, Template]:
    """The prompts of `prompt.optimizer: fixed`: those of `prompt.file` where it names one, else the hand-written ones.

    Raises DataError where the file is missing or cannot be used, TemplateError as hand_written does.
    """
    if settings.file is None:
        return hand_written(card, settings)
    path = paths.PROMPTS / settings.file
    if not path.exists():
        raise DataError(
            f"prompt.file: {path}: no such file; copy {paths.PROMPT} there and edit it, or set prompt.file to null"
        )
    return read_prompts(path, card)


class _Dumper(yaml.SafeDumper):
    pass


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _block)


def write_prompts(path: Path, templates: Mapping[str, Template], origin: Mapping[str, Any], card: TaskCard) -> None:
    """Writes the templates, and as the last part, `found`, the task they are of and their origin."""
    content = [{"asks_for": aim, "system": templates[aim].system, "user": templates[aim].user} for aim in AIMS]
    content.append({"found": {"task": card.name, **origin}})
    text = yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100)
    write_text(path, _HEADER + text)


def read_prompts(path: Path, card: TaskCard) -> dict[str, Template]:
    """The templates by what they ask for ("explain", "label"), checked against the task's fields.

    Raises DataError where the file says that it is of another task (one that names none is taken as it stands), or
    cannot be used, with the file and what is wrong.
    """
    try:
        parts = yaml.safe_load(path.read_text(encoding="utf-8"))
        task = next((part["found"].get("task") for part in parts if "found" in part), None)
        by_aim = {part.get("asks_for"): part for part in parts}
        templates = {aim: Template(by_aim[aim]["system"] or "", by_aim[aim]["user"]) for aim in AIMS}
        of_this_task = task in (None, card.name)
        for template in templates.values() if of_this_task else ():
            template.check(card.fields)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; `dvc repro optimize_prompt` makes it") from error
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: not a prompt file ({error}); it needs a part that asks_for {' and one for '.join(AIMS)}, each"
            " with system and user"
        ) from error
    if not of_this_task:
        raise DataError(
            f"{path}: has the prompts of the task {task}, and task.name is {card.name}; `dvc repro optimize_prompt`"
            " writes them anew; in a copy of your own that fits both, delete the line of the task"
        )
    return templates
