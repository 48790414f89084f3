from __future__ import annotations

import copy

import pytest

from distill import paths
from distill.errors import DataError
from distill.rows.files import write_json, write_metrics
from distill.settings import load_settings
from distill.studies.changes import result_settings
from distill.studies.frontier import Frontier, frontier_text
from distill.studies.gathering import Observation
from distill.studies.pricing import price_with
from distill.studies.survey import kept_points
from house import ROOT

SETTINGS = load_settings(ROOT / "params.yaml")


def seen(name, accuracy, usd=0.5, annotation=0.2, **changes):
    params = copy.deepcopy(result_settings(SETTINGS))
    for key, value in changes.items():
        section, setting = key.split("__")
        params[section][setting] = value
    label = {"accuracy": accuracy, "accuracy_ci_low": accuracy - 0.03, "accuracy_ci_high": accuracy + 0.03}
    evaluate = {"student": {"label": label}, "majority": {"label": {"accuracy": 0.3}}, "teacher": {"name": "a teacher"}}
    evaluate["cost"] = {"total": {"usd": usd}, "annotation": {"usd": annotation}}
    metrics = {
        "evaluate": evaluate,
        "train": {"parameters": 7, "seeds": {"failures": 0}},
        "annotate": {"cost": {"test": {"usd": 0.06, "calls": 600}}},
    }
    return Observation(name, f"rev-{name}", params, metrics)


def frontier(*found, share=0.25):
    return Frontier(found, price_with(SETTINGS, share), 0.95)


def test_dollars_of_what_was_left_out_are_predicted_and_said_to_be():
    price = price_with(SETTINGS, 0.25)
    assert price(seen("whole", 0.9)) == (0.5, "measured")
    usd, known = price(seen("fewer rationales", 0.9, subsample__explanation_rate=0.5))
    assert known == "predicted" and usd == pytest.approx(0.3 + 0.2 * (0.5 + 0.5 * 0.25))
    usd, known = price(seen("fewer rows", 0.9, subsample__data_share=0.1))
    assert known == "predicted" and usd == pytest.approx(0.3 + 0.2 * 0.1)
    usd, known = price(seen("labels alone", 0.9, train__mode="standard"))
    assert known == "predicted" and usd == pytest.approx(0.3 + 0.2 * 0.25)
    # Asked otherwise than the workspace asks: what a label would have cost is not known.
    assert price(seen("other prompt", 0.9, annotate__priming="teacher", subsample__explanation_rate=0.5)) == (
        0.5,
        "upper bound",
    )
    assert price(seen("asked for less", 0.9, annotate__rationale_rate=0.5)) == (0.5, "measured")
    assert price_with(SETTINGS, None)(seen("no price of a label", 0.9, subsample__explanation_rate=0.5)) == (
        0.5,
        "upper bound",
    )
    assert price(seen("no price", 0.9, usd=None)) == (None, "measured")


def test_seeds_are_one_point_with_students_t_and_a_single_run_keeps_its_own_interval():
    found = frontier(seen("a", 0.90), seen("b", 0.94, train__seed=2), seen("c", 0.80, train__steps=5))
    both, single = found.points
    assert both.names == ("a", "b") and both.accuracy == pytest.approx(0.92) and both.seeds == 2
    assert both.ci_low == pytest.approx(0.92 - 12.7062 * 0.02, abs=1e-4) and both.ci_high == 1.0
    assert (single.ci_low, single.ci_high) == (pytest.approx(0.77), pytest.approx(0.83))
    assert both.settings["train.steps"] == SETTINGS.train.steps and single.settings["train.steps"] == 5


def test_seeds_that_are_right_alike_often_have_the_interval_of_the_test_rows():
    (point,) = frontier(seen("a", 0.9), seen("b", 0.9, train__seed=2)).points
    assert (point.seeds, point.ci_low, point.ci_high) == (2, pytest.approx(0.87), pytest.approx(0.93))


def test_what_only_tables_are_read_by_makes_no_other_task():
    older = seen("b", 0.94, train__seed=2)
    older.params["task"]["table"] = older.params["task"]["table"] | {"description": "Which desk?"}
    found = frontier(seen("a", 0.90), older)
    assert found.left_out["other_task"] == 0 and [point.names for point in found.points] == [("a", "b")]
    desks = [seen(name, 0.9, task__name="table") for name in "ab"]
    desks[1].params["task"]["table"] = desks[1].params["task"]["table"] | {"description": "Which desk?"}
    assert frontier(*desks).left_out["other_task"] == 1


