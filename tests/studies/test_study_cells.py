from __future__ import annotations

import pytest
from study_repository import expander

from distill.settings.loader import SettingsError
from distill.studies.cells import cell_setting

CONTROLS = "[label_only, matched_compute, shuffled_rationale]"


def arms(plan) -> list[tuple[str, int]]:
    return [(cell.arm, cell.seed) for cell in plan.cells]


def test_every_arm_with_every_seed_the_first_seed_of_all_arms_first(tmp_path):
    plan = expander(tmp_path, arms="{step_by_step: {}, few: {subsample.explanation_rate: 0.25}}").plan()
    assert arms(plan) == [("step_by_step", 1), ("few", 1), ("step_by_step", 2), ("few", 2)]
    assert plan.factors == ["subsample.explanation_rate"]
    assert plan.cells[3].changes == {"subsample.explanation_rate": 0.25, "student.seed": 2, "train.seed": 2}
    assert plan.cells[3].params["train"]["seed"] == 2 and plan.cells[3].params["subsample"]["seed"] == 1
    assert [cell.reference for cell in plan.cells] == [None, "step_by_step"] * 2


def test_a_grid_is_every_combination_named_by_its_values(tmp_path):
    plan = expander(
        tmp_path,
        arms="{}",
        grid="{subsample.explanation_rate: [0.5, 1.0], train.label_weight: [0.2, 0.5]}",
        reference='"explanation_rate=1.0 label_weight=0.2"',
    ).plan()
    assert [cell.arm for cell in plan.cells[:4]] == [
        f"explanation_rate={rate} label_weight={weight}" for rate in (0.5, "1.0") for weight in (0.2, 0.5)
    ]
    assert [cell_setting(cell, "train.label_weight") for cell in plan.cells[:4]] == [0.2, 0.5, 0.2, 0.5]
    assert [cell.reference for cell in plan.cells[:4]].count(None) == 1


def test_a_name_is_a_hash_of_settings_and_code_alone(tmp_path):
    one = expander(tmp_path).plan()
    same = expander(tmp_path, question="Another?", arms="{other_name: {}}", reference="other_name").plan()
    assert [cell.name for cell in one.cells] == [cell.name for cell in same.cells]
    assert one.cells[0].name != one.cells[1].name
    assert one.cells[0].name != expander(tmp_path, code="edited").plan().cells[0].name
    assert one.cells[0].name != expander(tmp_path, settings="{train.steps: 3}").plan().cells[0].name
    # What changes no result makes no other cell, and is passed on.
    threads = expander(tmp_path, settings="{runtime.threads: 2}").plan()
    assert one.cells[0].name == threads.cells[0].name and threads.cells[0].changes["runtime.threads"] == 2


def test_a_setting_written_in_two_ways_is_one(tmp_path):
    one = expander(tmp_path, settings="{train.learning_rate: 2e-3}").plan()
    assert one.cells[0].name == expander(tmp_path, settings="{train.learning_rate: 0.002}").plan().cells[0].name


def test_controls_are_the_reference_arm_with_one_change(tmp_path):
    plan = expander(
        tmp_path,
        arms="{step_by_step: {train.batch_rows: 16}}",
        controls=CONTROLS,
        seeds="{keys: [train.seed], values: [7]}",
    ).plan()
    own, labels, other = plan.cells
    assert labels.arm == "label_only" and labels.params == own.params | {
        "train": own.params["train"] | {"mode": "standard"}
    }
    assert other.arm == "shuffled_rationale" and other.params == own.params | {
        "subsample": own.params["subsample"] | {"rationales": "shuffled"}
    }
    assert [(cell.arm, cell.needs) for cell in plan.waiting] == [("matched_compute", (own.name, labels.name))]


def measured(**gflop_or_usd: dict[str, float]):
    """What finished cells measured: measured(gflop_per_step={name: 1.1})."""
    return lambda name, measure: gflop_or_usd.get(measure, {}).get(name)


def first_names(made) -> dict[str, str]:
    return {cell.arm: cell.name for cell in made.plan().cells if cell.seed == 1}


def test_matched_compute_takes_its_steps_from_the_first_seeds_cells(tmp_path):
    made = expander(tmp_path, controls="[label_only, matched_compute]", settings="{train.steps: 100}")
    first = first_names(made)
    plan = made.plan(measured(gflop_per_step={first["step_by_step"]: 1.1, first["label_only"]: 0.25}))
    assert not plan.waiting
    matched = [cell for cell in plan.cells if cell.arm == "matched_compute"]
    assert [cell.changes["train.steps"] for cell in matched] == [440, 440]
    assert all(cell.params["train"]["mode"] == "standard" for cell in matched)
    assert made.plan(measured(gflop_per_step={first["step_by_step"]: 1.1})).waiting, (
        "one of the two is not measured yet"
    )


