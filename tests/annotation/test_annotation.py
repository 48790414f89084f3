from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from distill.annotation.annotation import check_failures, human_annotations
from distill.annotation.asks import rows_to_ask
from distill.annotation.measures import annotation_metrics, cost_of
from distill.errors import DataError
from distill.rows.records import Annotation, Example, TaskCard
from distill.settings.annotate import AnnotateSettings, GateSettings
from distill.settings.runtime import Price

SPLITS = {
    split: [Example(f"{split}{i:02}", "x", {}, label="yes") for i in range(40)]
    for split in ("train", "validation", "test")
}


CARD = TaskCard("t", "classes", "d", ("q",), {}, ("yes", "no"))
NONE_DROPPED = {"words": 0, "copies": 0, "contradicts": 0, "no_reasoning": 0}
OPEN = GateSettings((), None, False, False)


def settings(rate=1.0, validation=0, test="all", source="teacher", show_gold=False, separate=0.0, samples=1, words=()):
    rest = (OPEN, validation, test, 0.1, 1)
    return AnnotateSettings(source, "answer", rate, "none", words, show_gold, separate, samples, *rest)


def answer(i, label="yes", rationale="one two three", status="ok", tokens=(100, 50)):
    return Annotation(
        f"train{i:02}", "explain", label, rationale, status, "raw", "stop", "m", tokens[0], 0, tokens[1], "reported"
    )


def test_a_rationale_rate_is_exact_nested_and_asks_every_row():
    before = set()
    for rate in (0.0, 0.1, 0.33, 0.5, 1.0):
        asked = rows_to_ask(SPLITS, settings(rate))["train"]
        explained = {row.id for row, what, _ in asked if what == "explain"}
        assert len(asked) == 40 and len(explained) == round(rate * 40) and before <= explained
        before = explained


def test_validation_and_test_rows_are_asked_as_far_as_wanted():
    asked = rows_to_ask(SPLITS, settings(validation=3, test="all"))
    assert len(asked["validation"]) == 3 and len(asked["test"]) == 40
    assert rows_to_ask(SPLITS, settings(test=5))["test"] == rows_to_ask(SPLITS, settings(test=9))["test"][:5]
    assert rows_to_ask(SPLITS, settings(test=0))["test"] == []


def test_metrics_tell_accuracy_parsing_and_rationales_apart():
    annotations = [
        answer(0),
        replace(answer(1, "no"), notes=("run_on",)),
        answer(2, None, None, "no_label"),
        answer(3, rationale="So the answer is yes."),
    ]
    unlabelled = [replace(row, label=None) for row in SPLITS["train"][3:]]
    found = annotation_metrics(annotations, SPLITS["train"][:3] + unlabelled, CARD, settings())
    assert found["label"]["gold_rows"] == 3 and found["label"]["accuracy"] == pytest.approx(1 / 3)
    assert found["label"]["accuracy_when_parsed"] == 0.5
    notes = {"run_on": 1, "ambiguous_number": 0}
    assert found["parse"] == {"failure_rate": 0.25, "status": {"ok": 3, "no_label": 1}} | notes
    told = found["rationale"]
    assert (told["asked"], told["coverage"], told["words_p50"], told["dropped"]) == (4, 0.75, 3, NONE_DROPPED)
    assert (told["supports_label"], told["agrees_with_label"]) == (pytest.approx(1 / 3), 1.0)
    assert annotation_metrics([], [], CARD, settings()) == {"rows": 0}
    assert (
        "accuracy"
        not in annotation_metrics(annotations, [replace(row, label=None) for row in SPLITS["train"]], CARD, settings())[
            "label"
        ]
    )


def test_the_cost_is_exact_and_the_unknown_stays_unknown(make_settings):
    teacher = replace(make_settings().teacher, model="m")
    prices = {"m": Price(Decimal("0.5"), Decimal("0.25"), Decimal("1.5"), "2026-01-01", "a table")}
    assert cost_of([answer(0), answer(1)], teacher, prices) == {
        "usd": 0.00025,
        "calls": 2,
        "tokens_in": 200,
        "tokens_cached": 0,
        "tokens_out": 100,
        "tokens_reasoning": None,
    }
    assert cost_of([answer(0)], teacher, {})["usd"] is None
    unknown = cost_of([answer(0), answer(1, tokens=(None, None))], teacher, prices)
    assert unknown["usd"] is None and unknown["tokens_in"] is None and unknown["calls"] == 2
    assert cost_of([replace(answer(0), mode="batch"), answer(1)], teacher, prices)["usd"] == 0.0000625 + 0.000125


