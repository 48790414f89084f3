"""A study as people write it, data/studies/<name>.yaml, read as strictly as params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import yaml

from distill.settings.loader import Refused, load
from distill.studies.controls import MEASURED_CONTROLS, ControlName


@dataclass(frozen=True)
class Seeds:
    """Every cell is run once a value; the value is given to all `keys`, as student.seed. What no key names
    (the task's rows, the teacher's answers) is shared by all cells. `more` are further values, by arm or control."""

    keys: tuple[str, ...]
    values: tuple[int, ...]
    more: dict[str, tuple[int, ...]] | None = None

    def __post_init__(self) -> None:
        if not self.keys:
            raise Refused("keys", "is empty; name the seeds that differ, as [student.seed, train.seed]")
        if not self.values or len(set(self.values)) < len(self.values):
            raise Refused("values", "must be one whole number or more, each once")
        for arm, values in (self.more or {}).items():
            if len(set(values)) < len(values) or set(values) & set(self.values):
                raise Refused("more", f"{arm}: must be whole numbers, each once, that are not under values")


@dataclass(frozen=True)
class StudyFile:
    """`settings` hold for every cell, instead of those in params.yaml. `grid` gives every combination of its
    values; `arms` are named changes, each run on every combination. The controls are made from the `reference`
    arm, with which all others are compared."""

    question: str
    settings: dict[str, yaml.Node]
    grid: dict[str, tuple[yaml.Node, ...]]
    arms: dict[str, dict[str, yaml.Node]]
    controls: tuple[ControlName, ...]
    reference: str
    seeds: Seeds

    def __post_init__(self) -> None:
        if not self.arms and not self.grid:
            raise Refused("arms", "is empty, and so is grid; a study needs either")
        for key, values in self.grid.items():
            if not values:
                raise Refused("grid", f"{key} has no values; give a list of them")
        if clash := [name for name in self.arms if name in get_args(ControlName)]:
            raise Refused("arms", f"{clash[0]!r} is the name of a control; choose another")
        if self.arms and self.reference not in self.arms:
            raise Refused("reference", f"is {self.reference!r}; allowed: {', '.join(self.arms)}")
        for control, needed in MEASURED_CONTROLS.items():
            if control in self.controls and (lacking := [name for name in needed if name not in self.controls]):
                raise Refused(
                    "controls",
                    f"{control} needs {' and '.join(lacking)} beside it: from what that costs its settings follow",
                )
        names = (*self.arms, *self.controls)
        if unknown := [name for name in self.seeds.more or {} if self.arms and name not in names]:
            raise Refused("seeds", f"more: {unknown[0]!r} is no arm and no control here; allowed: {', '.join(names)}")
        _no_key_twice(self)


def read_study(path: Path) -> StudyFile:
    """Raises SettingsError, with file and line, when a key is unknown, missing or not allowed."""
    return load(StudyFile, path)


def _no_key_twice(study: StudyFile) -> None:
    """A setting stands in one place of a study, or it would not be clear which one holds."""
    places: list[tuple[str, Mapping[str, object]]] = [("settings", study.settings), ("grid", study.grid)]
    seen: dict[str, str] = {key: "seeds" for key in study.seeds.keys}
    for place, keys in places:
        for key in keys:
            if key in seen:
                raise Refused(place, f"{key} also stands under {seen[key]}; keep one of the two")
            seen[key] = place
    for name, changes in study.arms.items():
        for key in changes:
            if seen.get(key) in ("grid", "seeds"):
                raise Refused("arms", f"{name}: {key} also stands under {seen[key]}; keep one of the two")
