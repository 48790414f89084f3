import io
import itertools
import json
import sys
import weakref
from types import SimpleNamespace

import pyarrow
import pyarrow.parquet
import pytest
from toy_student import RUNTIME, examples

import predict
from distill.errors import DataError
from distill.settings import load_settings
from distill.student.answering import BATCHES_TOGETHER, read_inputs, student_answers
from distill.student.predicting import Student
from house import ROOT

PRACTICE = load_settings(ROOT / "params.yaml").task


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_text_is_an_input_a_line(monkeypatch, tmp_path):
    path = write(tmp_path, "rows.txt", "a fork on the bed\n\n  a cup on the roof \n")
    rows = list(read_inputs(path, None, PRACTICE))
    assert [(row.id, row.input) for row in rows] == [("1", "a fork on the bed"), ("3", "a cup on the roof")]
    monkeypatch.setattr(sys, "stdin", io.StringIO("a fork on the bed\n"))
    assert [row.input for row in read_inputs(None, None, PRACTICE)] == ["a fork on the bed"]


def test_jsonl_and_csv_have_columns(tmp_path):
    jsonl = write(
        tmp_path,
        "rows.jsonl",
        '{"id": "x", "input": "a fork", "choices": ["sink", "shed"], "label": "sink"}\n{"input": "a cup"}\n',
    )
    csv = write(tmp_path, "rows.csv", '\ufeffid,input,choices\nx,a fork,sink | shed\n,"a cup, a big one",\n')
    one, two = list(read_inputs(jsonl, None, PRACTICE)), list(read_inputs(csv, None, PRACTICE))
    assert [(row.id, row.input, row.choices) for row in one] == [("x", "a fork", ("sink", "shed")), ("2", "a cup", ())]
    assert [(row.id, row.input, row.choices) for row in two] == [
        ("x", "a fork", ("sink", "shed")),
        ("3", "a cup, a big one", ()),
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", '{"input": "a"}\n{"input": \n', r"a\.jsonl cannot be used as it is:\n  - line 2: not JSON"),
        ("a.jsonl", "[1]\n", r"a\.jsonl: has the columns none; it needs `input`"),
        ("a.jsonl", '{"question": "a"}\n', r"a\.jsonl: has the columns question; it needs `input`"),
        ("a.jsonl", '{"input": " "}\n', r"a\.jsonl:1: no text in `input`"),
        ("a.csv", "id,text\n1,a\n", r"a\.csv: has the columns id, text; it needs `input`"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, name, text, message):
    with pytest.raises(DataError, match=message):
        list(read_inputs(write(tmp_path, name, text), None, PRACTICE))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: no such file"):
        list(read_inputs(tmp_path / "none.csv", None, PRACTICE))


def test_answers_come_in_order_in_chunks_and_with_rationales(toys):
    student = Student.load(toys("decoder").folder, RUNTIME)
    rows = examples()
    plain = student.label(rows)
    student.rows_per_batch = 2
    found = list(student_answers(student, iter(rows), explain=False))
    assert [one["id"] for one in found] == [row.id for row in rows]
    assert [one["label"] for one in found] == [label for label, _ in plain]
    assert set(found[0]) == {"id", "label", "probability"}
    explained = next(student_answers(student, iter(rows), explain=True))
    assert explained["rationale"] == rows[0].rationale


def test_of_a_long_file_no_more_is_held_than_some_batches(toys):
    """Rows are read as answers are taken, and let go of when they were given."""
    student = Student.load(toys("decoder").folder, RUNTIME)
    student.rows_per_batch = 4
    read, alive = [], weakref.WeakSet()

    class Row(SimpleNamespace):
        __hash__ = object.__hash__

    def rows():
        for number in itertools.count():
            read.append(number)
            alive.add(row := Row(id=str(number), input="a fork on the bed", choices=()))
            yield row

    held = BATCHES_TOGETHER * student.rows_per_batch
    found = student_answers(student, rows(), explain=False)
    for number in range(5 * held + 1):
        assert next(found)["id"] == str(number)
        assert len(read) == held * (1 + number // held)
        assert len(alive) <= 2 * held


def test_the_front_door(toys, tmp_path, pytestconfig, monkeypatch, capsys):
    monkeypatch.chdir(pytestconfig.rootpath)
    path = write(tmp_path, "rows.csv", "id,input\nx,a fork on the roof\ny,a rake on the bed\n")
    monkeypatch.setattr(sys, "argv", ["predict.py", "--model", str(toys("decoder").folder), str(path), "--explain"])
    predict.main()
    one, two = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (one["id"], one["label"], two["id"], two["label"]) == ("x", "sink", "y", "shed")
    assert one["rationale"] == "it is made of iron so it goes to the sink"


@pytest.fixture
def table(make_settings):
    def make(**changes):
        own = {"task.name": "table", "task.table.description": "Decide.", "task.table.columns": ["subject", "body"]}
        return make_settings(**own | {f"task.table.{key}": value for key, value in changes.items()}).task

    return make


ROWS = [
    {"nr": "7", "subject": "Kettle", "body": "It leaks.", "desk": "post"},
    {"nr": "8", "subject": "", "body": "", "desk": ""},
]


def test_the_file_that_the_task_was_made_of_is_read_as_the_task_reads_it(table, tmp_path):
    task = table(id="nr", label="desk")
    text = "nr,subject,body,desk\n7,Kettle,It leaks.,post\n8,,,\n"
    csv, tsv = write(tmp_path, "a.csv", text), write(tmp_path, "a.tsv", text.replace(",", "\t"))
    jsonl = write(tmp_path, "a.jsonl", "".join(json.dumps(row) + "\n" for row in ROWS))
    parquet = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), parquet)
    for path in (csv, tsv, jsonl, parquet):
        assert [(row.id, row.input) for row in read_inputs(path, None, task)] == [
            ("7", "Subject: Kettle\nBody: It leaks.")
        ]
    bare = write(tmp_path, "b.csv", "body,subject\nIt leaks.,Kettle\n")
    assert [(row.id, row.input) for row in read_inputs(bare, None, task)] == [("2", "Subject: Kettle\nBody: It leaks.")]


