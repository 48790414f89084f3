"""Figures: when they are there, what they say in words and numbers, and that a label is never taken for markup."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from run_of_tests import SCRIPT, candidate, make_run, surveyed

from distill.report.figures.accuracy import accuracy_figure
from distill.report.figures.calibration import calibration_figure
from distill.report.figures.cascade import cascade_figure
from distill.report.figures.confusion import confusion_figure, mistakes_table
from distill.report.figures.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION, draw_svg, embeddable_svg
from distill.report.figures.frontier import frontier_figure
from distill.report.figures.lengths import lengths_figure
from distill.report.figures.search import search_figure
from distill.report.figures.training import training_figures
from distill.rows.records import TaskCard
from distill.settings import load_settings
from house import ROOT


@pytest.fixture(scope="module")
def run():
    return make_run(load_settings(ROOT / "params.yaml"))


def words(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def inside(svg: str) -> str:
    """The text in a figure, as a browser shows it."""
    return " ".join("".join(node.itertext()) for node in ElementTree.fromstring(svg).iter("text"))


def test_an_svg_of_the_page_has_no_style_and_ids_of_its_own():
    svg = draw_svg("one", lambda axes: axes.plot([0, 1], [0, 1], "o--", label="a"))
    assert (
        svg.startswith("<svg ")
        and "<style" not in svg
        and "style=" not in svg
        and "metadata" not in svg
        and "font-family" not in svg
    )
    ids = re.findall(r' id="([^"]+)"', svg)
    assert ids and all(name.startswith("one-") for name in ids)
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)) and all(
        (a or b) in ids for a, b in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)
    )
    assert draw_svg("one", lambda axes: axes.plot([0, 1], [0, 1], "o--", label="a")) == svg
    assert 'font-size="8.5" font-weight="bold"' in embeddable_svg(
        '<svg xmlns="http://www.w3.org/2000/svg"><text style="font: bold 8.5px \'DejaVu Sans\'; fill: '
        '#000">x</text></svg>',
        "n",
    )


@pytest.mark.parametrize("label", ["$\\frac{1}{", "$a$ and $b$", "<b>&amp;</b>", SCRIPT, "数字", "a" * 300])
def test_a_label_in_a_figure_is_text_whatever_stands_in_it(run, label):
    card = TaskCard("t", "classes", "d", ("question",), {}, ("up", label))
    pairs = [{"gold": "up", "predicted": "up"}, {"gold": label, "predicted": "up"}, {"gold": label, "predicted": label}]
    found = confusion_figure(replace(run, card=card, confusion=pairs))
    assert label[:15].strip() in inside(found.svg) and "<script" not in found.svg


def test_colours_are_told_apart_without_red_and_green():
    """Okabe and Ito's, as deuteranopes see them (Machado 2009): pairs that meet in a figure differ in light or hue."""

    def seen(colour: str) -> tuple[float, ...]:
        linear = [((v + 0.055) / 1.055) ** 2.4 for v in (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))]
        rows = ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969))
        return tuple(sum(a * b for a, b in zip(row, linear, strict=True)) for row in rows)

    for one, other in (
        (BLUE, VERMILLION),
        (BLUE, ORANGE),
        (BLUE, GREY),
        (VERMILLION, GREY),
        (BLUE, GREEN),
        (GREEN, PURPLE),
    ):
        assert max(abs(a - b) for a, b in zip(seen(one), seen(other), strict=True)) > 0.1, (one, other)


def test_the_accuracy_of_everybody_who_answered(run):
    found = accuracy_figure(run)
    assert (
        words(found.alt)
        == "Accuracy with intervals: student 70.0 % (57.5 to 80.1 %); teacher 80.0 % (68.2 to 88.2 %); commonest label "
        "50.0 % (37.7 to 62.3 %)."
    )
    assert "student  70.0 %" in words(inside(found.svg)) and "untrained" not in inside(found.svg)
    untrained = run.evaluate | {"untrained": {"label": run.evaluate["majority"]["label"]}}
    assert "untrained student" in inside(accuracy_figure(replace(run, evaluate=untrained)).svg)


def test_the_curves_are_those_of_the_tasks_that_were_trained(run):
    loss, validation = training_figures(run)
    assert (
        words(loss.alt) == "Training loss over 300 steps: label from 0.01 to 0.00333; rationale from 0.02 to 0.00667."
    )
    assert (
        words(validation.alt)
        == "Validation accuracy goes from 50.0 % at step 100 to 70.0 % at step 300. The weights of step 200 were kept."
    )
    assert loss.table.rows[0] == ["100", "0.0100", "0.0200"] and validation.table.rows[1][0] == "200"
    alone = [row | {"rationale_loss": None} for row in run.curve]
    assert (
        training_figures(replace(run, curve=alone))[0].table.header == ("step", "label")
        and training_figures(replace(run, curve=[])) == []
    )