def test_an_experiment_that_was_applied_to_the_workspace_counts_once():
    found = frontier(seen("workspace", 0.9), seen("cell-1", 0.9))
    assert [(point.names, point.seeds) for point in found.points] == [(("workspace",), 1)]


def test_controls_other_tasks_and_what_has_no_price_are_no_points_and_are_counted():
    found = frontier(
        seen("a", 0.9),
        seen("s", 0.3, subsample__rationales="shuffled"),
        seen("o", 0.9, task__seed=9),
        seen("n", 0.9, usd=None, train__steps=5),
    )
    assert found.left_out == {"other_task": 1, "controls": 1, "no_price": 1, "gold_labels": 0}
    assert "Left out: 1 of another task, 1 controls of rationales, 1 without a known price." in frontier_text(found, [])


def test_gold_labels_are_not_free_beside_those_that_a_teacher_was_paid_for():
    found = frontier(seen("taught", 0.9), seen("gold", 0.99, subsample__labels="gold", train__steps=5))
    assert [row["names"] for row in found.plot()] == [["taught"]] and found.left_out["gold_labels"] == 1
    assert "Left out: 1 with people's labels, of unknown price." in frontier_text(found, [])
    alone = frontier(seen("gold", 0.99, subsample__labels="gold"))
    assert len(alone.plot()) == 1 and alone.left_out["gold_labels"] == 0, "where all have them, they tell nothing apart"


def test_the_share_of_the_gain_for_the_share_of_the_money():
    cheap, middle, dear = (
        seen("cheap", 0.5, 0.31, 0.01),
        seen("middle", 0.85, 0.4, 0.1, train__steps=5),
        seen("dear", 0.9, 1.3, 1.0, train__steps=6),
    )
    found = frontier(cheap, middle, dear)
    metrics = found.metrics()
    knee = metrics["front"]["knee"]
    assert (
        knee["accuracy"] == 0.85
        and knee["share_of_gain"] == pytest.approx(0.55 / 0.6)
        and knee["share_of_money"] == pytest.approx(0.4 / 1.3)
    )
    assert metrics["front"]["count"] == 3 and metrics["front"]["best"]["usd"] == 1.3 and metrics["floor"] == 0.3
    assert metrics["saving"]["student_usd_once"] == 0.4 and metrics["saving"]["break_even_rows"] == 4000
    said = frontier_text(found, [50_000])
    assert "92 % of the gain for 31 % of the money" in said
    assert "50,000 rows: $5.00 there, $0.40 here, $4.60 spared." in said
    assert [(row["usd"], row["front"], row["knee"]) for row in found.plot()] == [
        (0.31, 0.5, None),
        (0.4, 0.85, 0.85),
        (1.3, 0.9, None),
    ]
    assert [row["label"] for row in found.plot()] == [f"steps {SETTINGS.train.steps}", "steps 5", "steps 6"]


def validated(name, accuracy, validation, usd, **changes):
    found = seen(name, accuracy, usd=usd, annotation=usd / 10, **changes)
    found.metrics["train"]["label"] = {"validation_accuracy": validation}
    return found


def test_best_and_knee_are_chosen_by_validation_and_shown_on_test():
    """The best by test is what the draw of test rows flattered most."""
    found = frontier(
        validated("cheap", 0.60, 0.50, 0.1),
        validated("middle", 0.70, 0.85, 0.2, train__steps=5),
        validated("lucky", 0.95, 0.80, 0.3, train__steps=6),
        validated("best", 0.88, 0.90, 1.0, train__steps=7),
    )
    front = found.metrics()["front"]
    assert (front["best"]["accuracy"], front["best"]["validation"]) == (0.88, 0.90)
    assert (front["knee"]["accuracy"], front["knee"]["validation"]) == (0.70, 0.85)
    assert [row["names"] for row in found.plot() if row["front"]] == [["cheap"], ["middle"], ["best"]]
    assert found.metrics()["chosen_by"] == "validation" and "chosen by validation accuracy" in frontier_text(found, [])
    mixed = frontier(validated("a", 0.9, 0.5, 0.1), seen("b", 0.8, train__steps=5))
    assert mixed.chosen_by == "test" and "look better than they are" in frontier_text(mixed, [])


