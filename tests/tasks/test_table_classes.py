"""Classes with aliases and descriptions, and one Unicode normal form for every text."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter

import pytest

from distill.prompts.asking import Ask, annotation
from distill.rows.records import TaskCard, read_json
from distill.settings import SettingsError
from distill.settings.task import ClassSettings
from distill.tasks.normal_form import is_normal, normal_example
from distill.tasks.survey import survey
from distill.tasks.table import Table
from distill.teacher.exchange import Reply, Usage
from distill.templates import Template

CLASSES = {
    "billing": {"aliases": ["invoices", "money"], "description": "A bill, a price {or} a refund."},
    "login": {"aliases": ["access"]},
    "other": {},
}


@pytest.fixture
def make(make_settings, tmp_path):
    def make_table(rows, **changes):
        path = tmp_path / "in.jsonl"
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        every = {
            "task.name": "table", "task.path": str(path), "task.train_rows": "all", "task.test_rows": 4,
            "task.validation_rows": 4, "task.table.label": "desk", "task.table.columns": ["message"],
            "task.table.description": "Decide which desk answers.",
        }  # fmt: skip
        return Table(make_settings(**every | {f"task.{key}": value for key, value in changes.items()}).task)

    return make_table


def messages(labels, word="message"):
    return [{"message": f"{word} {chr(97 + i % 26) * 9} {i}", "desk": labels[i % len(labels)]} for i in range(24)]


def test_gold_labels_and_answers_may_be_aliases_and_prompts_say_what_classes_mean(make):
    task = make(messages(["invoices", "Access", "billing", "other"]), **{"table.classes": CLASSES})
    splits = task.splits()
    assert Counter(row.label for split in splits.values() for row in split) == {"billing": 12, "login": 6, "other": 6}
    survey(splits, task, 128)
    card = task.card()
    assert card.classes == ("billing", "login", "other")
    assert card.aliases == {"billing": ("invoices", "money"), "login": ("access",)}
    assert card.meanings == {"billing": "A bill, a price {or} a refund."}
    row = splits["train"][0]
    shown = Template(**card.prompts["label"]).messages(row.fields)[0]["content"]
    assert "\n\nWhat the answers mean:\n- billing: A bill, a price {or} a refund.\n\nAnswer with one of" in shown
    for text, label in (("So the answer is money.", "billing"), ("Access", "login"), ("The answer is cash.", None)):
        reply = Reply(row.id, 0, text, "stop", "m", Usage(1, 0, 1, "reported"), None, False)
        assert annotation(reply, Ask(row, "label"), card).label == label


def test_a_plain_list_stays_what_it_was(make):
    task = make(messages(["b", "a"]), **{"table.classes": ["b", "a"]})
    task.splits()
    assert (task.card().classes, task.card().aliases, task.card().meanings) == (("b", "a"), {}, {})


def test_the_card_is_kept_whole(make, tmp_path):
    from distill.rows.files import write_json

    task = make(messages(["billing", "login", "other"]), **{"table.classes": CLASSES})
    write_json(tmp_path / "task.json", task.card())
    assert read_json(tmp_path / "task.json", TaskCard) == task.card()


def test_settings_of_classes_are_read_and_checked(make_settings):
    table = make_settings(**{"task.table.classes": CLASSES}).task.table
    assert table.classes["login"] == ClassSettings(("access",), None)
    assert table.aliases == {"billing": ("invoices", "money"), "login": ("access",)}
    for classes, message in (
        ({"a": {"aliases": ["B"]}, "b": {}}, r"table\.classes: has 'b' twice; allowed: each class and alias once"),
        ({"a": {}, "b": {"alias": ["c"]}}, r"table\.classes\.b\.alias: unknown key; known here: aliases, description"),
        ({"a": {}}, r"table\.classes: is \['a'\]; allowed: \[\] for those in the data, or two or more"),
        ({"a": "b", "c": {}}, r"table\.classes\.a: must be a section of keys, not 'b'"),
    ):
        with pytest.raises(SettingsError, match=message):
            make_settings(**{"task.table.classes": classes})


def test_rows_labels_and_classes_are_in_one_normal_form_and_the_report_says_how_many_changed(make):
    composed, apart = "café", unicodedata.normalize("NFD", "café")
    assert composed != apart
    task = make(messages([composed, apart, "bar"], "é"), **{"table.classes": [apart, "bar"]})
    splits = task.splits()
    assert Counter(row.label for split in splits.values() for row in split) == {composed: 16, "bar": 8}
    assert survey(splits, task, 128).metrics["unicode"] == {"normal_form": "NFC", "rows_changed": 8}
    row = splits["train"][0]
    assert is_normal(row.input) and normal_example(row) is row
    reply = Reply(row.id, 0, f"The answer is {apart}.", "stop", "m", Usage(1, 0, 1, "reported"), None, False)
    assert annotation(reply, Ask(row, "label"), task.card()).label == composed
