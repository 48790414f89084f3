from __future__ import annotations

from study_repository import expander

from distill.studies.gathering import cell_rows, observations, training_outcome


def entry(name, rev, params, accuracy=0.9, **train):
    evaluate = {
        "rows": 600,
        "student": {
            "label": {"accuracy": accuracy, "accuracy_ci_low": accuracy - 0.02, "accuracy_ci_high": accuracy + 0.02}
        },
    }
    evaluate |= {
        "cost": {"total": {"usd": 0.5}, "annotation": {"usd": 0.2}, "search": {"usd": 0.3}},
        "teacher": {"name": "t, simulated"},
    }
    trained = {
        "steps": 100,
        "compute": {"gflop_per_step": 1.5},
        "diverged": False,
        "seeds": {"failures": 0},
        "parameters": 7,
    } | train
    metrics = {
        "metrics/evaluate.json": {"data": evaluate},
        "metrics/train.json": {"data": trained},
        "data/prompt.yaml": {"data": {}},
    }
    return {
        "rev": rev,
        "name": name,
        "data": {
            "rev": rev,
            "params": {"params.yaml": {"data": params | {"runtime": {"threads": 1}}}},
            "metrics": metrics,
        },
    }


def shown(baseline, *experiments):
    return [baseline | {"experiments": [{"revs": [one], "name": one["name"]} for one in experiments]}]


def test_observations_are_the_evaluated_commits_and_experiments_without_runtime():
    unfinished = {"rev": "c", "name": "queued", "data": {"rev": "c", "params": {}, "metrics": {}}}
    broken = {"rev": "d", "name": "broken", "data": None, "error": {"msg": "no"}}
    found = observations(shown(entry("main", "a", {"x": 1}), entry("cell-1", "b", {"x": 2}), unfinished, broken))
    assert [(one.name, one.revision, one.params) for one in found] == [
        ("main", "a", {"x": 1}),
        ("cell-1", "b", {"x": 2}),
    ]
    assert set(found[0].metrics) == {"evaluate", "train"}


def test_an_experiment_that_still_runs_is_none_though_it_shows_metrics():
    running = {"revs": [entry("cell-2", "c", {"x": 3})], "name": "cell-2", "executor": {"state": "running"}}
    done = {"revs": [entry("cell-1", "b", {"x": 2})], "name": "cell-1", "executor": {"state": "success"}}
    assert [one.name for one in observations([entry("main", "a", {"x": 1}) | {"experiments": [running, done]}])] == [
        "main",
        "cell-1",
    ]


def test_a_row_is_a_cell_whatever_became_of_it(tmp_path):
    plan = expander(
        tmp_path, controls="[label_only, matched_compute]", seeds="{keys: [train.seed], values: [1, 2, 3]}"
    ).plan()
    names = [cell.name for cell in plan.cells]
    params = {cell.name: cell.params for cell in plan.cells}
    found = observations(shown(
        entry("main", "a", {}),
        entry(names[0], "b", params[names[0]], 0.8),
        entry(names[1], "c", params[names[1]], 0.3, seeds={"failures": 1}),
        entry(names[2], "d", params[names[3]]),
        entry(names[3], "e", params[names[3]], 0.2, diverged=True, seeds={"failures": 1}),
    ))  # fmt: skip
    made = cell_rows(
        plan,
        found,
        {names[4]: "Failed", names[5]: "Running"},
        {names[4]: "train: out of luck"},
        lambda one: (0.25, "predicted"),
    )
    assert [(row["arm"], row["seed"], row["status"]) for row in made] == [
        ("step_by_step", 1, "ok"), ("label_only", 1, "at_chance"),
        ("step_by_step", 2, "stale"), ("label_only", 2, "diverged"),
        ("step_by_step", 3, "crashed"), ("label_only", 3, "running"),
        ("matched_compute", 1, "missing"), ("matched_compute", 2, "missing"), ("matched_compute", 3, "missing"),
    ]  # fmt: skip
    assert (
        made[0]["accuracy"] == 0.8
        and made[0]["usd"] == 0.5
        and made[0]["teraflop"] == 0.15
        and made[0]["commit"] == "b"
    )
    assert (made[0]["usd_needed"], made[0]["usd_from"]) == (0.25, "predicted") and made[4]["usd_needed"] is None
    assert made[2]["accuracy"] is None and "other settings" in made[2]["reason"]
    assert made[4]["reason"] == "train: out of luck" and made[4]["accuracy"] is None
    assert made[6]["reason"] == (
        "its settings follow from cells that are not finished, or from a price that is not known"
    )
    assert made[0]["train.mode"] == "step_by_step" and made[1]["train.mode"] == "standard"
    assert {tuple(row) for row in made} == {tuple(made[0])}, "tidy: every row has every column"


def test_a_metric_that_is_not_there_is_null_and_no_failure(tmp_path):
    plan = expander(tmp_path).plan()
    bare = entry(plan.cells[0].name, "b", plan.cells[0].params)
    bare["data"]["metrics"] = {"metrics/evaluate.json": {"data": {"student": {"label": {"accuracy": 0.5}}}}}
    row = cell_rows(plan, observations([bare]), {}, {}, lambda one: (None, "measured"))[0]
    assert (row["status"], row["accuracy"], row["usd"], row["teraflop"]) == ("ok", 0.5, None, None)
    assert training_outcome(observations([bare])[0]) == "ok"


def test_one_student_at_chance_among_several_is_no_failed_cell(tmp_path):
    cell = expander(tmp_path).plan().cells[0]
    for failures, status in ((0, "ok"), (1, "ok"), (2, "ok"), (3, "at_chance")):
        one = entry(cell.name, "b", cell.params, 0.8, seeds={"failures": failures, "count": 3})
        assert training_outcome(observations([one])[0]) == status
