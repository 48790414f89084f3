from __future__ import annotations

import pytest

from distill.errors import DataError
from distill.prompts.prompt_file import fixed_prompts, hand_written, read_prompts, write_prompts
from distill.rows.records import TaskCard
from distill.templates import Template, TemplateError

CARD = TaskCard("t", "classes", "d", ("q",), {})
TEMPLATES = {
    "explain": Template("Be kind: \"quotes\" and 'more'.", "{q}\n\nExplain — in one line.\n"),
    "label": Template("", "{q}"),
}


def test_prompts_come_back_as_they_were_and_are_readable(tmp_path):
    write_prompts(tmp_path / "p.yaml", TEMPLATES, {"optimizer": "fixed", "step": 0}, CARD)
    assert read_prompts(tmp_path / "p.yaml", CARD) == TEMPLATES
    text = (tmp_path / "p.yaml").read_text()
    assert "  user: |\n    {q}\n\n    Explain — in one line.\n" in text
    write_prompts(tmp_path / "q.yaml", TEMPLATES, {"optimizer": "fixed", "step": 0}, CARD)
    assert (tmp_path / "q.yaml").read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        "- {asks_for: explain, system: '', user: '{q}'}",
        "- a",
        "x: 1",
        "- [",
        "- {asks_for: explain, system: '', user: '{x}'}\n- {asks_for: label, system: '', user: '{q}'}",
    ],
)
def test_a_broken_file_is_named(tmp_path, text):
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(DataError, match=r"p\.yaml: not a prompt file"):
        read_prompts(tmp_path / "p.yaml", CARD)


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(DataError, match="`dvc repro optimize_prompt` makes it"):
        read_prompts(tmp_path / "p.yaml", CARD)


def test_the_header_warns_that_an_edit_is_overwritten_and_names_the_way(tmp_path):
    write_prompts(tmp_path / "p.yaml", TEMPLATES, {"optimizer": "fixed"}, CARD)
    warning = (
        "# An edit here is overwritten by the next run of optimize_prompt: edit a copy in data/prompts and name it in "
        "prompt.file.\n"
    )
    assert warning in (tmp_path / "p.yaml").read_text()


OTHER = TaskCard(
    "u", "classes", "d", ("q",),
    {"explain": {"system": "", "user": "{q} why?"}, "label": {"system": "", "user": "{q}!"}}
)  # fmt: skip
HAND_WRITTEN = {"explain": Template("", "{q} why?"), "label": Template("", "{q}!")}


def test_prompts_of_another_task_are_refused_even_where_they_fit_and_nameless_ones_are_taken(tmp_path):
    path = tmp_path / "p.yaml"
    write_prompts(path, TEMPLATES, {"optimizer": "fixed"}, CARD)
    with pytest.raises(
        DataError, match=r"p\.yaml: has the prompts of the task t, and task\.name is u; `dvc repro optimize_prompt`"
    ):
        read_prompts(path, OTHER)
    path.write_text(path.read_text().replace("    task: t\n", ""))
    assert read_prompts(path, OTHER) == TEMPLATES


def test_fixed_prompts_are_the_named_files_or_else_the_hand_written_ones(tmp_path, make_settings, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert fixed_prompts(OTHER, make_settings(**{"prompt.optimizer": "fixed"}).prompt) == HAND_WRITTEN
    named = make_settings(**{"prompt.optimizer": "fixed", "prompt.file": "mine.yaml"}).prompt
    with pytest.raises(DataError, match=r"prompt\.file: data/prompts/mine\.yaml: no such file; copy data/prompt\.yaml"):
        fixed_prompts(CARD, named)
    write_prompts(tmp_path / "data/prompts/mine.yaml", TEMPLATES, {"optimizer": "fixed"}, CARD)
    assert fixed_prompts(CARD, named) == TEMPLATES


def test_hand_written_prompts_are_the_tasks_own_or_those_of_the_settings(make_settings):
    assert hand_written(OTHER, make_settings().prompt) == HAND_WRITTEN
    own = make_settings(**{"prompt.explain": "{q} mine", "prompt.system": "S"}).prompt
    assert hand_written(OTHER, own) == {"explain": Template("S", "{q} mine"), "label": Template("S", "{q}!")}
    with pytest.raises(TemplateError, match=r"shows \{nothing\}"):
        hand_written(OTHER, make_settings(**{"prompt.label_only": "{nothing}"}).prompt)
