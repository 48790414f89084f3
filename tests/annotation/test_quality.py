from __future__ import annotations

import pytest

from distill.annotation.quality import check_leaks, gated
from distill.errors import DataError
from distill.rows.records import Annotation, Example, TaskCard
from distill.settings.annotate import GateSettings

ROW = Example("r", "Is a sparrow larger or smaller than a big church bell?", {}, label="smaller")
CARD = TaskCard("t", "classes", "d", ("q",), {}, ("larger", "smaller", "similar"))
GOOD = "The first fits in a hand and the second needs a tower, so the first is smaller."
OFF = GateSettings((), None, False, False)


def answer(rationale, label="smaller", response=None):
    text = response or f"{rationale} So the answer is {label}."
    return Annotation("r", "explain", label, rationale, "ok", text, "stop", "m")


@pytest.mark.parametrize(
    ("gate", "rationale", "rule"),
    [
        (GateSettings((5, 10), None, False, False), GOOD, "words"),
        (GateSettings((5, 10), None, False, False), "Too short.", "words"),
        (GateSettings((10, 40), None, False, False), GOOD, None),
        (
            GateSettings((), 0.5, False, False),
            "A sparrow larger or smaller than a big church bell, that is the question.",
            "copies",
        ),
        (GateSettings((), 0.5, False, False), GOOD, None),
        (
            GateSettings((), None, True, False),
            "The first is as big as a house and the answer is larger.",
            "contradicts",
        ),
        (GateSettings((), None, True, False), GOOD, None),
        (GateSettings((), None, False, True), "So the sparrow is smaller than the bell.", "no_reasoning"),
        (GateSettings((), None, False, True), GOOD, None),
        (OFF, "Too short.", None),
    ],
)
def test_each_rule_drops_what_it_names_and_nothing_else(gate, rationale, rule):
    found = gated(answer(rationale), ROW, CARD, gate)
    assert found.dropped == rule and found.rationale == (None if rule else rationale)
    assert found.status == ("no_rationale" if rule else "ok") and found.label == "smaller" and found.response


def test_a_rationale_that_was_written_for_another_label_contradicts():
    said = answer(
        "They differ in size by far.", "smaller", response="They differ in size by far. So the answer is larger."
    )
    assert gated(said, ROW, CARD, GateSettings((), None, True, False)).dropped == "contradicts"
    assert gated(said, ROW, CARD, OFF) == said


def test_a_label_in_the_students_input_is_a_leak():
    fine = [Example(f"{i}", f"message {i}: is it larger or smaller?", {}, label="larger") for i in range(40)]
    check_leaks(fine, ("larger", "smaller"))
    with pytest.raises(DataError, match="names one class alone, and 40 of them the gold one"):
        check_leaks(
            [Example(f"{i}", f"message {i}, larger things", {}, label="larger") for i in range(40)],
            ("larger", "smaller"),
        )
    with pytest.raises(DataError, match="has the gold label on a line of its own"):
        check_leaks(
            [Example(f"{i}", f"What is {i} and 1?\nanswer: {i + 1}", {}, label=f"{i + 1}") for i in range(40)], ()
        )
    choices = ("a", "b")
    check_leaks([Example(f"{i}", "Which?\na\nb", {}, label="a", choices=choices) for i in range(40)], ())