def test_the_confusion_counts_rows_and_names_the_worst_pair(run):
    found = confusion_figure(run)
    assert found.table.rows == [["up", "24", "6"], ["down", "12", "18"]]
    assert words(found.alt).endswith(
        "42 of 60 rows are on the diagonal. The commonest confusion: down is taken for up in 40.0 % of its rows."
    )
    no_answer = [*run.confusion, {"gold": "up", "predicted": "no answer"}]
    assert confusion_figure(replace(run, confusion=no_answer)).table.rows == [
        ["up", "24", "6", "1"],
        ["down", "12", "18", "0"],
    ]


def test_of_many_labels_the_commonest_mistakes_are_listed(run):
    many = (
        [{"gold": f"l{i}", "predicted": f"l{i}"} for i in range(20)]
        + [{"gold": "l1", "predicted": "l2"}] * 3
        + [{"gold": "l5", "predicted": "l4"}]
    )
    other = replace(run, confusion=many)
    assert (
        confusion_figure(other) is None
        and mistakes_table(other).rows == [["l1", "l2", "3"], ["l5", "l4", "1"]]
        and mistakes_table(run) is None
    )


def test_calibration_has_a_bin_for_every_tenth_and_needs_rows_enough(run):
    found = calibration_figure(run)
    assert [row[3] for row in found.table.rows] == ["20", "10", "10", "10", "10"]
    assert words(found.table.rows[0][0]) == "54.5 %" and "0.090" in found.caption
    assert calibration_figure(replace(run, judged=run.judged[:40])) is None


def test_the_cascade_tells_the_threshold_that_was_chosen_and_why_none_was(run):
    found = cascade_figure(run)
    assert words(found.caption).endswith(
        "The threshold was chosen on validation rows. It sends 40.0 % of the test rows to the teacher, and 90.0 % (80.0"
        " to 95.0 %) of all test rows are right. The teacher then costs $0.032 per 1,000 rows."
    )
    assert [words(row[1]) for row in found.table.rows] == ["0.0 %", "40.0 %", "100.0 %"] and found.table.rows[1][
        -1
    ] == "chosen"
    none = run.evaluate | {"cascade": {"threshold": None, "reason": "nobody was asked"}}
    assert "No threshold was chosen: nobody was asked." in cascade_figure(replace(run, evaluate=none)).caption
    assert cascade_figure(replace(run, cascade=[{"sent": None, "chosen": False}])) is None


def test_the_search_goes_from_the_first_prompt_to_the_winner_with_held_out_scores(run):
    found = search_figure(run)
    assert (
        found.alt
        == "3 prompts were scored; 1 of them were dropped early, and 2 reached the held-out rows. On held-out rows"
        " the first prompt scores 0.610 and the best 0.900, which flatters it a little."
    )
    assert [row[:4] for row in found.table.rows] == [["2", "1", "0.900", "0.920"], ["0", "0", "0.610", "0.600"]]
    assert search_figure(replace(run, trace=[candidate(0, None, None, None, "fixed")])) is None


def test_the_lengths_of_rationales_are_the_teachers_and_the_students(run):
    found = lengths_figure(run)
    assert [row[:2] for row in found.table.rows] == [["teacher, train rows", "54"], ["student, test rows", "20"]]
    without = replace(run, judged=[replace(row, student_rationale=None) for row in run.judged])
    assert len(lengths_figure(without).table.rows) == 1 and lengths_figure(replace(without, train_answers=[])) is None


def test_the_frontier_has_this_run_or_says_that_it_has_not(run):
    assert frontier_figure(run) is None
    there = replace(run, **surveyed(run))
    found = frontier_figure(there)
    assert (
        "this run" in inside(found.svg)
        and "knee" in inside(found.svg)
        and "This run is not one of them" not in found.caption
    )
    assert "90.0 % of the best point's gain over the commonest label costs 50.0 % of its money" in words(found.caption)
    assert [row[-1] for row in found.table.rows] == ["knee", "", "front"]
    assert "3 experiments of this clone." in found.caption
    tables = frontier_figure(replace(there, frontier={**there.frontier, "from_tables": 2, "usual": "steps 5"}))
    assert (
        "3 experiments, 2 of them from the tables of studies. Points are named by what they have other than most: "
        "steps 5." in tables.caption
    )
    elsewhere = replace(there, frontier_points=there.frontier_points[:2])
    assert "This run is not one of them" in frontier_figure(elsewhere).caption
    assert frontier_figure(replace(there, frontier_points=there.frontier_points[2:])) is None, "one point is no curve"
