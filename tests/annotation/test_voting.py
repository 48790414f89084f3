from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import pytest

from distill.annotation.annotation import annotations_of_rows
from distill.annotation.voting import label_with_rationale, voted
from distill.prompts.asking import Ask, usd_of
from distill.rows.records import Annotation, Example, TaskCard
from distill.settings.annotate import AnnotateSettings, GateSettings
from distill.settings.runtime import Price

ROW = Example("r", "which is it?", {"q": "?"}, label="yes")
CARD = TaskCard("t", "classes", "d", ("q",), {}, ("yes", "no"))
SETTINGS = AnnotateSettings(
    "teacher", "answer", 1.0, "none", (), False, 0.0, 3, GateSettings((), None, False, False), 0, "all", 0.1, 1
)


def answer(label, rationale="why", status="ok", tokens=10, prompt="explain"):
    text = f"{rationale} So the answer is {label}."
    return Annotation(
        "r", "explain", label, rationale, status, text, "stop", "m", tokens, 0, 5, "reported", prompt=prompt
    )


def test_the_majority_is_the_label_its_share_the_confidence_and_its_first_rationale_is_kept():
    found = voted(
        [answer("no", "n"), answer("yes", "a"), answer("yes", None), answer("yes", "b"), answer("yes", "a")], "classes"
    )
    assert (found.label, found.confidence, found.rationale) == ("yes", 0.8, "a")
    assert (found.calls, found.tokens_in, found.tokens_out) == (5, 50, 25)


def test_each_label_has_its_share_of_the_votes():
    found = voted(
        [
            answer("yes", "a"),
            answer("no", "n"),
            answer(None, None, "no_label"),
            answer("yes", "b"),
            answer("no", "m"),
            answer("yes", "a"),
        ],
        "classes",
    )
    assert found.label_probabilities == {"yes": 0.6, "no": 0.4} and found.confidence == 0.5
    one = answer("yes")
    assert voted([one], "classes") is one and one.label_probabilities == {}
    both = label_with_rationale(replace(answer("no", None, prompt="label"), label_probabilities={"no": 0.9}), found)
    assert both.label_probabilities == {"no": 0.9}


def test_the_first_wins_among_equals_numbers_agree_by_value_and_an_answer_without_a_label_is_no_vote_but_counts():
    assert voted([answer("no"), answer("yes")], "classes").label == "no"
    found = voted([answer("1,000"), answer("7"), answer("1000.0"), answer(None, None, "no_label")], "number")
    assert found.label == "1,000" and found.confidence == 0.5


def test_a_call_that_failed_is_neither_vote_nor_cost():
    failed = Annotation("r", "explain", None, None, "failed", None, None, None)
    found = voted([failed, answer("yes"), answer("yes")], "classes")
    assert (found.label, found.confidence, found.calls, found.tokens_in) == ("yes", 1.0, 2, 20)
    assert voted([failed, failed], "classes").status == "failed"
    assert voted([answer("yes"), replace(answer("yes"), tokens_in=None)], "classes").tokens_in is None


def test_a_label_of_one_prompt_with_the_rationale_of_another():
    found = label_with_rationale(replace(answer("no", None, "ok", prompt="label"), asked="label"), answer("yes", "why"))
    assert (found.label, found.rationale, found.prompt, found.status, found.calls, found.asked) == (
        "no",
        "why",
        "label+explain",
        "ok",
        2,
        "explain",
    )
    assert label_with_rationale(answer(None, None, "no_label", prompt="label"), answer("yes")).status == "no_label"
    bare = label_with_rationale(answer("no", None, prompt="label"), answer("yes", None, "no_rationale"))
    assert bare.status == "no_rationale"


def test_the_order_in_which_answers_come_changes_nothing():
    asked = [(Ask(ROW, "explain", i), answer("yes" if i % 2 else "no", f"reason {i}")) for i in range(4)]
    asked.append((Ask(ROW, "label"), answer("no", None, prompt="label")))
    first = annotations_of_rows(asked, {"r": ROW}, CARD, SETTINGS)
    assert first[0].label == "no" and first[0].rationale == "reason 0" and first[0].calls == 5
    for seed in range(5):
        assert annotations_of_rows(random.Random(seed).sample(asked, len(asked)), {"r": ROW}, CARD, SETTINGS) == first


@pytest.mark.parametrize(("status", "label"), [("ok", "yes"), ("no_label", "yes"), ("failed", None), ("refusal", None)])
def test_a_gold_label_that_was_shown_stays_the_rows_label(status, label):
    said = replace(
        answer("no" if status == "ok" else None, "why", status),
        asked="gold",
        rationale=None if label is None else "why",
    )
    (found,) = annotations_of_rows([(Ask(ROW, "gold"), said)], {"r": ROW}, CARD, SETTINGS)
    assert (found.label, found.asked, found.prompt) == (label, "explain", "gold")
    assert found.status == ("ok" if label else status)


def test_a_label_that_was_shown_has_no_probability_of_its_own():
    said = [(Ask(ROW, "gold", i), replace(answer("yes"), asked="gold")) for i in range(3)]
    (found,) = annotations_of_rows(said, {"r": ROW}, CARD, SETTINGS)
    assert found.label_probabilities == {} and found.calls == 3


def test_the_calls_of_a_row_are_priced_each_as_it_was_bought():
    prices = {"m": Price(Decimal("1"), Decimal("0.1"), Decimal("10"), "2026-01-01", "a test")}
    live = replace(answer("yes"), tokens_in=1000, tokens_cached=400, tokens_out=100)
    batch = replace(live, tokens_in=3000, tokens_cached=0, tokens_out=200, mode="batch")
    # Live: 600 new, 400 cached and 100 out; the batch at half: 3,000 new and 200 out.
    costs = (Decimal("0.00164"), Decimal("0.0025"))
    for order in ([live, batch, batch], [batch, batch, live]):
        row = voted(order, "classes")
        assert (row.mode, row.calls) == ("mixed", 3) and usd_of(row, "m", prices) == costs[0] + 2 * costs[1]
        label = label_with_rationale(replace(live, prompt="label"), row)
        assert label.mode == "mixed" and usd_of(label, "m", prices) == 2 * (costs[0] + costs[1])
    same = voted([batch, batch], "classes")
    assert (same.mode, same.batch_tokens) == ("batch", {}) and usd_of(same, "m", prices) == 2 * costs[1]
    unknown = voted([replace(live, tokens_in=None), batch], "classes")
    assert unknown.tokens_in is None and usd_of(unknown, "m", prices) is None
