"""Tables as the world writes them: one list of what is wrong, or the right rows; never a text that nobody wrote."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.errors import DataError
from distill.tasks.problems import Problems
from distill.tasks.survey import survey
from distill.tasks.table import Table
from distill.tasks.text_files import column_names, table_rows

COUNT = 40
TEXTS = [
    hashlib.sha256(bytes([i])).hexdigest().translate(str.maketrans("0123456789", "ghijklmnop")) for i in range(COUNT)
]
DESKS = ["post" if i % 2 else "till" for i in range(COUNT)]


@pytest.fixture
def make(make_settings):
    def made(path, **changes):
        every = {
            "task.name": "table", "task.path": str(path), "task.train_rows": "all", "task.test_rows": 8,
            "task.validation_rows": 4, "task.table.label": "desk", "task.table.columns": ["text"],
            "task.table.description": "Decide which desk answers.",
        }  # fmt: skip
        return Table(make_settings(**every | {f"task.{key}": value for key, value in changes.items()}).task)

    return made


def parquet(path, columns):
    pyarrow.parquet.write_table(pa.table(columns), path)
    return path


def lines(path, values):
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


def told(task) -> list[str]:
    with pytest.raises(DataError) as error:
        survey(task.splits(), task, 128)
    return [line.removeprefix("  - ") for line in str(error.value).splitlines()[1:]]


def read(task) -> Counter[str]:
    splits = task.splits()
    survey(splits, task, 128)
    return Counter(row.label for part in splits.values() for row in part)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pa.array([text.encode() for text in TEXTS]), "binary"),
        (pa.array([text.encode()[:4] for text in TEXTS], pa.binary(4)), "fixed_size_binary[4]"),
        (pa.array([{"a": b"x"} for _ in TEXTS]), "struct<a: binary>"),
        (pa.array([[b"x"] for _ in TEXTS]), "list<element: binary>"),
        (pa.array([[("a", text)] for text in TEXTS], pa.map_(pa.string(), pa.string())), "map<string, string>"),
    ],
)
def test_a_parquet_column_that_is_no_text_is_refused(make, tmp_path, column, kind):
    (line,) = told(make(parquet(tmp_path / "in.parquet", {"text": column, "desk": DESKS})))
    assert line.startswith(f"the column 'text' is of type {kind}"[:40])
    assert line.endswith("which is no text; write it as a column of text")


@pytest.mark.parametrize(
    "column",
    [
        pa.array(TEXTS, pa.large_string()),
        pa.array(TEXTS, pa.string_view()),
        pa.array(TEXTS).dictionary_encode(),
    ],
)
def test_parquet_text_of_every_type_is_the_same_text(make, tmp_path, column):
    parquet(tmp_path / "a.parquet", {"text": TEXTS, "desk": DESKS})
    parquet(tmp_path / "b.parquet", {"text": column, "desk": pa.array(DESKS).dictionary_encode()})
    first, second = (make(tmp_path / name).splits() for name in ("a.parquet", "b.parquet"))
    assert [list(part) for part in first.values()] == [list(part) for part in second.values()]


@pytest.mark.parametrize("keep", [0, 3, 4, 100, -1, -9])
def test_a_parquet_file_that_is_cut_off_is_said_to_be(make, tmp_path, keep):
    path = parquet(tmp_path / "in.parquet", {"text": TEXTS, "desk": DESKS})
    path.write_bytes(path.read_bytes()[:keep])
    (line,) = told(make(path))
    assert line.startswith("the file is empty" if keep == 0 else "no Parquet, or damaged, or cut off (")


def test_a_parquet_file_with_damaged_pages_is_said_to_be(make, tmp_path):
    path = parquet(tmp_path / "in.parquet", {"text": TEXTS, "desk": DESKS})
    content = bytearray(path.read_bytes())
    content[10:200] = b"\xff" * 190
    path.write_bytes(content)
    (line,) = told(make(path))
    assert line.startswith("no Parquet, or damaged, or cut off (") and line.endswith("; write the file anew")


def test_parquet_text_that_is_not_utf8_is_told_with_its_row(make, tmp_path):
    offsets = pa.py_buffer(b"".join(i.to_bytes(4, "little") for i in range(0, 3 * COUNT + 1, 3)))
    broken = pa.StringArray.from_buffers(COUNT, offsets, pa.py_buffer(b"ab\xff" + b"abc" * (COUNT - 1)))
    assert told(make(parquet(tmp_path / "in.parquet", {"text": broken, "desk": DESKS}))) == [
        "row 1: column 'text' is not UTF-8; mend the cell, or drop the row",
    ]


def test_a_parquet_file_without_rows_and_one_with_a_column_twice(make, tmp_path):
    path = parquet(tmp_path / "in.parquet", {"text": pa.array([], pa.string()), "desk": pa.array([], pa.string())})
    with pytest.raises(DataError, match=r"in\.parquet: has no rows"):
        make(path).splits()
    pyarrow.parquet.write_table(pa.table([TEXTS, DESKS, DESKS], names=["text", "desk", "desk"]), path)
    assert told(make(path)) == ["two columns are called 'desk'; rename one"]


def test_a_column_may_be_called_like_one_of_ours_or_like_a_path(make, tmp_path):
    path = parquet(tmp_path / "in.parquet", {"line": TEXTS, "desk.name": DESKS, "#line": DESKS, "0": DESKS})
    for label in ("desk.name", "#line", "0"):
        assert read(make(path, **{"table.columns": ["line"], "table.label": label})) == {"post": 20, "till": 20}


def test_whole_numbers_stay_whole_whatever_they_are_stored_as(make, tmp_path):
    numbers = [float(i % 2) if i % 4 else None for i in range(COUNT)]
    expected = Counter({"0": 10, "1": 20, None: 10})
    assert read(make(parquet(tmp_path / "a.parquet", {"text": TEXTS, "desk": numbers}))) == expected
    single = pa.array(numbers, pa.float32())
    assert read(make(parquet(tmp_path / "b.parquet", {"text": TEXTS, "desk": single}))) == expected
    mixed = [number if number is None or i % 3 else int(number) for i, number in enumerate(numbers)]
    rows = [{"text": text, "desk": number} for text, number in zip(TEXTS, mixed, strict=True)]
    assert read(make(lines(tmp_path / "c.jsonl", rows))) == expected
    cells = ["" if number is None else str(number) for number in numbers]
    (tmp_path / "d.csv").write_text("text,desk\n" + "".join(f"{a},{b}\n" for a, b in zip(TEXTS, cells, strict=True)))
    task = make(tmp_path / "d.csv")
    assert read(task) == expected
    assert "labels that are written as 1.0 and read as 1: 30" in task.notices


def test_small_floats_are_written_as_they_look(make, tmp_path):
    values = pa.array([0.1 + i / 2 for i in range(COUNT)], pa.float32())
    path = parquet(tmp_path / "a.parquet", {"text": TEXTS, "desk": DESKS, "price": values})
    splits = make(path, **{"table.columns": ["text", "price"]}).splits()
    assert {row.fields["price"] for part in splits.values() for row in part} >= {"0.1", "1.6", "19.6"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('{"text": 1e400, "desk": "post"}', "column 'text' holds infinity or a number that is too large"),
        ('{"text": Infinity, "desk": "post"}', "column 'text' holds infinity or a number that is too large"),
        ('{"text": ' + "9" * 5000 + ', "desk": "post"}', "a number of more digits than can be read"),
        ('{"text": ' + "[" * 300 + "]" * 300 + ', "desk": "post"}', "nested deeper than 100 levels"),
        ('{"text": ' + "[" * 99_999 + "]" * 99_999 + ', "desk": "post"}', "nested deeper than 100 levels"),
        ('{"text": "a", "desk": "post", "text": "b"}', "the key 'text' is there twice"),
        ('{"text": {"a": 1, "a": 2}, "desk": "post"}', "the key 'a' is there twice"),
        ('{"text": "\\udc00", "desk": "post"}', "field 'text' has half of a surrogate pair"),
        ('{"text": "a\\u0000b", "desk": "post"}', "column 'text' holds a NUL character"),
        ('{"text": "a", "desk": ["post"]}', "the label '[\"post\"]' is a list or an object"),
        ('{"text": "a", "desk": "po\\nst"}', "the label 'po\\nst' holds a line break, a tab or another control"),
        ('"text"', "a str and no object"),
        ("{", "not JSON"),
    ],
)
def test_a_json_line_that_cannot_be_taken_is_named(make, tmp_path, value, message):
    rows = [{"text": text, "desk": desk} for text, desk in zip(TEXTS, DESKS, strict=True)]
    path = lines(tmp_path / "in.jsonl", rows)
    path.write_text(path.read_text() + value + "\n")
    (line,) = told(make(path))
    assert line.startswith(f"line 41: {message}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            'text,desk\na,post\n"b,till\nc,post\n',
            "line 3: not CSV (unexpected end of data); mend the quotes of this row",
        ),
        ('text,desk\n"a" b,post\n', "line 2: not CSV (',' expected after '\"'); mend the quotes of this row"),
        ('"text,desk\na,post\n', "line 1: not CSV (unexpected end of data); mend the quotes of this row"),
        ("text,desk\na\0b,post\n", "line 2: column 'text' holds a NUL character; take it out, or save the file as"),
        ("te\0xt,desk\na,post\n", "the column names are not UTF-8; save the file as UTF-8"),
        ('"te\nxt",desk\na,post\n', "no column 'text' (there are: 'te\\nxt', desk); correct task.table"),
        ("text,desk,desk\na,post,post\n", "two columns are called 'desk'; rename one"),
        ("", "the file is empty; put rows into it"),
        ("\n\n", "no column 'text' (there are: none); correct task.table, or task.table.delimiter"),
    ],
)
def test_a_csv_that_cannot_be_taken_is_named(make, tmp_path, content, message):
    (tmp_path / "in.csv").write_text(content)
    assert told(make(tmp_path / "in.csv"))[0].startswith(message)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.csv", gzip.compress(b"text,desk\n", mtime=0), "the file is compressed; unpack it first"),
        ("in.jsonl", b"PK\x03\x04...", "the file is a ZIP archive or an Excel file; unpack it first"),
        ("in.tsv", b"PAR1...", "the file is Parquet; let its name end with .parquet"),
        ("in.csv", b"version https://git-lfs.github.com/spec/v1\n", "the file is a pointer of Git LFS"),
        ("in.jsonl", b"SQLite format 3\0", "the file is a database and no text"),
        ("in.parquet", b"text,desk\na,post\n", "no Parquet, or damaged, or cut off ("),
    ],
)
def test_a_file_of_another_kind_is_told_by_how_it_begins(make, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    (line,) = told(make(tmp_path / name))
    assert line.startswith(message)


def test_paths_that_are_no_table(make, tmp_path):
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(b"text,desk\n"))
    for path, message in (
        (folder, r"the folder .*folder\.csv: has no train part \(there are: none\)"),
        (loop, "no such file or folder"),
        (tmp_path / "pipe.csv", "no such file or folder"),
        (Path("~nobody-of-this-name/in.csv"), "no such file or folder"),
        (tmp_path / ("a" * 300 + ".csv"), "no such file or folder|cannot be read"),
        (tmp_path / "in.csv.gz", r"in\.csv\.gz: is compressed; unpack it first"),
    ):
        with pytest.raises(DataError, match=message):
            make(path).splits()
    (folder / "train.csv").mkdir()
    with pytest.raises(DataError, match=r"train\.csv: is no file; put a \.csv.* file there"):
        make(folder).splits()
    (folder / "train.jsonl").write_text("{}")
    with pytest.raises(DataError, match=r"folder\.csv: has train\.csv and train\.jsonl; keep one of them"):
        make(folder).splits()


@pytest.mark.parametrize(
    "column",
    [
        pa.array([datetime(2020, 1, 1) + timedelta(days=i) for i in range(COUNT)]),
        pa.array([date(2020, 1, 1) + timedelta(days=i * 17) for i in range(COUNT)]),
        pa.array([1577836800_123456789 + i * 86400 * 10**9 for i in range(COUNT)], pa.timestamp("ns")),
        pa.array([Decimal(f"{i * 371 + 10}.50") for i in range(COUNT)]),
    ],
)
def test_inputs_of_digits_alone_are_told_apart_by_them(make, tmp_path, column):
    task = make(parquet(tmp_path / "in.parquet", {"text": column, "desk": DESKS}), **{"table.similarity": 0.95})
    splits = task.splits()
    survey(splits, task, 128)
    assert (len(splits["test"]), len(splits["validation"])) == (8, 4)
    assert any(note.startswith("inputs that differ in their digits alone were not taken for") for note in task.notices)


def test_inputs_that_are_all_alike_say_so_and_not_that_a_split_is_empty(make, tmp_path):
    rows = [{"text": f"the very same text every time {i}", "desk": desk} for i, desk in enumerate(DESKS)]
    with pytest.raises(DataError, match="8 rows were to be cut and none could be: nearly all inputs are near-dupl"):
        make(lines(tmp_path / "in.jsonl", rows)).splits()
    rows = [{"text": "the same", "desk": desk} for desk in DESKS]
    with pytest.raises(DataError, match=r"1 rows have a label, .* Rows left out, as they repeat .* another: 39"):
        make(lines(tmp_path / "in.jsonl", rows)).splits()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.lists(st.sampled_from(['"', ",", "\n", "\r", "text", "desk", "a", "\0", "{", "}", ":", "[", "1e999", "é"]))
        .map("".join)
        .map(str.encode),
    ),
    style=st.sampled_from(["csv", "tsv", "jsonl", "parquet"]),
)
def test_any_bytes_are_rows_or_problems(tmp_path_factory, content, style):
    path = tmp_path_factory.mktemp("any") / f"in.{style}"
    path.write_bytes(content)
    problems = Problems("in")
    rows = list(table_rows(path, style, ["text", "desk"], ",", problems))
    assert all(isinstance(text, str | None) for _, cells in rows for text in cells.values())
    assert all("".join(problems.lines()).encode() for _ in [0])
    try:
        column_names(path, style, ",")
    except DataError as error:
        assert str(error).startswith(str(path))


def test_a_parquet_file_with_any_byte_changed_is_rows_or_problems(tmp_path):
    path = parquet(tmp_path / "in.parquet", {"text": TEXTS[:4], "desk": DESKS[:4]})
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :])
        problems = Problems("in")
        rows = list(table_rows(path, "parquet", ["text", "desk"], ",", problems))
        assert problems or len(rows) == 4
