"""The cells of a study: every arm, on every combination of the grid, with every seed, each one experiment."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from distill.settings import Settings
from distill.settings.loader import SettingsError
from distill.studies.changes import changed_settings, check_key, result_settings, setting_value
from distill.studies.inputs import Inputs
from distill.studies.study_file import StudyFile

Nodes = Mapping[str, yaml.Node]


@dataclass(frozen=True)
class Cell:
    """One experiment. `name` is a hash of all settings but `runtime` and of the declared code and data: two cells
    with one name are the same experiment, in whatever study. `changes` are what it sets, typed; `params` all settings;
    `reference` is the arm that it is compared with (None: it is that arm)."""

    arm: str
    seed: int
    name: str
    changes: dict[str, Any]
    params: dict[str, Any]
    reference: str | None


@dataclass(frozen=True)
class WaitingCell:
    """A cell that cannot be named yet: its steps follow from what two others measure, `needs`."""

    arm: str
    seed: int
    needs: tuple[str, str]
    reference: str | None = None


@dataclass(frozen=True)
class StudyPlan:
    """All cells of a study, in the order in which they are run: the first seed of every arm before the second."""

    cells: list[Cell]
    waiting: list[WaitingCell]
    factors: list[str] = field(default_factory=list)


Flops = Callable[[str], float | None]


class Expander:
    """Makes the cells of a study from the committed params.yaml, given as text."""

    def __init__(self, study: StudyFile, where: str, params: str, inputs: Inputs):
        self.study, self.where, self.params, self.inputs = study, where, params, inputs
        self._made: dict[tuple[tuple[str, str], ...], Settings] = {}
        for key in (
            *study.settings,
            *study.grid,
            *study.seeds.keys,
            *(key for arm in study.arms.values() for key in arm),
        ):
            check_key(key, where)
            if key.startswith("runtime.") and key not in study.settings:
                raise SettingsError(f"{where}: {key}: changes no result, so it can be no factor; put it under settings")
        self.combinations = [
            dict(zip(study.grid, values, strict=True)) for values in itertools.product(*study.grid.values())
        ]

    def plan(self, flops: Flops = lambda name: None) -> StudyPlan:
        """The cells. `flops` gives the measured operations of a finished cell's step, or None while it is not known."""
        cells_by_arm: dict[tuple[str, int], Cell | WaitingCell] = {}
        for seed in self.study.seeds.values:
            for cell in self._of_seed(seed, flops):
                cells_by_arm.setdefault((cell.arm, cell.seed), cell)
        cells = [cell for cell in cells_by_arm.values() if isinstance(cell, Cell)]
        waiting = [cell for cell in cells_by_arm.values() if isinstance(cell, WaitingCell)]
        return StudyPlan(cells, waiting, self._factors(cells))

    def _of_seed(self, seed: int, flops: Flops) -> list[Cell | WaitingCell]:
        study, cells = self.study, []
        for combination in self.combinations:
            reference = self._label(study.reference, combination) if study.arms else study.reference
            for arm, changes in (study.arms or {"": {}}).items():
                label = self._label(arm, combination)
                cells.append(
                    self._cell(label, {**combination, **changes}, seed, None if label == reference else reference)
                )
            if study.arms or self._label("", combination) == reference:
                cells += self._controls(combination, reference, seed, flops)
        if not any(cell.arm == study.reference for cell in cells) and not study.arms:
            raise SettingsError(
                f"{self.where}: reference: is {study.reference!r}; allowed:"
                f" {', '.join(dict.fromkeys(cell.arm for cell in cells))}"
            )
        return cells

    def _controls(self, combination: Nodes, reference: str, seed: int, flops: Flops) -> list[Cell | WaitingCell]:
        own = {**combination, **self.study.arms.get(self.study.reference, {})}
        # Labels alone are the same whatever is done about rationales: one cell stands for all of these.
        shared = {key: value for key, value in combination.items() if key not in RATIONALES_ALONE}
        labels = {key: value for key, value in own.items() if key not in RATIONALES_ALONE} | _nodes(LABEL_ONLY_SETTINGS)
        cells: list[Cell | WaitingCell] = []
        for control in self.study.controls:
            if control == "shuffled_rationale":
                cells.append(self._cell(self._label(control, combination), own | _nodes(SHUFFLED), seed, reference))
                continue
            label = self._label(control, shared)
            if control == "label_only":
                cells.append(self._cell(label, labels, seed, reference))
                continue
            first = self.study.seeds.values[0]  # one number of steps for all seeds of the arm
            needs = tuple(self._cell(reference, changes, first, None).name for changes in (own, labels))
            cost = [flops(name) for name in needs]
            if None in cost:
                cells.append(WaitingCell(label, seed, needs, reference))
            else:
                steps = setting_value(self._settings(labels, seed, label), "train.steps")
                matched = labels | _nodes({"train.steps": round(steps * cost[0] / cost[1])})
                cells.append(self._cell(label, matched, seed, reference))
        return cells

    def _cell(self, arm: str, changes: Nodes, seed: int, reference: str | None) -> Cell:
        settings = self._settings(changes, seed, arm)
        params = result_settings(settings)
        name = hashlib.sha256(
            f"{json.dumps(params, sort_keys=True)}\0{self.inputs.fingerprint(params)}".encode()
        ).hexdigest()
        keys = [*self.study.settings, *changes, *self.study.seeds.keys]
        return Cell(
            arm, seed, f"cell-{name[:12]}", {key: setting_value(settings, key) for key in keys}, params, reference
        )

    def _settings(self, changes: Nodes, seed: int, arm: str) -> Settings:
        every = {**self.study.settings, **changes, **_nodes(dict.fromkeys(self.study.seeds.keys, seed))}
        key = tuple((key, yaml.serialize(value)) for key, value in sorted(every.items()))
        if key not in self._made:  # a plan is made again whenever a cell may have finished
            self._made[key] = changed_settings(self.params, every, f"{self.where}: {arm}")
        return self._made[key]

    def _label(self, arm: str, combination: Nodes) -> str:
        short = {key: key.rsplit(".", 1)[-1] for key in self.study.grid}
        clear = {key: name if list(short.values()).count(name) == 1 else key for key, name in short.items()}
        parts = [
            f"{clear[key]}={value.value if isinstance(value, yaml.ScalarNode) else _flat(value)}"
            for key, value in combination.items()
        ]
        return " ".join([arm, *parts] if arm else parts)

    def _factors(self, cells: list[Cell]) -> list[str]:
        """The settings in which cells differ, other than by their seed."""
        keys = dict.fromkeys(
            key
            for cell in cells
            for key in cell.changes
            if key not in self.study.seeds.keys and not key.startswith("runtime.")
        )
        return [key for key in keys if len({json.dumps(_at(cell.params, key)) for cell in cells}) > 1]


def cell_setting(cell: Cell, key: str) -> Any:
    """The value of `section.key` in a cell."""
    return _at(cell.params, key)


def _at(params: Mapping[str, Any], key: str) -> Any:
    value: Any = params
    for part in key.split("."):
        value = value[part]
    return value


def _nodes(values: Mapping[str, Any]) -> dict[str, yaml.Node]:
    return {
        key: (
            yaml.compose(json.dumps(value), Loader=yaml.SafeLoader)
            if not isinstance(value, str)
            else yaml.ScalarNode("tag:yaml.org,2002:str", value)
        )
        for key, value in values.items()
    }


def _flat(node: yaml.Node) -> str:
    return "[" + ",".join(child.value for child in node.value) + "]"


# Labels alone, for as many steps. matched_compute has more: so many that both did the same operations.
LABEL_ONLY_SETTINGS: dict[str, Any] = {"train.mode": "standard"}
# The same training on the same number of rationales, that are none of their rows.
SHUFFLED: dict[str, Any] = {"subsample.rationales": "shuffled"}
# What changes nothing where labels alone are trained on.
RATIONALES_ALONE = ("subsample.explanation_rate", "subsample.strategy", "subsample.rationales", "train.label_weight")
