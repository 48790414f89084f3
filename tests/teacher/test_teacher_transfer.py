from __future__ import annotations

import gzip
import json
import sqlite3
import sys

import pytest
from fake_endpoint import completion, error, question

from distill.errors import DataError
from distill.teacher import open_teacher
from distill.teacher.exported import checked_export
from distill.teacher.inventory import forget_failures, store_report
from distill.teacher.store import Store, StoreError
from distill.teacher.transfer import Imported, export_answers, import_answers, verify


@pytest.fixture
def filled(endpoint, settings, store_path):
    """Forty answers, one of them cut, one estimated, one filtered by an error, one too long, one empty."""
    special = {
        "0": completion("cut", "length"), "1": completion("é", usage=False), "2": error(400, "content_filter"),
        "3": error(400, "context_length_exceeded"), "4": completion(None),
    }  # fmt: skip
    endpoint.answer = lambda body, times: special.get(body["messages"][0]["content"], completion())
    with open_teacher(settings(), "annotate") as teacher:
        list(teacher.ask([question(str(number)) for number in range(40)]))
    return store_path


def test_an_export_is_sorted_and_imports_to_the_same_export(filled, tmp_path):
    with Store(filled) as store:
        assert export_answers(store, tmp_path / "a.jsonl") == 40
        assert import_answers(store, checked_export(tmp_path / "a.jsonl")) == Imported(0, 40, 0)
    *lines, last = (tmp_path / "a.jsonl").read_text().splitlines()
    keys = [json.loads(line)["key"] for line in lines]
    assert json.loads(last) == {"answers": 40}
    assert len(keys) == 40 and keys == sorted(keys)
    with Store(tmp_path / "other.sqlite") as other:
        assert import_answers(other, checked_export(tmp_path / "a.jsonl")) == Imported(40, 0, 0)
        export_answers(other, tmp_path / "b.jsonl")
        assert verify(other) == []
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_a_colleague_pays_nothing_for_imported_answers(filled, endpoint, settings, tmp_path, monkeypatch):
    with Store(filled) as store:
        export_answers(store, tmp_path / "a.jsonl")
    monkeypatch.setenv("DISTILL_STORE", str(tmp_path / "theirs.sqlite"))
    with Store(tmp_path / "theirs.sqlite") as theirs:
        import_answers(theirs, checked_export(tmp_path / "a.jsonl"))
    before = endpoint.total
    with open_teacher(settings(), "annotate") as teacher:
        replies = list(teacher.ask([question(str(number)) for number in range(40)]))
    assert endpoint.total == before and all(reply.from_store for reply in replies) and teacher.bill.paid.calls == 0


@pytest.mark.parametrize(
    "change, said",
    [
        ({"request": "{}"}, "field 'key': the key does not belong to this request"),
        ({"endpoint": "http://elsewhere/v1"}, "field 'key': the key does not belong to this request"),
        ({"body": "{"}, "field 'body': the body holds no answer"),
        ({"body": ""}, "field 'body': the body holds no answer"),
        ({"extra": 1}, "not an exported answer (fields extra)"),
    ],
)
def test_a_changed_line_is_refused_by_name(filled, tmp_path, change, said):
    path = tmp_path / "a.jsonl"
    with Store(filled) as store:
        export_answers(store, path)
        lines = path.read_text().splitlines()
        # Keys hold the endpoint's port, so where a row stands differs from run to run: take a finished answer.
        at = next(number for number, line in enumerate(lines) if not json.loads(line)["failure"])
        lines[at] = json.dumps({**json.loads(lines[at]), **change})
        path.write_text("\n".join(lines))
        with pytest.raises(DataError) as raised:
            import_answers(store, checked_export(path))
    assert f"{path}:{at + 1}: {said}" in str(raised.value)


def test_verify_finds_nothing_in_a_sound_store(filled):
    with Store(filled) as store:
        assert verify(store) == []


