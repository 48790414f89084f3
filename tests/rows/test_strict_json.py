"""JSON of other people's hands."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.errors import DataError
from distill.rows.files import json_lines, read_object
from distill.rows.strict_json import strict_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_what_was_written_is_read(value):
    assert strict_json(json.dumps(value, ensure_ascii=False)) == value
    assert strict_json(json.dumps(value)) == value


@given(st.text(alphabet='{}[]",:\\u0123456789abcdefDCE.-+eE \n') | st.text())
def test_any_text_is_a_value_or_a_value_error(text):
    try:
        json.dumps(strict_json(text), ensure_ascii=False).encode()
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "the key 'c' is there twice"),
        ("[" * 101 + "]" * 101, "nested deeper than 100 levels"),
        ("[" * 200_000, "nested deeper than 100 levels"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested deeper than 100 levels"),
        ("9" * 5000, "a number of more digits than can be read"),
        ('"\\ud800"', "half of a surrogate pair"),
        ('{"\\uDFFF": 1}', "half of a surrogate pair"),
    ],
)
def test_what_cannot_be_taken_is_said(text, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        strict_json(text)
    with pytest.raises(DataError, match=rf"rows:2: {message}.*; mend the line, or leave it out"):
        list(json_lines(["{}", text], "rows"))
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=rf"a\.json: {message}"):
        read_object(tmp_path / "a.json")


def test_pairs_brackets_in_texts_and_what_is_just_deep_enough_are_taken():
    assert strict_json('"\\ud83d\\ude00"') == "😀"
    assert strict_json(json.dumps("[" * 500)) == "[" * 500
    assert strict_json("[" * 100 + "]" * 100)
    assert strict_json("9" * 4300) == int("9" * 4300)


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_what_stands_for_a_number_is_none_in_the_pipelines_own_files(tmp_path, name):
    assert isinstance(strict_json(f"[{name}]")[0], float)
    (tmp_path / "a.json").write_text(f'{{"usd": {name}}}')
    with pytest.raises(DataError, match=rf"a\.json: {name} stands for a number, and is none"):
        read_object(tmp_path / "a.json")


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_object(tmp_path)
