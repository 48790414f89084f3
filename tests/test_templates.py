from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.templates import Template, TemplateError, render


def test_messages_show_the_fields_and_newlines_arrive_as_newlines():
    template = Template("You know {topic}.", "Q: {question}\nA:")
    assert template.messages({"topic": "tea", "question": "Hot?"}) == (
        {"role": "system", "content": "You know tea."},
        {"role": "user", "content": "Q: Hot?\nA:"},
    )
    assert Template(" ", "{question}").messages({"question": "?"}) == ({"role": "user", "content": "?"},)


@settings(derandomize=True)
@given(st.text())
def test_a_value_is_never_read_as_a_template(value):
    assert render("<{x}>", {"x": value}) == f"<{value}>"


def test_doubled_braces_are_literal():
    assert render('{{"answer": "{x}"}}', {"x": "{y}"}) == '{"answer": "{y}"}'


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ("{question} {answer}", r"shows \{answer\}, which the task does not have; known: \{question\}"),
        ("what?", r"shows no field of the row; use \{question\}"),
        ("{question} {", r"stray '\{' at character 11; write \{\{ for a literal brace"),
        ("{question}}", r"stray '\}' at character 10"),
        ("{question}\\nA:", "a backslash and an n where a line break was meant"),
    ],
)
def test_a_template_that_cannot_work_is_refused(user, message):
    with pytest.raises(TemplateError, match=message):
        Template("", user).check(["question"])


def test_a_row_that_lacks_a_field_is_an_error_not_a_blank():
    with pytest.raises(TemplateError, match=r"no field 'question'; known: \{text\}"):
        Template("", "{question}").messages({"text": "x"})


def test_the_heads_of_a_prompt_are_what_stands_before_its_fields():
    template = Template(
        "",
        'Decide.\n\n**Premise**: {premise}\nThe text:\n"{text}"\n\nFirst, read this: {other}\nAnswer with {n} words:',
    )
    assert template.heads() == ("Premise", "The text", "First, read this", "premise", "text", "other", "n")
