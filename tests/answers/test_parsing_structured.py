"""JSON answers make the same records as text."""

import pytest

from distill.answers.parsing import Parsed, parse_response

SIZES = ["larger", "smaller", "similar"]
WANTED = Parsed("larger", "It is heavier.", "ok")


def parse(text, **more):
    return parse_response(text, kind="classes", choices=SIZES, **more)


@pytest.mark.parametrize(
    "text",
    [
        '{"answer": "larger", "rationale": "It is heavier."}',
        '{"rationale": "It is heavier.", "label": "Larger"}',
        '{"explanation": "It is\\nheavier.", "Final Answer": "larger."}',
        '```json\n{"reasoning": "It is heavier.", "answer": "larger"}\n```',
        'Sure, here it is:\n```\n{"reasoning": "It is heavier.", "answer": "larger"}\n```\nHope this helps!',
        '{"answer": ["larger"], "rationale": ["It is", "heavier."]}',
        '{"answer": "smaller"}\n{"answer": "larger", "rationale": "It is heavier."}',
        '{"rationale": "It is heavier.", "answer": "larger",}',
        "It is heavier. Answer: larger",
    ],
)
def test_the_same_record_from_every_form(text):
    assert parse(text) == WANTED


def test_letters_numbers_and_booleans():
    places = ["park", "gravity"]
    assert parse_response('{"answer": "b"}', kind="choices", choices=places).label == "gravity"
    assert parse_response('{"answer": "(b) gravity"}', kind="choices", choices=places).label == "gravity"
    assert parse_response('{"answer": 2}', kind="choices", choices=places).label == "gravity"
    assert parse_response('{"answer": 1234.50}', kind="number").label == "1234.5"
    assert parse_response('{"answer": "(84 / 2)"}', kind="number").label == "42"
    assert parse_response('{"answer": true}', kind="classes", choices=["true", "false"]).label == "true"
    assert parse_response('{"answer": "Paris\\n\\nFrance", "rationale": "It is the capital."}', kind="text") == Parsed(
        "Paris France", "It is the capital.", "ok"
    )


def test_an_answer_that_names_no_choice_falls_back_to_the_text():
    assert parse('{"answer": "unknown", "rationale": "It is heavier."}') == Parsed(None, "It is heavier.", "no_label")
    assert parse('{"answer": "unknown", "rationale": "It is larger."}').label is None
    assert parse('{"answer": "see below"}\nThe answer is larger.').label == "larger"


def test_an_object_cut_short():
    assert parse('{"answer": "larger", "rationale": "It is heavier. It', finish_reason="length") == Parsed(
        "larger", "It is heavier.", "ok"
    )
    assert parse('{"rationale": "It is heavier.", "answer": "lar', finish_reason="length").status == "truncated"
    assert parse('{"rationale": "It is heavier. The', finish_reason="length").status == "truncated"


def test_braces_that_are_no_object():
    assert parse("A set {1, 2} and {x}. Answer: larger").label == "larger"
