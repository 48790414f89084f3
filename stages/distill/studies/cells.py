"""The cells of a study: every arm, on every combination of the grid, with every seed, each one experiment."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from distill.settings import Settings
from distill.settings.loader import SettingsError
from distill.studies.changes import changed_settings, check_key, result_settings, setting_value
from distill.studies.controls import (
    GFLOP,
    LABEL_ONLY_SETTINGS,
    LABELS_ASKED,
    MEASURED_CONTROLS,
    MORE_ROWS,
    RATIONALE_CONTROLS,
    RATIONALES_ALONE,
    STEP_FACTORS,
    USD,
    affordable_rows,
    matched_steps,
)
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
    """A cell that cannot be named yet: its steps or rows follow from what others measure, `needs`."""

    arm: str
    seed: int
    needs: tuple[str, ...]
    reference: str | None = None


@dataclass(frozen=True)
class StudyPlan:
    """All cells of a study, in the order in which they are run: the first seed of every arm before the second."""

    cells: list[Cell]
    waiting: list[WaitingCell]
    factors: list[str] = field(default_factory=list)


# (name of a cell, one of distill.studies.controls.MEASURES) -> what that came to, None while it is not known.
Measured = Callable[[str, str], float | None]


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

    def plan(self, measured: Measured = lambda name, measure: None) -> StudyPlan:
        """The cells; what the settings of some follow from is asked of `measured`."""
        cells_by_arm: dict[tuple[str, int], Cell | WaitingCell] = {}
        seeds = self.study.seeds
        for seed in (*seeds.values, *sorted({seed for more in (seeds.more or {}).values() for seed in more})):
            for cell in self._of_seed(seed, measured):
                if self._wanted(cell):
                    cells_by_arm.setdefault((cell.arm, cell.seed), cell)
        cells = [cell for cell in cells_by_arm.values() if isinstance(cell, Cell)]
        waiting = [cell for cell in cells_by_arm.values() if isinstance(cell, WaitingCell)]
        return StudyPlan(cells, waiting, self._factors(cells))

    def _wanted(self, cell: Cell | WaitingCell) -> bool:
        """Whether an arm is run with this seed: with all `values`, and with those that are for it alone."""
        more = (self.study.seeds.more or {}).items()
        return cell.seed in self.study.seeds.values or any(
            cell.seed in values and (cell.arm == arm or cell.arm.startswith(f"{arm} ")) for arm, values in more
        )

    def _of_seed(self, seed: int, measured: Measured) -> list[Cell | WaitingCell]:
        study, cells = self.study, []
        for combination in self.combinations:
            reference = self._label(study.reference, combination) if study.arms else study.reference
            for arm, changes in (study.arms or {"": {}}).items():
                label = self._label(arm, combination)
                cells.append(
                    self._cell(label, {**combination, **changes}, seed, None if label == reference else reference)
                )
            controls = study.controls
            if not study.arms and self._label("", combination) != reference:
                controls = tuple(name for name in controls if name in STEP_FACTORS)
            cells += self._controls(controls, combination, reference, seed, measured)
        if not any(cell.arm == study.reference for cell in cells) and not study.arms:
            raise SettingsError(
                f"{self.where}: reference: is {study.reference!r}; allowed:"
                f" {', '.join(dict.fromkeys(cell.arm for cell in cells))}"
            )
        return cells

    def _controls(
        self, controls: Sequence[str], combination: Nodes, reference: str, seed: int, measured: Measured
    ) -> list[Cell | WaitingCell]:
        own = {**combination, **self.study.arms.get(self.study.reference, {})}
        # Labels alone are the same whatever is done about rationales: one cell stands for all of these.
        shared = {key: value for key, value in combination.items() if key not in RATIONALES_ALONE}
        cells: list[Cell | WaitingCell] = []
        for control in controls:
            if control in MEASURED_CONTROLS:
                cells.append(self._measured_control(control, combination, own, reference, seed, measured))
                continue
            label = self._label(control, combination if control in RATIONALE_CONTROLS else shared)
            cells.append(self._cell(label, self._changed(control, own), seed, reference))
        return cells

    def _changed(self, control: str, own: Nodes) -> Nodes:
        """The settings of a control that needs nothing measured, from those of the reference arm."""
        if control in RATIONALE_CONTROLS:
            return {**own, **_nodes(RATIONALE_CONTROLS[control])}
        labels = {key: value for key, value in own.items() if key not in RATIONALES_ALONE} | _nodes(LABEL_ONLY_SETTINGS)
        if control == "labels_asked":
            return labels | _nodes(LABELS_ASKED)
        if STEP_FACTORS[control] == 1:
            return labels
        steps = setting_value(self._settings(labels, self.study.seeds.values[0], control), "train.steps")
        return labels | _nodes({"train.steps": STEP_FACTORS[control] * steps})

    def _measured_control(
        self, control: str, combination: Nodes, own: Nodes, reference: str, seed: int, measured: Measured
    ) -> Cell | WaitingCell:
        """One whose steps or rows follow from cells of the first seed, so that they are the same for all seeds."""
        first = self.study.seeds.values[0]
        label = self._label(control, combination)
        changed = {name: self._changed(name, own) for name in MEASURED_CONTROLS[control]}
        cells = {name: self._cell(reference, some, first, None).name for name, some in {"": own, **changed}.items()}
        costs = [measured(cells[""], GFLOP), measured(cells["label_only"], GFLOP)]
        settings = self._settings(own, seed, label)
        if control in MORE_ROWS:
            self._check_rows(control, settings)
            costs += [measured(cells[""], USD), measured(cells["labels_asked"], USD)]
        if not all(costs):
            return WaitingCell(label, seed, tuple(cells.values()), reference)
        changes: dict[str, Any] = {"train.steps": matched_steps(setting_value(settings, "train.steps"), *costs[:2])}
        if control in MORE_ROWS:
            rows = affordable_rows(setting_value(settings, "task.train_rows"), *costs[2:])
            changes |= {"task.train_rows": rows, **MORE_ROWS[control]}
        return self._cell(label, changed[MEASURED_CONTROLS[control][-1]] | _nodes(changes), seed, reference)

    def _check_rows(self, control: str, settings: Settings) -> None:
        """Raises SettingsError where more train rows cannot be had, or would bring other rows to test on."""
        task = settings.task
        if not isinstance(task.train_rows, int):
            raise SettingsError(
                f"{self.where}: controls: {control} needs more train rows, and task.train_rows is {task.train_rows};"
                " give it as a count, below the rows that there are"
            )
        for name, rows in (("test_rows", task.test_rows), ("validation_rows", task.validation_rows)):
            if not isinstance(rows, int):
                raise SettingsError(
                    f"{self.where}: controls: {control} changes task.train_rows, from which task.{name}: {rows} may"
                    " follow; give it as a count, so that all arms have the same rows"
                )

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