def test_text_is_refused_for_a_task_of_several_columns(table, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("It leaks.\n"))
    with pytest.raises(
        DataError, match="text has one input a line, and the task's input is made of subject, body: give a"
    ):
        list(read_inputs(None, None, table()))
    with pytest.raises(
        DataError, match=r"a\.csv: has the columns text; it needs the task's columns \(subject, body\), or `input`"
    ):
        list(read_inputs(write(tmp_path, "a.csv", "text\na\n"), None, table()))


def test_a_rows_own_choices_are_read_as_the_task_reads_them(table, tmp_path):
    task = table(kind="choices", columns=["question"], choices=["options"])
    path = write(tmp_path, "a.csv", "question,options\nWhere?,sink | shed\n")
    (row,) = read_inputs(path, None, task)
    assert row.choices == ("sink", "shed") and row.input.startswith("Where?")
    with pytest.raises(DataError, match=r"a\.csv:2: 1 answers to choose from; give two or more in options"):
        list(read_inputs(write(tmp_path, "a.csv", "question,options\nWhere?,sink\n"), None, task))


def test_context_is_a_part_of_the_input(table, tmp_path):
    path = write(tmp_path, "a.csv", "subject,body\nKettle,It leaks.\n")
    with pytest.raises(DataError, match=r"it needs the task's columns \(subject, body, article\), or `input`"):
        list(read_inputs(path, None, table(context="article")))


@pytest.mark.parametrize("name", ["a.CSV", "a.txt", None])
def test_the_format_is_the_endings_or_the_one_that_is_named(table, tmp_path, monkeypatch, name):
    path = write(tmp_path, name or "piped", "subject,body\nKettle,It leaks.\n")
    style = None if name == "a.CSV" else "csv"
    with open(path, encoding="utf-8") as piped:
        monkeypatch.setattr(sys, "stdin", piped)
        rows = list(read_inputs(path if name else None, style, table()))
    assert [row.input for row in rows] == ["Subject: Kettle\nBody: It leaks."]


def test_another_delimiter_than_the_tasks_is_named(table, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("subject,body\nKettle,It leaks.\n")
    with pytest.raises(DataError, match="has one column, 'subject,body': its cells seem to be separated by ','"):
        list(read_inputs(path, None, table(delimiter=";")))