@pytest.mark.parametrize(
    "damage, said",
    [
        ("UPDATE answers SET text = 'no' WHERE rowid = 5", "text, model or usage differ from the body"),
        ("UPDATE answers SET endpoint = 'http://elsewhere' WHERE rowid = 5", "the key does not belong to the request"),
        ("UPDATE answers SET body = substr(body, 1, 20) WHERE rowid = 5", "incomplete or truncated stream"),
    ],
)
def test_verify_names_what_was_changed(filled, damage, said):
    db = sqlite3.connect(filled)
    db.execute(damage)
    db.commit()
    db.close()
    with Store(filled) as store:
        [problem] = verify(store)
    assert problem.startswith("answer ") and said in problem


def test_the_stage_notices_a_damaged_store(endpoint, settings, store_path):
    store_path.write_bytes(b"damaged " * 1000)
    with pytest.raises(StoreError, match="is damaged"), open_teacher(settings(), "annotate"):
        pass
    assert endpoint.total == 0


def test_statistics_say_what_is_there_and_what_was_paid(filled):
    with Store(filled) as store:
        said = store_report(store)
    assert "40 answers" in said and "3 without an answer, 1 cut" in said
    # 38 reported answers of $0.000018, one estimated (5 tokens in, 1 out), one that a filter kept back
    assert "annotate, fake: 41 calls, 385 tokens in, 191 out, $0.0007" in said


def test_a_cut_export_is_told_from_a_whole_one(filled, tmp_path):
    with Store(filled) as store:
        export_answers(store, tmp_path / "a.jsonl")
    lines = (tmp_path / "a.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "end.jsonl").write_text("".join(lines[:30]))
    (tmp_path / "middle.jsonl").write_text("".join(lines[:10] + lines[12:]))
    (tmp_path / "line.jsonl").write_text("".join(lines[:10]) + lines[10][:100])
    (tmp_path / "two.jsonl").write_text("".join(lines * 2))
    for name, message in (
        ("middle", r"middle\.jsonl: has 38 answers, and its last line says 40: some were cut out"),
        ("line", r"line\.jsonl:11: not JSON"),
        ("two", r"two\.jsonl:42: stands behind the line that ends an export; import one file at a time"),
    ):
        with pytest.raises(DataError, match=message):
            checked_export(tmp_path / f"{name}.jsonl")
    end = checked_export(tmp_path / "end.jsonl")
    assert (end.answers, end.counted) == (30, False) and checked_export(tmp_path / "a.jsonl").counted
    with Store(tmp_path / "other.sqlite") as other:
        assert import_answers(other, end) == Imported(30, 0, 0)
        assert import_answers(other, checked_export(tmp_path / "a.jsonl")) == Imported(10, 30, 0)


FIELDS = {
    "sample": ["0", -1, 1.0, None, True, 10**40, [1]],
    "attempts": [None, "1", -1, 10**13, 1.5],
    "asked_at": ["x", None, 10**40, -1, True, 1.7e12, float("inf"), float("nan")],
    "answered_at": [float("inf"), float("-inf"), {}],
    "tokens_in": [-5, "lots", 2**63, 1.5, False],
    "tokens_cached": ["0"],
    "tokens_out": [[1]],
    "tokens_from": ["me", 1, [1]],
    "mode": [5, None, "LIVE", ["live"]],
    "purpose": [{"a": 1}, None],
    "model": [None, 3],
    "endpoint": [None, "", 3],
    "fingerprint": [[1], 0],
    "failure": [1, {}],
    "request": [None, "[]", "{", 5, "[" * 500, '{"a": 1, "a": 2}', "{}" * 2],
    "body": [None, 5, {}],
    "key": [None, 5, ""],
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_is_wrong_is_named_with_its_line_and_the_store_stays_as_it_is(filled, tmp_path, field):
    path = tmp_path / "a.jsonl"
    with Store(filled) as store:
        export_answers(store, path)
    lines = path.read_text().splitlines()
    for value in FIELDS[field]:
        path.write_text("\n".join([*lines[:2], json.dumps({**json.loads(lines[2]), field: value}), *lines[3:]]))
        with pytest.raises(DataError) as raised:
            checked_export(path)
        assert f"{path}:3: field {field!r} is " in str(raised.value) and "; it must be " in str(raised.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x", "not JSON"),
        ("[1]", "a list, not an object"),
        ("[" * 100_000, "nested deeper than 100 levels"),
        ('{"model": "\\ud800"}', "field 'model' has half of a surrogate pair"),
        ('{"model": "a", "model": "b"}', "the key 'model' is there twice"),
        ('{"sample": ' + "9" * 5000 + "}", "a number of more digits than can be read"),
        ('{"answers": "40"}', "field 'answers' is '40'; it must be a whole number"),
        ('{"answers": -1}', "field 'answers' is '-1'; it must be a whole number"),
        ('{"a\\nb": 1}', "not an exported answer (fields a b, "),
        ("{}", "not an exported answer (fields answered_at, "),
        ("\xff", "not UTF-8 (byte 0 of the line); save it as UTF-8"),
    ],
)
def test_a_line_that_is_no_answer_is_named(filled, tmp_path, line, said):
    path = tmp_path / "a.jsonl"
    with Store(filled) as store:
        export_answers(store, path)
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([*lines[:4], line.encode("latin-1"), *lines[5:]]))
    with pytest.raises(DataError) as raised:
        checked_export(path)
    assert str(raised.value).startswith(f"{path}:5: {said}") and "\n" not in str(raised.value)


