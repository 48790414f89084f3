"""A table's own prompts: they show the row, and an answer in the form they ask for is one that the parser reads."""

from __future__ import annotations

import pytest

from distill.answers.parsing import parse_response
from distill.tasks.table import table_prompts

FIELDS = {"question": "Who {asked}?", "choices": "(a) one\n(b) two", "context": "A page."}


def prompts(kind, **changes):
    every = {"choices": kind == "choices", "context": False} | changes
    return table_prompts(
        kind, "Do {this} well.", "Question: {question}", ("to do", "done") if kind == "classes" else (), **every
    )


@pytest.mark.parametrize("kind", ["classes", "choices", "number", "text"])
def test_both_prompts_show_description_and_row_and_only_one_asks_to_explain(kind):
    explain, label = prompts(kind, context=True)
    for template in (explain, label):
        template.check(FIELDS)
        shown = template.messages(FIELDS)[0]["content"]
        assert shown.startswith("Do {this} well.\n\nContext: A page.\n\nQuestion: Who {asked}?\n\n")
        assert ("Answer choices:\n(a) one\n(b) two" in shown) == (kind == "choices")
        assert ("to do, done" in shown) == (kind == "classes")
    assert ("xplain" in explain.user or "Work it out" in explain.user) and "nothing else" in label.user


@pytest.mark.parametrize(
    ("kind", "choices", "said", "label"),
    [
        (
            "classes",
            ("to do", "done"),
            "The list was ticked off yesterday, which means it is finished. So the answer is done.",
            "done",
        ),
        ("choices", ("one", "two"), "Two fits best, as there is a pair of them. So the answer is (b) two.", "two"),
        ("number", (), "There are 6 boxes of 7 eggs each, which is 6 * 7 = 42. So the answer is 42.", "42"),
        ("text", (), "The court sits in the Netherlands, by the sea.\nAnswer: The Hague", "The Hague"),
    ],
)
def test_an_answer_in_the_form_that_is_asked_for_is_read(kind, choices, said, label):
    found = parse_response(said, kind=kind, choices=choices)
    assert (found.label, found.status) == (label, "ok") and len(found.rationale.split()) > 6
    assert parse_response(label, kind=kind, choices=choices, expect_rationale=False).label == label