def test_a_kept_point_without_validation_accuracy_is_shown_and_not_chosen():
    """It counted as one of accuracy 0 where the others have theirs, and as the best where it was high on test."""
    (old,) = frontier(seen("old", 0.99, usd=0.01)).points
    here = [validated("a", 0.8, 0.9, 0.2), validated("b", 0.7, 0.8, 0.1, train__steps=5)]
    found = Frontier(here, price_with(SETTINGS, 0.25), 0.95, [old])
    assert found.chosen_by == "validation" and old in found.points and old not in found.front
    assert found.metrics()["front"]["best"]["accuracy"] == 0.8 and len(found.plot()) == 3


def test_a_student_saves_over_the_teacher_with_its_own_prompt():
    """The saving was counted against the prompt of the first experiment."""
    short = validated("short prompt", 0.9, 0.9, 0.1, prompt__optimizer="fixed")
    short.metrics["annotate"]["cost"]["test"] = {"usd": 0.03, "calls": 600}
    found = frontier(validated("long prompt", 0.8, 0.8, 0.5), short)
    saving = found.metrics()["saving"]
    assert (saving["student_usd_once"], saving["teacher_usd_per_row"]) == (0.1, pytest.approx(0.00005))
    assert saving["break_even_rows"] == 2000


def test_points_whose_experiments_are_elsewhere_stay(tmp_path, monkeypatch):
    """A fresh clone surveyed what it had and wrote over the rest."""
    monkeypatch.chdir(tmp_path)
    first = frontier(
        validated("here", 0.7, 0.7, 0.2),
        validated("elsewhere", 0.9, 0.9, 0.5, train__steps=5),
        validated("elsewhere-2", 0.92, 0.92, 0.5, train__steps=5, train__seed=2),
        validated("cell-0123", 0.8, 0.8, 0.3, train__steps=6),
    )
    write_metrics(paths.FRONTIER_METRICS, first.metrics())
    write_json(paths.FRONTIER_PLOT, first.plot())
    kept = kept_points({"here", "elsewhere"}, "practice")
    assert [point.names for point in kept] == [("elsewhere", "elsewhere-2")], "cells are kept by the tables of studies"
    here = [validated("here", 0.7, 0.7, 0.2), validated("elsewhere", 0.9, 0.9, 0.5, train__steps=5)]
    again = Frontier(here, price_with(SETTINGS, 0.25), 0.95, kept)
    assert [(point.names, point.seeds) for point in again.points] == [(("here",), 1), (("elsewhere", "elsewhere-2"), 2)]
    assert (
        again.best == kept[0] and again.metrics()["kept"] == 1 and "`--forget` drops them" in frontier_text(again, [])
    )
    assert kept_points({"here", "elsewhere", "elsewhere-2"}, "practice") == kept_points(set(), "another task") == []
    paths.FRONTIER_PLOT.write_text('[{"names": ["a"]}]')
    with pytest.raises(DataError, match="its points would be lost"):
        kept_points({"here"}, "practice")


def test_the_best_of_labels_alone_stands_beside():
    found = frontier(
        seen("own", 0.9),
        seen("l1", 0.4, train__mode="standard"),
        seen("l2", 0.5, train__mode="standard", train__steps=5),
    )
    assert found.metrics()["label_only"]["accuracy"] == 0.5