def test_another_answer_to_the_same_request_is_counted_and_two_in_one_file_are_refused(filled, tmp_path):
    path = tmp_path / "a.jsonl"
    with Store(filled) as store:
        export_answers(store, path)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        at = next(number for number, line in enumerate(lines) if not line.get("failure"))
        lines[at]["body"] = json.dumps({**json.loads(lines[at]["body"]), "id": "another"})
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        before = store.select("SELECT * FROM answers")
        assert import_answers(store, checked_export(path)) == Imported(0, 40, 1)
        assert store.select("SELECT * FROM answers") == before
    path.write_text("".join(json.dumps(line) + "\n" for line in [*lines[:3], lines[1]]))
    with pytest.raises(DataError, match=r"a\.jsonl:4: answers the same request as line 2; leave one of them out"):
        checked_export(path)


def test_the_front_door_makes_no_store_for_a_file_that_is_refused(filled, tmp_path, monkeypatch, capsys):
    import store as front_door

    (tmp_path / "bad.jsonl").write_text("x")
    for name, message in (("bad.jsonl", "bad.jsonl:1: not JSON"), ("none.jsonl", "no such file"), (".", "cannot be")):
        arguments = ["store.py", "--store", str(tmp_path / "new.sqlite"), "import", str(tmp_path / name)]
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(DataError, match=message):
            front_door.main()
    assert not (tmp_path / "new.sqlite").exists()
    with Store(filled) as store:
        export_answers(store, tmp_path / "a.jsonl")
    monkeypatch.setattr(sys, "argv", [*arguments[:4], str(tmp_path / "a.jsonl")])
    assert front_door.main() == 0
    assert capsys.readouterr().out == "40 answers added, 0 were there already\n"


def test_a_database_and_a_packed_file_are_no_exports(filled, tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"{}"))
    with pytest.raises(DataError, match="is a database and no text; export a response store"):
        checked_export(filled)
    with pytest.raises(DataError, match="is compressed; unpack it first"):
        checked_export(tmp_path / "a.jsonl.gz")
    with pytest.raises(DataError, match=r"none\.jsonl: no such file"):
        checked_export(tmp_path / "none.jsonl")


def test_forgotten_failures_are_asked_again_and_stay_paid(filled, endpoint, settings):
    with Store(filled) as store:
        assert (forget_failures(store), forget_failures(store), len(store)) == (3, 0, 37)
        assert store.select("SELECT sum(calls) FROM payments") == [(41,)]
    asked = endpoint.total
    with open_teacher(settings(), "annotate") as teacher:
        list(teacher.ask([question(str(number)) for number in range(40)]))
    assert endpoint.total == asked + 4
