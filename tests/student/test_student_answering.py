import io
import itertools
import json
import sys
import weakref
from types import SimpleNamespace

import pytest
from toy_student import RUNTIME, examples

import predict
from distill.errors import DataError
from distill.student.answering import BATCHES, answers, read_inputs
from distill.student.predicting import Student


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_text_is_an_input_a_line(monkeypatch, tmp_path):
    path = write(tmp_path, "rows.txt", "a fork on the bed\n\n  a cup on the roof \n")
    rows = list(read_inputs(path, None))
    assert [(row.id, row.input) for row in rows] == [("1", "a fork on the bed"), ("3", "a cup on the roof")]
    monkeypatch.setattr(sys, "stdin", io.StringIO("a fork on the bed\n"))
    assert [row.input for row in read_inputs(None, None)] == ["a fork on the bed"]


def test_jsonl_and_csv_have_columns(tmp_path):
    jsonl = write(
        tmp_path,
        "rows.jsonl",
        '{"id": "x", "input": "a fork", "choices": ["sink", "shed"], "label": "sink"}\n{"input": "a cup"}\n',
    )
    csv = write(tmp_path, "rows.csv", '\ufeffid,input,choices\nx,a fork,sink | shed\n,"a cup, a big one",\n')
    one, two = list(read_inputs(jsonl, None)), list(read_inputs(csv, None))
    assert [(row.id, row.input, row.choices) for row in one] == [("x", "a fork", ("sink", "shed")), ("2", "a cup", ())]
    assert [(row.id, row.input, row.choices) for row in two] == [
        ("x", "a fork", ("sink", "shed")),
        ("3", "a cup, a big one", ()),
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", '{"input": "a"}\n{"input": \n', r"a\.jsonl:2: not JSON"),
        ("a.jsonl", "[1]\n", r"a\.jsonl:1: a list, not an object"),
        ("a.jsonl", '{"question": "a"}\n', r"a\.jsonl:1: no text in `input`; there is question"),
        ("a.jsonl", '{"input": "a", "choices": "sink"}\n', r"a\.jsonl:1: choices is \"sink\"; it must be a list"),
        ("a.csv", "id,text\n1,a\n", r"a\.csv:2: no text in `input`; there is id, text"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, name, text, message):
    with pytest.raises(DataError, match=message):
        list(read_inputs(write(tmp_path, name, text), None))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: no such file"):
        list(read_inputs(tmp_path / "none.csv", None))


def test_answers_come_in_order_in_chunks_and_with_rationales(toys):
    student = Student.load(toys("decoder").folder, RUNTIME)
    rows = examples()
    plain = student.label(rows)
    student.rows_per_batch = 2
    found = list(answers(student, iter(rows), explain=False))
    assert [one["id"] for one in found] == [row.id for row in rows]
    assert [one["label"] for one in found] == [label for label, _ in plain]
    assert set(found[0]) == {"id", "label", "probability"}
    explained = next(answers(student, iter(rows), explain=True))
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

    held = BATCHES * student.rows_per_batch
    found = answers(student, rows(), explain=False)
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
