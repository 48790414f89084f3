from __future__ import annotations

import json

import pytest
from study_repository import expander
from test_study_gathering import entry, shown

from distill.errors import DataError
from distill.studies.gathering import cell_rows, observations
from distill.studies.kept import CODE, SETTINGS, STUDY, counted, keep_finished, kept_measures, stale_text
from distill.studies.table import write_tables

ARMS = "{step_by_step: {}, half: {subsample.explanation_rate: 0.5}}"
SUMMARY = {"arms": {}, "seed_keys": ["student.seed", "train.seed"]}


@pytest.fixture
def study(tmp_path):
    """The plan of a study, its finished rows, and the table that holds them."""
    plan = expander(tmp_path, arms=ARMS, controls="[]").plan()
    evaluated = observations(
        shown(entry("main", "a", {}), *(entry(cell.name, f"rev {cell.name}", cell.params, 0.7) for cell in plan.cells))
    )[1:]
    rows = cell_rows(plan, evaluated, {}, {}, lambda observation: (0.1, "measured"))
    table = keep_finished(rows, plan, None)
    _, file = write_tables(tmp_path, "mine", table, SUMMARY | {"settings": plan.cells[0].params})
    return plan, table, file


def missing(plan):
    return cell_rows(plan, [], {}, {}, lambda observation: (0.1, "measured"))


def test_finished_rows_outlive_their_experiments(study):
    plan, rows, file = study
    assert keep_finished(missing(plan), plan, file) == rows
    assert [row["stale"] for row in rows] == [None] * len(rows) and list(stale_text(rows)) == []
    assert keep_finished(missing(plan), plan, None) == [{**row, "stale": None} for row in missing(plan)]
    assert kept_measures(file) == {
        cell.name: {"gflop_per_step": row["gflop_per_step"], "usd_annotation": row["usd_annotation"]}
        for cell, row in zip(plan.cells, rows, strict=True)
    }


def test_a_crash_is_no_less_a_result_in_another_clone(study):
    plan, _, file = study
    table = json.loads(file.read_text())
    table["cells"][0] |= {"accuracy": None, "status": "crashed", "reason": "no memory"}
    file.write_text(json.dumps(table))
    merged = keep_finished(missing(plan), plan, file)
    assert [row["status"] for row in merged] == ["crashed", "ok", "ok", "ok"]
    states = {plan.cells[0].name: "Running"}
    again = cell_rows(plan, [], states, {}, lambda observation: (0.1, "measured"))
    assert keep_finished(again, plan, file)[0]["status"] == "running"


def test_rows_of_other_code_settings_and_arms_are_told_apart(study, tmp_path):
    plan, _, file = study
    table = json.loads(file.read_text())
    for row in table["cells"]:
        row["cell"] = "cell-of-yore"
    file.write_text(json.dumps(table))
    merged = keep_finished(missing(plan), plan, file)
    assert {row["stale"] for row in merged} == {CODE}
    assert list(stale_text(merged)) == [
        "4 of the finished are stale: made by the code or data of its commit, which have changed since. They are kept; "
        "`table --forget` drops them"
    ]

    other = expander(tmp_path, arms=ARMS.replace("0.5", "0.25"), controls="[]").plan()
    merged = keep_finished(missing(other), other, file)
    assert [(row["arm"], row["stale"]) for row in merged] == [
        (row["arm"], SETTINGS if row["arm"] == "half" else CODE) for row in merged
    ]
    assert {row["subsample.explanation_rate"] for row in merged if row["arm"] == "half"} == {0.5}
    assert {row["accuracy"] for row in counted(merged) if row["arm"] == "half"} == {None}
    assert {row["accuracy"] for row in merged} == {0.7}, "a row is never lost"
    assert "no arm counts them once there are newer rows" in "".join(stale_text(merged))

    fewer = expander(tmp_path, arms="{step_by_step: {}}", controls="[]").plan()
    merged = keep_finished(missing(fewer), fewer, file)
    gone = [row for row in merged if row["arm"] == "half"]
    assert {row["stale"] for row in gone} == {STUDY} and {row["arm"] for row in counted(merged)} == {"step_by_step"}
    assert gone[0]["changes"] == {"subsample.explanation_rate": 0.5}
    write_tables(tmp_path, "mine", merged, SUMMARY | {"settings": fewer.cells[0].params})
    assert keep_finished(missing(plan), plan, file)[1]["subsample.explanation_rate"] == 0.5, "and comes back"


def test_rows_of_other_settings_count_while_there_are_no_newer(study, tmp_path):
    _, _, file = study
    other = expander(tmp_path, arms="{step_by_step: {train.steps: 7}}", controls="[]").plan()
    merged = keep_finished(missing(other), other, file)
    assert {row["accuracy"] for row in counted(merged)} == {0.7}
    merged[0] = {**merged[0], "stale": None}
    assert [row["accuracy"] for row in counted(merged)] == [0.7] + [None] * (len(other.cells) - 1)


def test_a_change_of_code_alone_keeps_the_cells_whose_steps_follow_from_others(tmp_path):
    made = expander(
        tmp_path,
        arms="{step_by_step: {}, half: {subsample.explanation_rate: 0.5}}",
        controls="[label_only, matched_compute]",
    )
    reference = next(cell.name for cell in made.plan().cells if cell.arm == "step_by_step")
    plan = made.plan(lambda name, measure: 3.0 if name == reference else 1.0)
    done = (entry(cell.name, f"of {cell.name}", cell.params, 0.7) for cell in plan.cells)
    rows = cell_rows(plan, observations(shown(entry("main", "a", {}), *done))[1:], {}, {}, lambda _: (0.1, "measured"))
    summary = {"arms": {}, "seed_keys": ["student.seed", "train.seed"], "settings": plan.cells[0].params}
    _, file = write_tables(tmp_path, "mine", keep_finished(rows, plan, None), summary)
    table = json.loads(file.read_text())
    for row in table["cells"]:
        row["cell"] += " of other code"
    file.write_text(json.dumps(table))
    now = made.plan(lambda name, measure: kept_measures(file).get(name, {}).get(measure))
    assert now.waiting, "a fresh clone does not know their steps"
    kept = keep_finished(missing(now), now, file)
    assert {row["stale"] for row in kept} == {CODE} and all(row["accuracy"] == 0.7 for row in counted(kept))


def test_a_table_that_cannot_be_read_is_not_written_over(study, tmp_path):
    plan, _, _ = study
    (tmp_path / "bad.json").write_text('{"cells": [{"arm": 1}]}')
    with pytest.raises(DataError, match="its rows would be lost"):
        keep_finished(missing(plan), plan, tmp_path / "bad.json")
