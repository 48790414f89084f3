"""The search with GEPA's own library, against the simulated teacher over HTTP."""

from __future__ import annotations

import builtins

import pytest

from distill.errors import UserError
from distill.search.search import Search, slices
from distill.tasks.registry import get_task
from distill.teacher import open_teacher
from house import ROOT

SMALL = {
    "task.train_rows": 80, "task.validation_rows": 3, "task.test_rows": 3, "prompt.optimizer": "gepa",
    "prompt.steps": 2, "prompt.candidates": 3,
    "prompt.search_rows": 20, "prompt.holdout_rows": 30, "prompt.first_rows": 5,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _root(monkeypatch):
    monkeypatch.chdir(ROOT)


def search(settings):
    task = get_task(settings.task)
    train, card = task.splits()["train"], task.card()
    with open_teacher(settings, "optimize_prompt") as teacher:
        return Search(teacher, card, train, settings).run(), teacher.bill, slices(train, settings.prompt)


def test_it_proposes_on_few_rows_and_what_it_takes_on_sees_all_and_the_winner_is_confirmed(make_settings):
    pytest.importorskip("gepa")
    outcome, bill, (search_rows, _) = search(make_settings(**SMALL))
    assert outcome.winner.held_out.rows == 30 and outcome.candidates[0].held_out.rows == 30
    sizes = {len(one.answers) for one in outcome.candidates[1:]}
    assert sizes and sizes <= {5, 20}, "a minibatch, or all search rows"
    assert {a.id for one in outcome.candidates for a in one.answers} == {row.id for row in search_rows}
    assert len(outcome.candidates) - 1 + outcome.rejected.total() <= 6
    assert outcome.cost["all"]["calls"] >= bill.as_if_cold.calls
    again, paid, _ = search(make_settings(**SMALL))
    assert again.template == outcome.template and again.trace() == outcome.trace() and paid.paid.calls == 0


def test_it_keeps_the_limits_of_every_search(make_settings, capsys):
    pytest.importorskip("gepa")
    outcome, _, _ = search(make_settings(**SMALL | {"prompt.max_calls": 185}))
    assert "the search ends here: prompt.max_calls (185)" in capsys.readouterr().out
    assert outcome.cost["all"]["calls"] <= 185 and outcome.winner.held_out.rows == 30


def test_without_the_package_it_says_what_to_install(make_settings, monkeypatch):
    known = builtins.__import__

    def without(name, *rest, **more):
        if name == "gepa":
            raise ImportError(name)
        return known(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install -r requirements-gepa\.txt, or set it to opro"):
        search(make_settings(**SMALL))
