from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from distill.annotation.asks import train_order
from distill.errors import DataError
from distill.rows.records import Annotation, Example
from distill.search.search import slices
from distill.selection import training_set as selection
from distill.settings.subsample import SubsampleSettings

RATES = [0.0, 0.01, 0.05, 0.125, 0.15, 0.25, 0.333, 0.5, 0.75, 0.9, 0.99, 1.0]


def example(i: int, label: str | None = "gold") -> Example:
    return Example(f"r{i:03}", f"input {i}", {}, label=label)


def answer(i: int, label: str | None = "taught", rationale: str | None = "why") -> Annotation:
    return Annotation(f"r{i:03}", "explain", label, rationale, "ok", "raw", "stop", "m")


def settings(rate=1.0, share=1.0, strategy="random", labels="teacher", rationales="own", seed=1, **more):
    more = {"changed_share": 1.0, "rationale_words": None, "teacher_errors": "keep"} | more
    return SubsampleSettings(rate, share, strategy, labels, rationales, seed=seed, **more)


def training_set(examples, annotations, settings):
    return selection.training_set(examples, annotations, settings, "classes")


EXAMPLES, ANSWERS = [example(i) for i in range(150)], [answer(i) for i in range(150)]


@pytest.mark.parametrize("strategy", ["random", "balanced"])
def test_a_rate_is_exact_and_a_lower_one_is_a_subset(strategy):
    before: set[str] = set()
    for rate in RATES:
        rows, metrics = training_set(EXAMPLES, ANSWERS, settings(rate, strategy=strategy))
        kept = {row.id for row in rows if row.rationale is not None}
        assert len(kept) == round(rate * 150) == metrics["rationale"]["kept"]
        assert len(rows) == 150 and metrics["rationale"]["short"] == 0
        assert before <= kept
        before = kept


def test_a_row_without_its_rationale_keeps_its_label():
    rows, _ = training_set(EXAMPLES, ANSWERS, settings(0.1))
    assert {row.label for row in rows} == {"taught"}
    assert {row.rationale for row in rows} == {"why", None}


def test_where_rationales_are_too_few_all_are_kept_and_the_rest_is_said():
    answers = [answer(i, rationale="why" if i < 60 else None) for i in range(150)]
    rows, metrics = training_set(EXAMPLES, answers, settings(0.5))
    assert {row.id for row in rows if row.rationale} == {f"r{i:03}" for i in range(60)}
    assert metrics["rationale"] == {
        "available": 60,
        "kept": 60,
        "coverage": 0.4,
        "short": 15,
        "replaced": 0,
        "replaced_same_text": 0,
        "taken_away": 0,
        "shortened": 0,
        "words_mean": 1,
    }
    rows, metrics = training_set(EXAMPLES, answers, settings(0.3))
    assert metrics["rationale"]["kept"] == 45 and metrics["rationale"]["short"] == 0


def test_a_smaller_data_share_is_a_subset_and_its_kept_rationales_too():
    few, _ = training_set(EXAMPLES, ANSWERS, settings(share=0.2))
    more, metrics = training_set(EXAMPLES, ANSWERS, settings(share=0.4))
    assert len(few) == 30 and len(more) == 60
    assert {row.id for row in few} < {row.id for row in more}
    assert metrics["rows"] == {"annotated": 150, "kept": 60, "trained_on": 60, "without_label": 0, "teacher_wrong": 0}


def test_whose_labels():
    examples = [example(0), example(1, None), example(2)]
    answers = [answer(0), answer(1), answer(2, None)]

    def labels(source):
        rows, metrics = training_set(examples, answers, settings(labels=source))
        return {row.id[-1]: row.label for row in rows}, metrics["rows"]["without_label"]

    assert labels("teacher") == ({"0": "taught", "1": "taught"}, 1)
    assert labels("gold") == ({"0": "gold", "2": "gold"}, 1)
    assert labels("gold_else_teacher") == ({"0": "gold", "1": "taught", "2": "gold"}, 0)


def test_rows_are_joined_by_id_not_by_order():
    answers = [answer(i, label=f"label {i}") for i in range(150)]
    assert training_set(EXAMPLES, answers[::-1], settings()) == training_set(EXAMPLES[::-1], answers, settings())
    rows, _ = training_set(EXAMPLES, answers[::-1], settings())
    assert all(row.label.split()[1] == row.input.split()[1] for row in rows)


def test_what_cannot_be_used_is_said():
    with pytest.raises(DataError, match="not the same; run `dvc repro annotate`"):
        training_set(EXAMPLES, ANSWERS[1:], settings())
    with pytest.raises(DataError, match=r"none of 150 rows has a label \(subsample.labels: gold\)"):
        training_set([example(i, None) for i in range(150)], ANSWERS, settings(labels="gold"))


def test_shuffled_rationales_stand_on_the_same_rows_and_are_counted():
    answers = [answer(i, rationale=f"why {i}" if i < 120 else None) for i in range(150)]
    own, _ = training_set(EXAMPLES, answers, settings(0.4))
    other, metrics = training_set(EXAMPLES, answers, settings(0.4, rationales="shuffled"))
    assert {row.id for row in own if row.rationale} == {row.id for row in other if row.rationale}
    assert metrics["rationale"]["replaced"] == 60 and metrics["rationale"]["replaced_same_text"] == 0
    assert all(a.rationale is None or a.rationale != b.rationale for a, b in zip(own, other, strict=True))


