from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.errors import DataError
from distill.rows.records import Annotation, Example, Prediction, TrainingRow, read_rows, write_rows


def test_rows_are_sorted_by_id_with_sorted_keys_whatever_their_order(tmp_path):
    rows = [TrainingRow("b", "B?", "no", None), TrainingRow("a", "Ä?", "yes", "because", ("yes", "no"))]
    assert write_rows(tmp_path / "one.jsonl", rows) == 2
    write_rows(tmp_path / "two.jsonl", reversed(rows))
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    assert (tmp_path / "one.jsonl").read_text().splitlines()[0] == (
        '{"choices": ["yes", "no"], "id": "a", "input": "Ä?", "label": "yes", '
        '"label_probabilities": {}, "rationale": "because"}'
    )
    assert read_rows(tmp_path / "one.jsonl", TrainingRow) == [rows[1], rows[0]]
    assert [p.name for p in tmp_path.iterdir()] != [] and not list(tmp_path.glob("*.tmp"))


text = st.text(st.characters(codec="utf-8"), max_size=20)


@settings(derandomize=True, max_examples=60)
@given(
    st.lists(
        st.builds(
            Example,
            id=text,
            input=text,
            fields=st.dictionaries(text, text, max_size=2),
            choices=st.lists(text, max_size=3).map(tuple),
            label=st.none() | text,
        ),
        unique_by=lambda row: row.id,
        max_size=5,
    )
)
def test_any_rows_come_back_as_they_were(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    write_rows(path, rows)
    assert read_rows(path, Example) == sorted(rows, key=lambda row: row.id)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"id": "a", "label": "x"}', "{"], r":2: not JSON \(.*; one object a line"),
        (["[1]"], ":1: a list, not an object; one object a line"),
        (['{"id": "a"}'], ":1: field 'label' is missing"),
        (['{"id": "a", "label": 3}'], ":1: field 'label' is 3; it must be str"),
        (
            ['{"id": "a", "label": "x", "lable": "y"}'],
            ":1: unknown field 'lable'; known: id, label, gold, probability, rationale",
        ),
        (
            ['{"id": "a", "label": "x"}', "", '{"id": "a", "label": "y"}'],
            ":3: id 'a' is also on line 1; ids must be unique",
        ),
    ],
)
def test_a_bad_line_is_named(tmp_path, lines, message):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match=message):
        read_rows(path, Prediction)


def test_a_missing_file_of_the_pipeline_says_how_to_get_it(tmp_path):
    with pytest.raises(DataError, match="no such file; `dvc pull` fetches it, `dvc repro` makes it"):
        read_rows(Path("data/annotated/none.jsonl"), Annotation)
    with pytest.raises(DataError, match=r"no such file\Z"):
        read_rows(tmp_path / "none.jsonl", Annotation)


def test_bytes_that_are_not_utf8_are_named(tmp_path):
    (tmp_path / "rows.jsonl").write_bytes(b'{"id": "\xff"}')
    with pytest.raises(DataError, match="not UTF-8"):
        read_rows(tmp_path / "rows.jsonl", Prediction)


def test_a_repeated_id_is_not_written(tmp_path):
    with pytest.raises(DataError, match="two rows have the id 'a'"):
        write_rows(tmp_path / "rows.jsonl", [Prediction("a", "x"), Prediction("a", "y")])
    assert not (tmp_path / "rows.jsonl").exists()