def test_matched_compute_is_matched_to_each_cell_of_a_grid(tmp_path):
    """The first rate's operations were those of all."""
    made = expander(
        tmp_path,
        grid="{subsample.explanation_rate: [0.1, 1.0]}",
        controls="[label_only, matched_compute]",
        settings="{train.steps: 100}",
    )
    first = first_names(made)
    rates = {rate: first[f"step_by_step explanation_rate={rate}"] for rate in ("0.1", "1.0")}
    plan = made.plan(measured(gflop_per_step={rates["0.1"]: 0.3, rates["1.0"]: 1.0, first["label_only"]: 0.25}))
    steps = {cell.arm: cell.changes["train.steps"] for cell in plan.cells if cell.arm.startswith("matched")}
    assert steps == {"matched_compute explanation_rate=0.1": 120, "matched_compute explanation_rate=1.0": 400}
    assert {cell.reference for cell in plan.cells if cell.arm == "matched_compute explanation_rate=0.1"} == {
        "step_by_step explanation_rate=0.1"
    }


def test_each_control_of_rationales_is_one_setting(tmp_path):
    names = {
        "shuffled_rationale": "shuffled",
        "same_label_rationale": "same_label",
        "bare_codes": "codes",
        "conclusion_alone": "conclusion",
    }
    plan = expander(tmp_path, controls=f"[{', '.join(names)}]").plan()
    own = plan.cells[0]
    assert {cell.arm: cell.params["subsample"]["rationales"] for cell in plan.cells if cell.reference} == names
    for cell in plan.cells[1:5]:
        assert cell.params == own.params | {"subsample": own.params["subsample"] | {"rationales": names[cell.arm]}}


def test_labels_alone_for_more_steps(tmp_path):
    controls = "[label_only, label_only_2x, label_only_4x, label_only_8x]"
    plan = expander(tmp_path, controls=controls, settings="{train.steps: 100}").plan()
    assert [(cell.arm, cell.params["train"]["steps"], cell.params["train"]["mode"]) for cell in plan.cells[:5]] == [
        ("step_by_step", 100, "step_by_step"), ("label_only", 100, "standard"), ("label_only_2x", 200, "standard"),
        ("label_only_4x", 400, "standard"), ("label_only_8x", 800, "standard"),
    ]  # fmt: skip


MORE = {"controls": "[label_only, labels_asked, more_labels]", "settings": "{train.steps: 100, task.train_rows: 1500}"}


def test_more_labels_are_as_many_rows_as_the_rationales_cost(tmp_path):
    made = expander(tmp_path, **MORE)
    first = first_names(made)
    gflop = {first["step_by_step"]: 1.0, first["label_only"]: 0.25}
    usd = {first["step_by_step"]: 0.18, first["labels_asked"]: 0.03}
    plan = made.plan(measured(gflop_per_step=gflop, usd_annotation=usd))
    more, asked = ([cell for cell in plan.cells if cell.arm == arm] for arm in ("more_labels", "labels_asked"))
    assert [cell.params["task"]["train_rows"] for cell in more] == [9000, 9000]
    assert {cell.params["train"]["steps"] for cell in more} == {400}, "and as many operations"
    assert {cell.params["annotate"]["rationale_rate"] for cell in (*more, *asked)} == {0.0}
    assert {cell.params["prompt"]["optimizer"] for cell in (*more, *asked)} == {"fixed"}
    assert {cell.params["train"]["mode"] for cell in (*more, *asked)} == {"standard"}
    for unpriced in ({}, {**usd, first["labels_asked"]: None}, {**usd, first["labels_asked"]: 0.0}):
        waiting = made.plan(measured(gflop_per_step=gflop, usd_annotation=unpriced)).waiting
        assert [(cell.arm, cell.seed) for cell in waiting] == [("more_labels", 1), ("more_labels", 2)]
        assert waiting[0].needs == (first["step_by_step"], first["label_only"], first["labels_asked"])


