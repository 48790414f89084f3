"""What a file seems to hold."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from distill.errors import DataError
from distill.start.looking import look

DESKS = ["post", "till", "shop"]


def rows(count=30, labelled=12):
    return [
        {
            "id": str(i),
            "subject": f"subject {i}",
            "body": f"words of the message {i}",
            "desk": DESKS[i % 3] if i < labelled else "",
        }
        for i in range(count)
    ]


def write_csv(path, table, delimiter=","):
    lines = [delimiter.join(table[0]), *(delimiter.join(row.values()) for row in table)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_one_file_in_four_formats_looks_alike(tmp_path):
    table = rows()
    paths = [
        write_csv(tmp_path / "a.csv", table),
        write_csv(tmp_path / "b.tsv", table, "\t"),
        tmp_path / "c.jsonl",
        tmp_path / "d.parquet",
    ]
    paths[2].write_text("".join(json.dumps(row) + "\n" for row in table))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(table), paths[3])
    for path in paths:
        file = look(path)
        assert file.columns == ("id", "subject", "body", "desk") and len(file.rows) == 30
        assert file.labels() == ("desk",) and file.id() == "id" and file.kind("desk") == "classes"
        assert file.inputs(["desk", "id"]) == ("subject", "body")


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_delimiter_is_seen_in_the_header(tmp_path, delimiter):
    file = look(write_csv(tmp_path / "a.csv", rows(), delimiter))
    assert file.delimiter == delimiter and file.columns[1] == "subject"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([str(i) for i in range(60)], "number"),
        ([f"{i},5 km" if i % 2 else f"{i}" for i in range(60)], "number"),
        ([f"{i}-{i + 5} km" if i % 2 else f"{i}" for i in range(60)], "text"),
        ([f"a free answer of row {i}" for i in range(60)], "text"),
        (["1", "2", "3"] * 20, "classes"),
        ([""] * 60, None),
    ],
)
def test_of_which_kind_answers_are(tmp_path, values, kind):
    path = tmp_path / "a.jsonl"
    path.write_text(
        "".join(json.dumps({"q": f"question {i}", "answer": value}) + "\n" for i, value in enumerate(values))
    )
    assert look(path).kind("answer") == kind


def test_a_label_by_its_name_comes_before_columns_that_merely_repeat(tmp_path):
    table = [{"text": f"t{i}", "colour": ["red", "blue"][i % 2], "label": DESKS[i % 3]} for i in range(30)]
    assert look(write_csv(tmp_path / "a.csv", table)).labels() == ("label", "colour")


def test_choices_and_rationales_go_by_their_names(tmp_path):
    table = [
        {"question": f"q{i}", "options": "sink | shed", "explanation": f"why {i}", "answer": "sink"} for i in range(5)
    ]
    file = look(write_csv(tmp_path / "a.csv", table))
    assert (file.choices(), file.rationale(), file.kind("answer")) == ("options", "explanation", "choices")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "x\n", r"a\.txt: is no \.csv, \.tsv, \.jsonl, \.parquet file"),
        ("a.csv", "", r"a\.csv: is empty; put rows into it"),
        ("a.csv", "\n", r"a\.csv: has no columns"),
        (
            "a.txt",
            "PK\x03\x04",
            r"a\.txt: is a ZIP archive or an Excel file; unpack it first, or save the sheet as CSV",
        ),
        ("a.csv", "text,desk\n", r"a\.csv: has no rows"),
        ("a.csv", "text,desk\na,b,c\n", r"line 2: 3 cells where the header has 2"),
        ("a.parquet", "no parquet", r"a\.parquet: cannot be read as parquet"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        look(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: no such file"):
        look(tmp_path / "none.csv")


def test_a_path_with_a_nul_is_no_file():
    with pytest.raises(DataError, match=r"no such file"):
        look(Path("a\0.csv"))


def test_columns_of_bytes_are_passed_over(tmp_path):
    table = pyarrow.table({"text": ["a", "b"], "picture": [b"x", b"y"], "label": ["p", "q"]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert look(tmp_path / "a.parquet").columns == ("text", "label")


@pytest.mark.parametrize(
    ("name", "is_id"),
    [
        *[(name, True) for name in ("mail_id", "Ticket ID", "orderId", "ID", "key", "row index")],
        *[(name, False) for name in ("paid", "answer_key", "idea", "valid", "No.")],
    ],
)
def test_an_id_is_known_by_the_last_word_of_its_name(tmp_path, name, is_id):
    table = [{name: f"n{i}", "text": f"t{i}", "label": DESKS[i % 3]} for i in range(30)]
    file = look(write_csv(tmp_path / "a.csv", table))
    assert (file.id() == name, file.inputs(["label"])) == (is_id, ("text",) if is_id else (name, "text"))


def test_a_column_named_like_an_id_that_repeats_is_neither_id_nor_input(tmp_path):
    table = [{"customer_id": f"n{i % 9}", "text": f"t{i}", "label": DESKS[i % 3]} for i in range(30)]
    file = look(write_csv(tmp_path / "a.csv", table))
    assert file.id() is None and file.inputs(["label"]) == ("text",)


def test_the_label_is_sooner_a_column_with_empty_cells_and_few_values(tmp_path):
    table = [
        {"mail_id": f"n{i}", "subject": f"subject {i % 9}", "text": f"t{i}", "team": DESKS[i % 3] if i < 12 else ""}
        for i in range(40)
    ]
    table.append(dict.fromkeys(table[0], ""))
    file = look(write_csv(tmp_path / "a.csv", table))
    assert file.labels() == ("team", "subject") and file.id() == "mail_id"