def test_shuffled_rationales_that_read_alike_are_told():
    _, metrics = training_set(EXAMPLES, ANSWERS, settings(0.1, rationales="shuffled"))
    assert metrics["rationale"]["replaced"] == metrics["rationale"]["replaced_same_text"] == 15


def test_a_larger_share_of_changed_rationales_has_those_of_a_smaller_one():
    answers = [answer(i, rationale=f"why {i}" if i < 120 else None) for i in range(150)]
    before: set[str] = set()
    for share in (0.1, 0.25, 0.5, 1.0):
        rows, metrics = training_set(EXAMPLES, answers, settings(rationales="shuffled", changed_share=share))
        changed = {row.id for row in rows if row.rationale not in (None, f"why {int(row.id[1:])}")}
        assert len(changed) == round(share * 120) == metrics["rationale"]["replaced"] and before <= changed
        assert metrics["rationale"]["kept"] == 120
        before = changed


def test_a_rationale_is_cut_after_so_many_words_and_it_is_counted():
    answers = [answer(i, rationale="one two three four" if i < 60 else "one two") for i in range(150)]
    rows, metrics = training_set(EXAMPLES, answers, settings(rationale_words=3))
    assert Counter(row.rationale for row in rows) == {"one two three": 60, "one two": 90}
    assert metrics["rationale"]["shortened"] == 60 and metrics["rationale"]["words_mean"] == 2.4
    assert metrics["rationale"]["replaced"] == 0


def test_rows_that_the_teacher_got_wrong_can_be_left_out_and_are_counted():
    examples = [example(0, "1,000"), example(1, "7"), example(2, None), example(3, "7"), example(4, "7")]
    answers = [answer(0, "1000"), answer(1, "8"), answer(2, "8"), answer(3, None), answer(4, "7")]

    def ids(kind, **more):
        rows, metrics = selection.training_set(examples, answers, settings(**more), kind)
        return [row.id[-1] for row in sorted(rows, key=lambda row: row.id)], metrics["rows"]

    assert ids("number", teacher_errors="drop") == (
        ["0", "2", "4"],
        {"annotated": 5, "kept": 5, "trained_on": 3, "without_label": 1, "teacher_wrong": 1},
    )
    assert ids("number")[0] == ["0", "1", "2", "4"]
    assert ids("text", teacher_errors="drop")[1]["teacher_wrong"] == 2
    assert ids("number", teacher_errors="drop", labels="gold")[0] == ["0", "3", "4"]


def test_what_the_teacher_gave_each_label_reaches_the_rows():
    answers = [replace(answer(i), label_probabilities={"taught": 0.75}) for i in range(150)]
    rows, metrics = training_set(EXAMPLES, answers, settings(0.5))
    assert all(row.label_probabilities == {"taught": 0.75} for row in rows)
    full, empty = [row for row in rows if row.rationale], [row for row in rows if not row.rationale]
    assert len(full) == len(empty) == metrics["rationale"]["kept"] == 75
    assert metrics["rationale"]["coverage"] == 0.5


def test_the_rows_trained_on_are_not_those_that_the_prompt_was_chosen_on(make_settings):
    """With equal seeds: an eighth of 1,500 rows was just the first 188 of the 260 that the prompt search uses."""
    prompt = make_settings().prompt
    examples, answers = [example(i) for i in range(1500)], [answer(i) for i in range(1500)]
    assert prompt.seed == settings().seed == 1
    chosen_on = {row.id for part in slices(examples, prompt) for row in part}
    trained_on = {row.id for row in training_set(examples, answers, settings(share=0.125))[0]}
    assert (len(chosen_on), len(trained_on)) == (260, 188)
    assert len(chosen_on & trained_on) == 39, "a share of independent draws: 188 * 260 / 1500 = 33"


def test_a_share_of_the_rows_has_the_rationale_rate_of_all(make_settings):
    """Coverage was 1 where annotate.rationale_rate and subsample.data_share were both a quarter."""
    examples = [example(i) for i in range(1500)]
    order = train_order(examples, make_settings(**{"annotate.rationale_rate": 0.25}).annotate)
    explained = {row.id for row, what in order if what == "explain"}
    answers = [answer(i, rationale="why" if f"r{i:03}" in explained else None) for i in range(1500)]
    rows, metrics = training_set(examples, answers, settings(share=0.25))
    assert (len(explained), len(rows), metrics["rationale"]["available"]) == (375, 375, 89)


def test_what_a_control_takes_away_and_shortens_is_told():
    answers = [answer(i, label=str(i // 2), rationale=f"why {i}, so {i}") for i in range(150)]
    answers[0] = answer(0, label="alone", rationale="why")
    answers[1] = answer(1, label="none other", rationale="why")
    _, metrics = training_set(EXAMPLES, answers, settings(rationales="same_label"))
    assert (metrics["rationale"]["taken_away"], metrics["rationale"]["kept"]) == (2, 148)
    assert metrics["rationale"]["short"] == 2 and metrics["rationale"]["words_mean"] == 4
    rows, metrics = training_set(EXAMPLES, answers, settings(rationales="conclusion"))
    assert metrics["rationale"]["words_mean"] == (148 * 2 + 2) / 150
    assert (
        metrics["rationale"]["replaced_same_text"] == 2 and {row.id: row.rationale for row in rows}["r149"] == "so 149"
    )
    _, metrics = training_set(EXAMPLES, answers, settings(0.0, rationales="codes"))
    assert metrics["rationale"]["words_mean"] is None and metrics["rationale"]["replaced"] == 0
