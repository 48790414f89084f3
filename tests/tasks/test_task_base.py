from __future__ import annotations

from types import SimpleNamespace

from distill.tasks.base import Task
from distill.templates import Template


class Yes(Task):
    name, kind, description, classes, fields = "yes", "classes", "Yes or no?", ("yes", "no"), ("text",)
    explain, label_only = Template("s", "{text} Why?"), Template("", "{text}")

    def splits(self):
        return {}


def test_the_card_says_what_later_stages_need():
    card = Yes(SimpleNamespace(decimal="comma")).card()
    assert (card.name, card.kind, card.classes, card.fields) == ("yes", "classes", ("yes", "no"), ("text",))
    assert card.decimal == "comma"
    assert card.prompts == {
        "explain": {"system": "s", "user": "{text} Why?"},
        "label": {"system": "", "user": "{text}"},
    }