def test_prompts_sizes_shares_and_rates_are_factors_with_their_own_dollars():
    found = frontier(
        seen("searched", 0.9, usd=0.5),
        seen("by hand", 0.8, usd=0.2, prompt__optimizer="fixed"),
        seen("fewer", 0.7, usd=0.15, annotation=0.15, prompt__optimizer="fixed", annotate__rationale_rate=0.5),
        seen("half", 0.6, usd=0.2, prompt__optimizer="fixed", subsample__data_share=0.5),
        seen("small", 0.5, usd=0.2, prompt__optimizer="fixed", student__scratch={"d_model": 32}),
    )
    assert [(row["names"][0], row["usd"], row["usd_from"]) for row in found.plot()] == [
        ("half", 0.1, "predicted"), ("fewer", 0.15, "measured"), ("by hand", 0.2, "measured"),
        ("small", 0.2, "measured"), ("searched", 0.5, "measured"),
    ]  # fmt: skip
    labels = {row["names"][0]: row["label"] for row in found.plot()}
    assert labels == {
        "searched": "optimizer opro",
        "by hand": "as most",
        "fewer": "rationale_rate 0.5",
        "half": "data_share 0.5",
        "small": "d_model 32",
    }
    assert found.metrics()["usual"] == "data_share 1.0, rationale_rate 1.0, optimizer fixed, d_model 64"
    assert "Most points have data_share 1.0, rationale_rate 1.0, optimizer fixed, d_model 64." in frontier_text(
        found, []
    )
    assert [row["names"][0] for row in found.plot() if row["front"]] == ["half", "fewer", "by hand", "searched"]


def test_a_setting_that_an_older_version_does_not_know_tells_nothing_apart():
    old = seen("old", 0.8, train__steps=5, annotate__validation_rows=0, evaluate__confidence=0.5)
    old.params["student"]["lora"]["alpha"] = float(old.params["student"]["lora"]["alpha"])
    del old.params["train"]["label_smoothing"], old.params["task"]["hub"]
    found = frontier(seen("new", 0.9), old)
    assert found.left_out["other_task"] == 0 and [row["label"] for row in found.plot()] == [
        f"steps {SETTINGS.train.steps}",
        "steps 5",
    ]
    seeded = seen("seeded", 0.7, train__steps=5, train__seed=2)
    assert [point.names for point in frontier(seen("new", 0.9), old, seeded).points] == [("new",), ("old", "seeded")]


def test_a_setting_that_is_not_known_to_all_counts_as_most_have_it():
    old = seen("old", 0.8)
    del old.params["train"]["label_smoothing"]
    on, off = seen("on", 0.7, train__label_smoothing=0.1, train__seed=2), seen("off", 0.6, train__seed=3)
    again = seen("again", 0.65, train__seed=4)
    found = {point.names: point.settings["train.label_smoothing"] for point in frontier(on, old, off, again).points}
    assert found == {("on",): 0.1, ("old", "off", "again"): 0.0}


def test_how_a_student_is_judged_makes_no_other_student():
    found = frontier(
        seen("a", 0.90),
        seen("again", 0.91, evaluate__rationale_rows=0, annotate__test_rows=5),
        seen("b", 0.94, train__seed=2, evaluate__rationale_rows=0),
    )
    assert [point.names for point in found.points] == [("a", "b")]


def unpriced(name, accuracy, tokens, **changes):
    """As DVC shows it: a number that is null is left out."""
    found = seen(name, accuracy, **changes)
    totals = {"calls": 600, "tokens_in": tokens, "tokens_out": 100} if tokens else {}
    found.metrics["evaluate"]["cost"] = {"total": totals, "annotation": {}}
    found.metrics["annotate"]["cost"] = {"test": {"calls": 600}}
    return found


def test_without_any_price_accuracy_stands_against_calls_and_tokens():
    found = frontier(unpriced("dear", 0.9, 5000), unpriced("cheap", 0.8, 900, train__steps=5))
    assert found.metrics()["front"] == {"count": 0, "best": None, "knee": None}
    assert found.left_out["no_price"] == 2 and found.metrics()["saving"]["break_even_rows"] is None
    assert [(row["names"], row["usd"], row["front"], row["calls"], row["tokens"]) for row in found.plot()] == [
        (["cheap"], None, None, 600, 1000),
        (["dear"], None, None, 600, 5100),
    ]
    said = frontier_text(found, [1000])
    assert "| steps 5 | 600 | 1,000 | 80.0 % | 77.0 to 83.0 % | 1 |" in said
    assert "accuracy stands against calls and tokens" in said
    assert "give the teacher's model a price in runtime.prices" in said
    both = frontier(seen("a", 0.9), unpriced("b", 0.8, None, train__steps=5))
    assert "| steps 5 |  |  | 80.0 % |" in frontier_text(both, []) and len(both.points) == 1


def test_a_front_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no experiment that was evaluated"):
        frontier()