def test_human_rationales_ask_about_no_train_row_and_cost_nothing(make_settings):
    train = [
        Example(f"t{i}", "x", {}, label="yes" if i < 9 else None, rationale=f"because {i}" if i != 3 else None)
        for i in range(10)
    ]
    human = settings(source="human")
    asked = rows_to_ask(SPLITS | {"train": train}, human)
    assert asked["train"] == [] and len(asked["test"]) == 40
    found = {a.id: a for a in human_annotations(train, human)}
    assert found["t0"] == Annotation("t0", "explain", "yes", "because 0", "human", None, None, None, calls=0)
    assert found["t3"].rationale is None and found["t9"].label is None
    half = {a.id for a in human_annotations(train, settings(rate=0.5, source="human")) if a.rationale is not None}
    assert len(half) in (4, 5) and half < {a.id for a in found.values() if a.rationale is not None}


def test_metrics_of_human_rationales_claim_no_accuracy_and_no_parsing(make_settings):
    train = [Example(f"t{i}", "x", {}, label="yes", rationale="one two") for i in range(4)]
    found = human_annotations(train, settings(source="human"))
    metrics = annotation_metrics(found, train, CARD, settings())
    assert metrics["label"] == {"gold_rows": 0}
    assert metrics["parse"] == {"failure_rate": None, "status": {"human": 4}, "run_on": 0, "ambiguous_number": 0}
    assert metrics["rationale"]["coverage"] == 1.0 and metrics["tokens_from"] == {}
    assert cost_of(found, make_settings().teacher, {}) == {
        "usd": 0.0,
        "calls": 0,
        "tokens_in": 0,
        "tokens_cached": 0,
        "tokens_out": 0,
        "tokens_reasoning": 0,
    }


def test_human_rationales_that_nobody_wrote_are_an_error():
    with pytest.raises(
        DataError, match=r"rationale_source: is human, and no train row has a rationale.*task\.table\.rationale"
    ):
        human_annotations(SPLITS["train"], settings(source="human"))


def test_more_ways_of_asking_multiply_what_is_asked_of_explained_train_rows_alone():
    asked = rows_to_ask(SPLITS, settings(rate=0.5, separate=0.25, samples=3, test=2))
    whats = [(what, sample) for _, what, sample in asked["train"]]
    assert whats.count(("label", 0)) == 20 + 5 and [whats.count(("explain", sample)) for sample in range(3)] == [
        20,
        20,
        20,
    ]
    assert [what for _, what, _ in asked["test"]] == ["explain"] * 2
    separate = {row.id for row, what, _ in asked["train"] if what == "label"} & {
        row.id for row, what, _ in asked["train"] if what == "explain"
    }
    more = rows_to_ask(SPLITS, settings(rate=0.5, separate=0.5, test=2))["train"]
    assert separate < {row.id for row, what, _ in more if what == "label"}, "nested, as every share of rows"


def test_the_gold_label_is_shown_for_train_rows_alone():
    asked = rows_to_ask(SPLITS, settings(show_gold=True, test=2))
    assert {what for _, what, _ in asked["train"]} == {"gold"} and {what for _, what, _ in asked["test"]} == {"explain"}
    row = asked["train"][0][0]
    assert row.fields == {"the_gold_label": "yes"} and row.input == "x"


def test_rows_that_were_shown_the_label_are_in_no_accuracy():
    shown = [replace(answer(i), prompt="gold", confidence=0.5) for i in range(2)]
    found = annotation_metrics(shown, SPLITS["train"], CARD, settings(words=(1, 2)))
    assert found["label"] == {"gold_rows": 0, "agreement": 0.5} and found["prompts"] == {"gold": 2}
    assert found["rationale"]["in_band"] == 0.0
    assert annotation_metrics(shown, SPLITS["train"], CARD, settings(words=(3, 3)))["rationale"]["in_band"] == 1.0


def test_too_many_rows_without_an_answer_fail_the_stage_with_their_ids(make_settings):
    annotations = [answer(i, status="failed" if i < 2 else "ok") for i in range(20)]
    check_failures(annotations, make_settings(**{"annotate.max_failed_share": 0.1}))
    with pytest.raises(
        DataError,
        match=r"2 of 20 rows got no whole answer .*: 2 failed; train00, train01 among them.*run again to ask for the",
    ):
        check_failures(annotations, make_settings(**{"annotate.max_failed_share": 0.05}))
