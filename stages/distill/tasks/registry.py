"""Tasks by name, a line each, imported when they are asked for."""

from __future__ import annotations

import os
from importlib import import_module
from inspect import isabstract

from distill.errors import DataError
from distill.settings.task import TaskSettings
from distill.tasks.base import Task
from distill.tasks.problems import in_quotes

TASKS: dict[str, str] = {
    "anli1": "distill.tasks.anli:Anli1",
    "anli2": "distill.tasks.anli:Anli2",
    "anli3": "distill.tasks.anli:Anli3",
    "cqa": "distill.tasks.cqa:CommonsenseQA",
    "esnli": "distill.tasks.esnli:ESnli",
    "gsm8k": "distill.tasks.gsm8k:Gsm8k",
    "practice": "distill.tasks.practice:Practice",
    "svamp": "distill.tasks.svamp:Svamp",
    "table": "distill.tasks.table:Table",
}


def get_task(settings: TaskSettings) -> Task:
    """The task that `task.name` names, or a task class of one's own as "module:Class".

    Such a module runs as any code does; name only your own. Raises DataError where there is no such task.
    """
    path = os.path.expanduser(settings.path or "")
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        raise DataError(f"task.path: {path}: is a device or a pipe, which may never end; allowed: a file or a folder")
    place = TASKS.get(settings.name, settings.name)
    module, colon, name = place.partition(":")
    if not colon:
        raise DataError(
            f"task.name: is {in_quotes(settings.name)}; allowed: {', '.join(sorted(TASKS))}, or a class of your own as"
            ' "module:Class"'
        )
    try:
        task = getattr(import_module(module), name)
    except Exception as error:  # whatever a module of somebody's own may raise
        reason = " ".join(str(error).split()) or "no more is said"
        raise DataError(
            f"task.name: {in_quotes(place)} cannot be imported ({type(error).__name__}: {reason}); is the module on"
            " the Python path?"
        ) from error
    if not (isinstance(task, type) and issubclass(task, Task)) or isabstract(task):
        raise DataError(
            f"task.name: {in_quotes(place)} is not a task; it must be a subclass of distill.tasks.base.Task"
        )
    return task(settings)
