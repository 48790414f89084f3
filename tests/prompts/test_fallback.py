"""Structured output where the endpoint takes none: the same rows, asked for text, over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill.prompts.asking import Ask, Asker, rejects_format
from distill.prompts.prompt_file import hand_written
from distill.tasks.registry import get_task
from distill.teacher import TeacherError, open_teacher
from distill.teacher.simulated import serve
from distill.teacher.simulated.faults import ServerFault
from house import ROOT


@pytest.fixture(autouse=True)
def _root(monkeypatch):
    monkeypatch.chdir(ROOT)


def ask(settings, url, rows, templates, card):
    from dataclasses import replace

    settings = replace(settings, teacher=replace(settings.teacher, provider="openai", base_url=url))
    with open_teacher(settings, "annotate") as teacher:
        asker = Asker(teacher, card, settings.teacher)
        asks = [Ask(row, "explain") for row in rows]
        return {answer.id: answer for _, answer in asker.answers(asks, templates)}, asker, teacher.bill


def test_an_endpoint_that_takes_no_schema_is_asked_for_text_and_no_row_is_lost(make_settings, capsys):
    made = make_settings(
        **{"task.train_rows": 20, "task.validation_rows": 3, "task.test_rows": 3, "teacher.structured": True}
    )
    task = get_task(made.task)
    rows, card = task.splits()["train"], task.card()
    templates = hand_written(card, made.prompt)
    plain = make_settings(**{"task.train_rows": 20, "task.validation_rows": 3, "task.test_rows": 3})
    refusing = [ServerFault("no_response_format", rate=1.0, containing='"response_format"')]
    with serve(Path(made.teacher.path), faults=refusing) as server:
        found, asker, bill = ask(made, server.base_url, rows, templates, card)
        assert server.calls == 21, "one question found out, and each row was then asked once"
        text, _, again = ask(plain, server.base_url, rows, templates, card)
        offline = make_settings(**{"task.train_rows": 20, "teacher.structured": True, "runtime.offline": True})
        assert ask(offline, server.base_url, rows, templates, card)[0] == text, "a colleague who has the store alone"
    assert found == text and again.paid.calls == 0 and bill.paid.calls == 20 and not asker.structured
    assert "this endpoint takes no structured output" in capsys.readouterr().out


def test_any_other_refusal_is_none_of_the_format():
    assert rejects_format(
        TeacherError(
            "refused request (400): Invalid parameter: 'response_format' of type 'json_schema' is not supported"
        )
    )
    assert not rejects_format(TeacherError("refused request (400): temperature is too high"))
    assert rejects_format(TeacherError("refused request (422): [{'loc': ['body', 'response_format', 'type']}]"))
    assert not rejects_format(TeacherError("unknown model (404): json_schema"))
