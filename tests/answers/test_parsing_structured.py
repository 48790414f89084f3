"""JSON answers make the same records as text."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    st.sampled_from(["larger", "smaller", "similar"]),
    st.sampled_from(["label", "sentiment", "relation_of_sizes", "Verdict", "my answer", "size"]),
    st.sampled_from(["rationale", "explanation", "why", "notes_on_it"]),
    st.sampled_from(["It is heavier.", "Ann's dog can't lift it.", 'They call it "big", as it is.', "It is\nheavier."]),
    st.sampled_from([json.dumps, repr, lambda fields: json.dumps({"result": fields}), "unquoted"]),
    st.sampled_from(["{}", "```json\n{}\n```", "```python\n{}```", "Here you are:\n{}\nI hope that it helps."]),
    st.booleans(),
)
def test_any_key_of_the_tasks_own_in_json_and_in_python(label, key, reason_key, reason, form, frame, label_first):
    fields = [(key, label), (reason_key, reason)]
    fields = fields if label_first else fields[::-1]
    if form == "unquoted":
        body = "{" + ", ".join(f"{name}: {json.dumps(value)}" for name, value in fields) + "}"
    else:
        body = form(dict(fields))
    parsed = parse(frame.replace("{}", body))
    assert parsed == Parsed(label, " ".join(reason.split()), "ok"), body


def test_a_dict_whose_apostrophes_end_its_strings_is_read_all_the_same():
    assert parse("{'label': 'larger', 'why': 'Ann's dog can't lift it.'}") == Parsed(
        "larger", "Ann's dog can't lift it.", "ok"
    )


def test_a_usual_key_that_holds_no_choice_gives_way_to_one_that_does():
    assert parse('{"answer": "It is heavier.", "size": "larger"}') == Parsed("larger", None, "no_rationale")
    assert parse('{"weight": "larger", "height": "smaller"}').status == "ambiguous"
    assert parse_response('{"working": "3 + 4 = 7", "total": 7, "confidence": 1}', kind="number").label == "7"


def test_an_object_with_an_input_behind_an_answer_is_an_invented_row():
    text = '{"label": "larger", "why": "It is heavier."}\n{"text": "A cat.", "label": "smaller", "why": "It is light."}'
    assert parse(text) == Parsed("larger", "It is heavier.", "ok")