def test_more_gold_labels_are_the_same_rows_with_their_gold_labels(tmp_path):
    made = expander(tmp_path, **MORE | {"controls": "[label_only, labels_asked, more_labels, more_gold_labels]"})
    first = first_names(made)
    gflop = {first["step_by_step"]: 1.0, first["label_only"]: 0.25}
    usd = {first["step_by_step"]: 0.18, first["labels_asked"]: 0.03}
    plan = made.plan(measured(gflop_per_step=gflop, usd_annotation=usd))
    more, gold = (
        [cell.params for cell in plan.cells if cell.arm == arm] for arm in ("more_labels", "more_gold_labels")
    )
    assert [{**one, "subsample": one["subsample"] | {"labels": "gold"}} for one in more] == gold and len(gold) == 2


@pytest.mark.parametrize(("key", "value"), [("train_rows", "all"), ("test_rows", "all"), ("validation_rows", "0.1")])
def test_more_labels_are_refused_where_other_rows_would_be_tested_on(tmp_path, key, value):
    with pytest.raises(SettingsError, match=rf"controls: more_labels .*task\.{key}"):
        expander(tmp_path, **MORE | {"settings": f"{{task.{key}: {value}}}"}).plan()


def test_an_arm_can_have_more_seeds_than_the_others(tmp_path):
    seeds = "{keys: [train.seed], values: [1], more: {label_only: [3], step_by_step: [2, 3]}}"
    plan = expander(
        tmp_path, grid="{student.scratch.d_model: [32, 64]}", controls="[label_only, bare_codes]", seeds=seeds
    ).plan()
    small = [(cell.arm.split()[0], cell.seed) for cell in plan.cells if cell.arm.endswith("=32")]
    assert small == [
        ("step_by_step", 1), ("label_only", 1), ("bare_codes", 1),
        ("step_by_step", 2), ("step_by_step", 3), ("label_only", 3),
    ]  # fmt: skip


def test_without_arms_labels_alone_stand_beside_every_combination(tmp_path):
    plan = expander(
        tmp_path,
        arms="{}",
        grid="{subsample.labels: [teacher, gold], subsample.explanation_rate: [0.5, 1.0]}",
        controls="[label_only, bare_codes]",
        reference="labels=teacher explanation_rate=1.0",
        seeds="{keys: [train.seed], values: [1]}",
    ).plan()
    assert [cell.arm for cell in plan.cells if not cell.arm.startswith("labels=")] == [
        "label_only labels=teacher",
        "bare_codes labels=teacher explanation_rate=1.0",
        "label_only labels=gold",
    ]
    assert {cell.params["subsample"]["labels"] for cell in plan.cells if "gold" in cell.arm} == {"gold"}


def test_labels_alone_are_one_cell_for_all_that_is_done_about_rationales(tmp_path):
    plan = expander(
        tmp_path,
        grid="{subsample.explanation_rate: [0.5, 1.0]}",
        controls=CONTROLS,
        seeds="{keys: [train.seed], values: [1]}",
    ).plan()
    assert [cell.arm for cell in plan.cells] == [
        "step_by_step explanation_rate=0.5", "label_only", "shuffled_rationale explanation_rate=0.5",
        "step_by_step explanation_rate=1.0", "shuffled_rationale explanation_rate=1.0",
    ]  # fmt: skip
    sizes = expander(tmp_path, grid="{student.scratch.d_model: [32, 64]}", controls="[label_only]").plan()
    assert [cell.arm for cell in sizes.cells if cell.arm.startswith("label_only")][:2] == [
        "label_only d_model=32",
        "label_only d_model=64",
    ]
    assert {cell.arm: cell.reference for cell in sizes.cells}["label_only d_model=64"] == "step_by_step d_model=64"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"arms": "{one: {train.stepz: 1}}", "reference": "one"}, "study.yaml: train.stepz: no such setting"),
        (
            {"arms": "{one: {train.steps: 0.5}}", "reference": "one"},
            "study.yaml: one: train.steps: is '0.5'; allowed: a whole number",
        ),
        (
            {"grid": "{runtime.threads: [1, 2]}"},
            "study.yaml: runtime.threads: changes no result, so it can be no factor",
        ),
        (
            {"arms": "{}", "grid": "{train.label_weight: [0.2]}", "reference": "best"},
            "study.yaml: reference: is 'best'; allowed: label_weight=0.2",
        ),
    ],
)
def test_what_no_cell_could_run_is_refused_before_any_does(tmp_path, parts, said):
    with pytest.raises(SettingsError) as caught:
        expander(tmp_path, **parts).plan()
    assert str(caught.value).startswith(said)
