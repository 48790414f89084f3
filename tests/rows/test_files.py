from __future__ import annotations

import json

import pytest

from distill.errors import DataError
from distill.rows.files import merge_metrics, read_list, read_object, write_metrics


def test_a_small_p_value_keeps_its_digits_and_is_never_0(tmp_path):
    found = {"p_value": 1.23456e-9, "x": {"label_p_value": 0.04295714, "zero": 1e-9, "p_value": 1.0}}
    write_metrics(tmp_path / "m.json", found)
    kept = {"p_value": 1.23e-9, "x": {"label_p_value": 0.042957, "zero": 0.0, "p_value": 1.0}}
    assert read_object(tmp_path / "m.json") == kept


def test_metrics_are_rounded_and_the_unknown_stays_null(tmp_path):
    write_metrics(tmp_path / "m.json", {"b": {"x": 1 / 3}, "a": None, "nan": float("nan"), "n": 2})
    assert json.loads((tmp_path / "m.json").read_text()) == {"a": None, "b": {"x": 0.333333}, "nan": None, "n": 2}


def test_a_shared_metrics_file_keeps_the_sections_of_others(tmp_path):
    merge_metrics(tmp_path / "m.json", "train", {"seconds": 2})
    merge_metrics(tmp_path / "m.json", "annotate", {"seconds": 1})
    merge_metrics(tmp_path / "m.json", "train", {"seconds": 3})
    assert read_object(tmp_path / "m.json") == {"annotate": {"seconds": 1}, "train": {"seconds": 3}}


@pytest.mark.parametrize(
    ("text", "said"), [("{}", "not a list of objects"), ("[1]", "not a list of objects"), ("[", "not JSON")]
)
def test_a_list_that_is_none_of_objects_is_refused_with_its_name(tmp_path, text, said):
    path = tmp_path / "curve.json"
    path.write_text(text)
    with pytest.raises(DataError, match=f"curve.json: {said}"):
        read_list(path)
    path.write_text('[{"step": 1}]')
    assert read_list(path) == [{"step": 1}]
