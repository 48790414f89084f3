from __future__ import annotations

import random

import pytest

from distill.rows.records import Judged, write_rows
from distill.studies.rights import MOST_BITS, RIGHT, RIGHT_OF, right_columns, rights_of


def judged(right: list[bool], prefix: str = "r") -> list[Judged]:
    return [Judged(f"{prefix}{i:05}", "x", gold="a", student_right=one) for i, one in enumerate(right)]


def columns(tmp_path, right: list[bool], prefix: str = "r") -> dict:
    rows = judged(right, prefix)
    random.Random(1).shuffle(rows)
    write_rows(tmp_path / "judged.jsonl", [*rows, Judged("unlabelled", "x")])
    kept = right_columns(tmp_path / "judged.jsonl")
    return kept | {"test_rows": len(right), "accuracy": round(sum(right) / len(right), 6)}


@pytest.mark.parametrize("count", [1, 7, 8, 9, 600])
def test_the_bits_are_the_rows_that_were_right(tmp_path, count):
    right = [random.Random(i).random() < 0.7 for i in range(count)]
    (bits,) = rights_of([columns(tmp_path, right)])
    assert bits.tolist() == right


def test_only_cells_of_the_same_rows_are_paired(tmp_path):
    one, other = columns(tmp_path, [True, False]), columns(tmp_path, [False, True])
    assert [bits.tolist() for bits in rights_of([one, other])] == [[True, False], [False, True]]
    assert rights_of([one, columns(tmp_path, [True, False], "other")]) is None
    assert rights_of([one, {"accuracy": 0.5, "test_rows": 2}]) is None, "a row of before"
    assert rights_of([one | {"accuracy": 0.75}]) is None, "bits that do not give the accuracy"
    assert rights_of([one | {RIGHT: "xyz"}]) is rights_of([one | {RIGHT: "ffff"}]) is None


def test_what_is_not_here_or_too_much_is_null(tmp_path):
    nothing = {RIGHT: None, RIGHT_OF: None}
    assert right_columns(None) == nothing
    (tmp_path / "other.jsonl").write_text('{"id": "a", "judged_by": "an older version"}\n')
    assert right_columns(tmp_path / "other.jsonl") == nothing
    write_rows(tmp_path / "many.jsonl", judged([True] * (MOST_BITS + 1)))
    assert right_columns(tmp_path / "many.jsonl") == nothing
