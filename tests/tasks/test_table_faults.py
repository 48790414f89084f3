"""What is wrong with a table, in one list: the line, the field and what to do."""

from __future__ import annotations

import pytest
from table_files import csv_file, jsonl_file, rows, text

from distill.errors import DataError


def test_every_problem_comes_in_one_list_with_its_line_and_what_to_do(make, tmp_path):
    path = tmp_path / "in.csv"
    lines = [
        b"nr,message,desk",
        b"1,first message,post",
        b"2,,till",
        b"2,third message,tll",
        b"4,fourth",
        b"5,f\xfcnfte,post",
        b",sixth message,post",
        b"7,seventh,tll",
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(DataError) as error:
        make(path, **{"table.id": "nr", "table.classes": ["post", "till"]}).splits()
    told = str(error.value).splitlines()
    assert told[0] == f"{path} cannot be used as it is:"
    assert set(told[1:]) == {
        "  - line 3: the input of a labelled row is empty; fill message, or drop the row",
        "  - line 4, line 8: the label 'tll' is none of the classes (post, till); correct it, or add it to "
        "task.table.classes",
        "  - line 5: 2 cells where the header has 3; put quotes around cells that hold the delimiter or a line break, "
        "or set task.table.delimiter",
        "  - line 6: column 'message' is not UTF-8; save the file as UTF-8",
        "  - line 7: the id in 'nr' is empty; give one, or set task.table.id to null",
        "  - line 3, line 4: the id '2' is there more than once; make ids unique, or set task.table.id to null",
    }


def test_repeated_ids_are_named_with_their_lines(make, tmp_path):
    data = [{"nr": "x" if i in (3, 8) else str(i), **row} for i, row in enumerate(rows())]
    with pytest.raises(DataError, match=r"line 5, line 10: the id 'x' is there more than once; make ids unique"):
        make(csv_file(tmp_path / "in.csv", data), **{"table.id": "nr"}).splits()


def test_a_missing_column_is_named_with_those_there_are(make, tmp_path):
    path = csv_file(tmp_path / "in.csv", rows())
    with pytest.raises(DataError, match=r"no column 'text' \(there are: message, desk\); correct task.table"):
        make(path, **{"table.columns": ["text"]}).splits()
    with pytest.raises(DataError, match=r"no column 'team' \(there are: desk, message\); correct task.table"):
        make(jsonl_file(tmp_path / "in.jsonl", rows()), **{"table.label": "team"}).splits()


def test_another_encoding_is_told_by_how_the_file_begins_or_from_its_column_names(make, tmp_path):
    path = csv_file(tmp_path / "in.csv", rows())
    text = path.read_text()
    for encoding, message in (
        ("utf-16", "the file is UTF-16; save it as UTF-8"),
        ("utf-16-be", "the column names are not UTF-8; save the file as UTF-8"),
    ):
        path.write_bytes(text.encode(encoding))
        with pytest.raises(DataError, match=message):
            make(path).splits()


def test_one_class_is_none(make, tmp_path):
    data = [{**row, "desk": row["desk"] and "post"} for row in rows()]
    with pytest.raises(DataError, match="every label is 'post'; label rows of at least two classes"):
        make(csv_file(tmp_path / "in.csv", data)).splits()


def test_jsonl_faults(make, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text('{"message": "a", "desk": "x"}\n{"message": \n\n[1]\n{"message": null, "desk": 3}\n')
    with pytest.raises(DataError) as error:
        make(path).splits()
    assert "line 2: not JSON; write one object a line" in str(error.value)
    assert "line 4: a list and no object; write one object a line" in str(error.value)


def test_a_number_that_is_none_and_a_choice_that_is_none(make, tmp_path):
    data = [{"message": text(i), "desk": "four or five"} for i in range(9)]
    with pytest.raises(
        DataError, match=r"line 2, line 3, line 4, line 5, line 6 and 4 more: the label 'four or five' is no number"
    ):
        make(csv_file(tmp_path / "in.csv", data), **{"table.kind": "number"}).splits()
    data = [{"message": text(i), "desk": "d", "options": "a|b" if i else "a"} for i in range(9)]
    with pytest.raises(DataError, match=r"line 2: 1 answers to choose from; give two or more in options"):
        make(csv_file(tmp_path / "in.csv", data), **{"table.kind": "choices", "table.choices": ["options"]}).splits()


def test_too_few_labelled_rows_say_how_many_there_are(make, tmp_path):
    with pytest.raises(
        DataError, match=r"25 rows have a label, and 20 for test and 10 for validation are to be cut .* Label more rows"
    ):
        make(csv_file(tmp_path / "in.csv", rows(labelled=25))).splits()
    with pytest.raises(DataError, match=r"0 rows have a label"):
        make(tmp_path / "in.csv", **{"table.label": None}).splits()
    with pytest.raises(DataError, match=r"task.test_rows: is all, and the data has no test part"):
        make(tmp_path / "in.csv", test_rows="all").splits()
