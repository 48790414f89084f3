from __future__ import annotations

import gzip
import json
import sqlite3

import pytest
from fake_endpoint import completion, error, question

from distill.errors import DataError
from distill.teacher import open_teacher
from distill.teacher.inventory import store_report
from distill.teacher.store import Store, StoreError
from distill.teacher.transfer import Exported, Imported, export_answers, import_answers, verify


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
        assert export_answers(store, tmp_path / "a.jsonl") == Exported(40, 0)
        assert import_answers(store, tmp_path / "a.jsonl") == Imported(0, 40, True)
    *lines, last = (tmp_path / "a.jsonl").read_text().splitlines()
    keys = [json.loads(line)["key"] for line in lines]
    assert json.loads(last) == {"answers": 40}
    assert len(keys) == 40 and keys == sorted(keys)
    with Store(tmp_path / "other.sqlite") as other:
        assert import_answers(other, tmp_path / "a.jsonl") == Imported(40, 0, True)
        export_answers(other, tmp_path / "b.jsonl")
        assert verify(other) == []
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_a_colleague_pays_nothing_for_imported_answers(filled, endpoint, settings, tmp_path, monkeypatch):
    with Store(filled) as store:
        export_answers(store, tmp_path / "a.jsonl")
    monkeypatch.setenv("DISTILL_STORE", str(tmp_path / "theirs.sqlite"))
    with Store(tmp_path / "theirs.sqlite") as theirs:
        import_answers(theirs, tmp_path / "a.jsonl")
    before = endpoint.total
    with open_teacher(settings(), "annotate") as teacher:
        replies = list(teacher.ask([question(str(number)) for number in range(40)]))
    assert endpoint.total == before and all(reply.from_store for reply in replies) and teacher.bill.paid.calls == 0


@pytest.mark.parametrize(
    "change, said",
    [
        ({"request": "{}"}, "the key does not belong to this request"),
        ({"endpoint": "http://elsewhere/v1"}, "the key does not belong to this request"),
        ({"body": "{"}, "the body holds no answer"),
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
            import_answers(store, path)
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


def test_what_a_damaged_store_still_holds_can_be_exported_and_taken_up(
    filled, endpoint, settings, tmp_path, monkeypatch
):
    with open_teacher(settings(), "annotate") as teacher:
        list(teacher.ask([question(str(number) * 300) for number in range(100, 300)]))
    db = sqlite3.connect(filled)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute("PRAGMA journal_mode = DELETE")
    size = db.execute("PRAGMA page_size").fetchone()[0]
    [(key,)] = db.execute("SELECT key FROM answers WHERE rowid = 120")
    db.close()
    content = filled.read_bytes()
    pages = [content[at : at + size] for at in range(0, len(content), size)]
    [damaged] = [
        number for number, page in enumerate(pages) if key in page and b"fp-1" in page
    ]  # the row's, not the index's
    filled.write_bytes(b"".join(b"\xff" * size if number == damaged else page for number, page in enumerate(pages)))
    with Store(filled, read_only=True) as store:
        assert verify(store)
        done = export_answers(store, tmp_path / "rescued.jsonl")
    assert done.unreadable > 0 and done.answers + done.unreadable == 240
    with Store(tmp_path / "new.sqlite") as store:
        assert import_answers(store, tmp_path / "rescued.jsonl").added == done.answers
        assert verify(store) == []


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
    with Store(tmp_path / "other.sqlite") as other:
        assert import_answers(other, tmp_path / "end.jsonl") == Imported(30, 0, False)
        with pytest.raises(DataError, match=r"has 38 answers, and its last line says 40: .* 38 answers"):
            import_answers(other, tmp_path / "middle.jsonl")
        with pytest.raises(DataError, match=r"line\.jsonl:11: not JSON .* import the whole file again"):
            import_answers(other, tmp_path / "line.jsonl")
        with pytest.raises(DataError, match=r"two\.jsonl:42: stands behind the line that ends an export"):
            import_answers(other, tmp_path / "two.jsonl")
        assert import_answers(other, tmp_path / "a.jsonl").counted and len(other) == 40


def test_a_database_and_a_packed_file_are_no_exports(filled, tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"{}"))
    with Store(tmp_path / "other.sqlite") as other:
        with pytest.raises(DataError, match="is a database and no text; export a response store"):
            import_answers(other, filled)
        with pytest.raises(DataError, match="is compressed; unpack it first"):
            import_answers(other, tmp_path / "a.jsonl.gz")
        with pytest.raises(DataError, match=r"none\.jsonl: no such file\. 0 answers"):
            import_answers(other, tmp_path / "none.jsonl")
