"""A row's own answers, as files and hub data sets have them."""

from __future__ import annotations

import json

import pytest

from distill.errors import DataError
from distill.tasks.choice_cells import listed_choices, named_choices
from distill.tasks.table import Table

LABELLED = [{"label": "1", "text": "2"}, {"label": "2", "text": "1"}, {"label": "3", "text": "none"}]


@pytest.mark.parametrize(
    ("cell", "choices"),
    [
        ("a | b|", [("", "a"), ("", "b")]),
        ('["a", 2, 1.0, true]', [("", "a"), ("", "2"), ("", "1"), ("", "true")]),
        (json.dumps(LABELLED), [("1", "2"), ("2", "1"), ("3", "none")]),
        ('{"label": ["A", "B"], "text": ["x", "y"]}', [("A", "x"), ("B", "y")]),
        ('{"text": ["x", "y"]}', [("", "x"), ("", "y")]),
        ('{"A": "x", "B": "y"}', [("A", "x"), ("B", "y")]),
        ('[{"key": 0, "choice": "x"}, {"key": 1, "choice": "y"}]', [("0", "x"), ("1", "y")]),
        ("['a', 'b']", [("", "['a', 'b']")]),
        ("", []),
        ("[]", []),
    ],
)
def test_choices_and_the_names_that_the_data_gives_them(cell, choices):
    assert named_choices(cell) == choices
    assert listed_choices(cell) == tuple(text for _, text in choices)


@pytest.mark.parametrize(
    "cell",
    [
        '["a", null]', '["a", ""]', '["a", ["b"]]', '[{"label": "A"}]', '[{"text": {"x": 1}}]', '["a", NaN]',
        '{"label": ["A"], "text": ["x", "y"]}', '{"label": ["A", "B"]}', '{"text": "x", "label": ["A"]}',
        '["a", 1e400]',
    ],
)  # fmt: skip
def test_what_is_no_list_of_choices_is_refused(cell):
    with pytest.raises(ValueError, match=r"choice"):
        listed_choices(cell)


@pytest.fixture
def make(make_settings, tmp_path):
    def make_table(rows):
        (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        every = {
            "task.name": "table", "task.path": str(tmp_path / "in.jsonl"), "task.train_rows": "all",
            "task.test_rows": 4, "task.validation_rows": 4, "task.table.label": "answer",
            "task.table.columns": ["text"], "task.table.choices": ["choices"], "task.table.kind": "choices",
            "task.table.description": "Answer the question.",
        }  # fmt: skip
        return Table(make_settings(**every).task)

    return make_table


def rows(choices, answer):
    return [{"text": f"{chr(97 + i) * 12} {i}", "choices": choices, "answer": answer} for i in range(24)]


@pytest.mark.parametrize(
    ("choices", "answer", "label"),
    [
        (LABELLED, "2", "1"),
        (LABELLED, 2, "1"),
        (LABELLED, "none", "none"),
        ({"label": ["A", "B"], "text": ["x", "y"]}, "(B)", "y"),
        ({"C": "x", "D": "y"}, "D", "y"),
        (["x", "y"], "b", "y"),
    ],
)
def test_a_gold_label_may_be_the_name_of_a_choice(make, choices, answer, label):
    splits = make(rows(choices, answer)).splits()
    assert {row.label for part in splits.values() for row in part} == {label}


def test_choices_that_cannot_be_read_are_one_of_the_rows_faults(make):
    with pytest.raises(DataError) as error:
        make(rows(["x", None], "x")[:2] + rows(["x", "y"], "x")[2:]).splits()
    assert str(error.value).splitlines()[1:] == [
        "  - line 1, line 2: a choice is no text; write a JSON list of texts in choices, or answers with | between them"
    ]


def test_a_choice_that_is_there_twice_is_one_of_the_rows_faults(make):
    """A person or a teacher that says its letter would be right or wrong by which of the two it is."""
    table = make(rows(["x", "y", "x"], "y")[:1] + rows(["x", "y"], "x")[1:])
    with pytest.raises(DataError, match="- line 1: the choice 'x' is there 2 times; keep it once, or drop the row"):
        table.splits()
