"""A store is damaged in one way after another; what is left of it is what was in it, and what is lost is counted."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from distill.teacher import Usage
from distill.teacher.damage import StoreError
from distill.teacher.exported import checked_export
from distill.teacher.keys import request_key
from distill.teacher.rescue import losses, rescue_answers
from distill.teacher.store import Answer, Payment, Store, Stored
from distill.teacher.transfer import export_answers, import_answers, verify

ROOT = Path(__file__).parents[2]
ROWS = 60
PAGE = 4096


def answer(number: int) -> tuple[bytes, Answer]:
    """An answer with its key; every third goes on over several pages."""
    words = random.Random(number)
    long = "".join(words.choices("abcdefghijklmnopqrstuvwxyz ", k=12_000 if number % 3 == 0 else 200))
    request = json.dumps({"model": "m", "messages": [{"role": "user", "content": f"{number} {long}"}]}).encode()
    message = {"message": {"content": f"Answer {number}"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    body = json.dumps({"model": "m-1", "choices": [message], "usage": usage}).encode()
    stored = Stored(f"Answer {number}", "stop", None, "m-1", Usage(10, 0, 5, "reported", 0))
    times = 1000.0 + number, 1001.5 + number
    return request_key("http://e/v1", request, 0), Answer(
        stored, "http://e/v1", "m", 0, "explain", "fp", *times, 1, request, body
    )


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A store that was closed, one that was killed with all but its schema in the write-ahead log, and its export."""
    folder = tmp_path_factory.mktemp("sound")
    store = Store(folder / "s.sqlite")
    for first in range(0, ROWS, 10):
        paid = Payment("s", "e", False, "m", 10, 100, 0, 50, 1)
        store.save([answer(number) for number in range(first, first + 10)], [paid])
    export_answers(store, folder / "export.jsonl")
    (folder / "killed").mkdir()
    for name in ("s.sqlite", "s.sqlite-wal"):
        shutil.copy(folder / name, folder / "killed" / name)
    store.close()
    (folder / "closed").mkdir()
    shutil.copy(folder / "s.sqlite", folder / "closed" / "s.sqlite")
    return folder


@pytest.fixture
def damaged(sound, tmp_path):
    """damaged("closed", change): a copy of a sound store whose file, or log, `change` has gone over."""

    def make(kind: str, change=lambda content: content, name: str = "s.sqlite") -> Path:
        shutil.copytree(sound / kind, tmp_path / kind)
        file = tmp_path / kind / name
        file.write_bytes(change(file.read_bytes()))
        return tmp_path / kind / "s.sqlite"

    return make


def lines(path: Path) -> set[str]:
    return set(path.read_text().splitlines()[:-1])


def proven(path: Path) -> set[tuple[str, str, str]]:
    """What key, hash and checksum hold together; a time beside it may have a flipped bit that nobody sees."""
    return {tuple(json.loads(line)[name] for name in ("key", "request", "body")) for line in lines(path)}


def rows_of_page(store: Path, page: int) -> list[int]:
    with sqlite3.connect(store) as db:
        keys = db.execute("SELECT key, rowid FROM answers ORDER BY rowid").fetchall()
    db.close()
    content = store.read_bytes()[(page - 1) * PAGE : page * PAGE]
    return [row for key, row in keys if key in content]


def leaf_pages(store: Path) -> list[int]:
    content = store.read_bytes()
    return [
        number + 1
        for number in range(len(content) // PAGE)
        if content[number * PAGE] == 13 and b"http://e/v1" in content[number * PAGE : (number + 1) * PAGE]
    ]


@pytest.mark.parametrize("kind", ["closed", "killed"])
def test_all_of_a_sound_store_is_rescued_as_its_export_has_it(sound, damaged, tmp_path, kind):
    store = damaged(kind)
    before = {path.name: path.read_bytes() for path in store.parent.iterdir()}
    rescued = rescue_answers(store, tmp_path / "rescued.jsonl")
    assert (rescued.answers, rescued.whole, list(losses(rescued))) == (ROWS, True, [])
    assert (tmp_path / "rescued.jsonl").read_bytes() == (sound / "export.jsonl").read_bytes()
    assert before == {path.name: path.read_bytes() for path in store.parent.iterdir()}


def test_what_stood_on_a_page_that_is_gone_is_named_by_its_rows(sound, damaged, tmp_path):
    page = leaf_pages(sound / "closed" / "s.sqlite")[2]
    gone = rows_of_page(sound / "closed" / "s.sqlite", page)
    cut = slice((page - 1) * PAGE, page * PAGE)
    store = damaged("closed", lambda content: content[: cut.start] + b"\xff" * PAGE + content[cut.stop :])
    rescued = rescue_answers(store, tmp_path / "rescued.jsonl")
    assert rescued.lost == tuple(gone) and rescued.missing == () and gone
    assert rescued.answers == ROWS - len(gone) and lines(tmp_path / "rescued.jsonl") < lines(sound / "export.jsonl")
    assert next(losses(rescued)).startswith(f"lost: {len(gone)} answers, rows {gone[0]}")
    with Store(tmp_path / "new.sqlite") as new:
        assert import_answers(new, checked_export(tmp_path / "rescued.jsonl")).added == rescued.answers
        assert verify(new) == []


def test_the_rows_of_a_page_whose_own_head_is_wrong_are_all_found(sound, damaged, tmp_path):
    at = (leaf_pages(sound / "closed" / "s.sqlite")[1] - 1) * PAGE
    store = damaged("closed", lambda content: content[:at] + b"\x00" * 40 + content[at + 40 :])
    rescued = rescue_answers(store, tmp_path / "rescued.jsonl")
    assert (rescued.answers, rescued.lost) == (ROWS, ())
    assert lines(tmp_path / "rescued.jsonl") == lines(sound / "export.jsonl")


@pytest.mark.parametrize("size", [16, 100, PAGE])
def test_a_wrong_head_of_the_file_loses_nothing(sound, damaged, tmp_path, size):
    store = damaged("closed", lambda content: random.Random(1).randbytes(size) + content[size:])
    rescued = rescue_answers(store, tmp_path / "rescued.jsonl")
    assert (rescued.answers, rescued.lost) == (ROWS, ())
    assert lines(tmp_path / "rescued.jsonl") == lines(sound / "export.jsonl")
    with pytest.raises(StoreError, match=r"export --rescue rescued\.jsonl"):
        Store(store, read_only=True).select("SELECT count(*) FROM answers")


def test_half_a_file_says_how_much_is_not_there(sound, damaged, tmp_path):
    store = damaged("closed", lambda content: content[: len(content) // 2])
    rescued = rescue_answers(store, tmp_path / "rescued.jsonl")
    assert 10 < rescued.answers < ROWS and not rescued.whole and rescued.pages < rescued.stated_pages
    assert rescued.answers + len(rescued.lost) <= ROWS and lines(tmp_path / "rescued.jsonl") < lines(
        sound / "export.jsonl"
    )
    assert any("the file says that it has" in line for line in losses(rescued))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_flipped_bit_in_the_log_hides_no_later_commit(sound, damaged, tmp_path, share):
    """SQLite takes the commits before it, says nothing, and writes over the rest: no stage may open such a store."""

    def flip(log: bytes) -> bytes:
        at = int(share * len(log)) + 17
        return log[:at] + bytes([log[at] ^ 4]) + log[at + 1 :]

    store = damaged("killed", flip, "s.sqlite-wal")
    log = store.with_name("s.sqlite-wal").read_bytes()
    last_commit = share == 0.9  # as a power cut may leave it: not to be told from damage
    if not last_commit:
        for read_only in (True, False):
            with pytest.raises(StoreError, match=r"is damaged \((?:its|the head of its) write-ahead log.*--rescue"):
                Store(store, read_only=read_only)
    assert store.with_name("s.sqlite-wal").read_bytes() == log
    rescued = rescue_answers(store, tmp_path / "rescued.jsonl")
    assert rescued.answers >= ROWS - 1 and lines(tmp_path / "rescued.jsonl") <= lines(sound / "export.jsonl")
    assert rescued.answers == ROWS or len(rescued.lost) == 1


@pytest.mark.parametrize("left", [None, b""])
def test_a_log_whose_file_is_gone_is_not_deleted(sound, damaged, tmp_path, left):
    """SQLite begins anew in such a place, and deletes the log."""
    store = damaged("killed", lambda content: b"")
    store.unlink()
    if left is not None:
        store.write_bytes(left)
    for read_only in (True, False):
        with pytest.raises(StoreError, match=r"the file is gone or empty, and its write-ahead log is not.*--rescue"):
            Store(store, read_only=read_only)
    assert rescue_answers(store, tmp_path / "rescued.jsonl").answers == ROWS
    assert lines(tmp_path / "rescued.jsonl") == lines(sound / "export.jsonl")


def test_a_log_that_a_killed_process_left_half_written_is_no_damage(damaged):
    store = damaged("killed", lambda log: log[:-1000], "s.sqlite-wal")
    with Store(store) as opened:
        assert len(opened) == ROWS - 10  # the last commit was not whole


def test_a_field_beside_an_answer_that_cannot_be_read_is_left_empty_and_counted(sound, damaged, tmp_path):
    store = damaged("closed")
    with sqlite3.connect(store) as db:
        db.execute("UPDATE answers SET mode = 'libe', asked_at = x'00', model = 'n', purpose = 7 WHERE rowid = 5")
    db.close()
    rescued = rescue_answers(store, tmp_path / "rescued.jsonl")
    assert (rescued.answers, rescued.mended, rescued.whole) == (ROWS, 1, False)
    [line] = lines(tmp_path / "rescued.jsonl") - lines(sound / "export.jsonl")
    line = json.loads(line)
    assert (line["mode"], line["asked_at"], line["model"], line["answered_at"]) == ("live", 0.0, "m", 1005.5)
    assert checked_export(tmp_path / "rescued.jsonl").answers == ROWS


@pytest.mark.parametrize("column", ["request", "body", "endpoint", "key"])
def test_an_answer_that_does_not_prove_itself_is_lost(damaged, tmp_path, column):
    store = damaged("closed")
    with sqlite3.connect(store) as db:
        [(value,)] = db.execute(f"SELECT {column} FROM answers WHERE rowid = 7")
        changed = value[:20] + (b"\x00" if isinstance(value, bytes) else "") + value[21:]
        db.execute(f"UPDATE answers SET {column} = ? WHERE rowid = 7", (changed if column != "endpoint" else "other",))
    db.close()
    rescued = rescue_answers(store, tmp_path / "rescued.jsonl")
    assert (rescued.answers, rescued.lost) == (ROWS - 1, (7,))


def test_forgotten_answers_do_not_come_back_and_are_no_loss(damaged, tmp_path):
    store = damaged("closed")
    with Store(store) as opened, opened.writing() as db:
        db.execute("DELETE FROM answers WHERE rowid BETWEEN 20 AND 45")
    rescued = rescue_answers(store, tmp_path / "rescued.jsonl")
    assert (rescued.answers, rescued.whole) == (ROWS - 26, True)


OTHERS = {
    "empty": b"",
    "text": b"no database at all\n" * 400,
    "noise": random.Random(3).randbytes(50_000),
    "archive": b"PK\x03\x04" + bytes(9000),
    "head alone": b"SQLite format 3\0",
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_store_gets_one_line(tmp_path, name):
    (tmp_path / "x").write_bytes(OTHERS[name])
    with pytest.raises(StoreError) as raised:
        rescue_answers(tmp_path / "x", tmp_path / "rescued.jsonl")
    assert str(tmp_path / "x") in str(raised.value) and "\n" not in str(raised.value)
    assert not (tmp_path / "rescued.jsonl").exists()


def test_no_file_a_folder_and_another_database_get_one_line(tmp_path):
    with sqlite3.connect(tmp_path / "other.sqlite") as db:
        db.execute("CREATE TABLE people (name TEXT)")
    db.close()
    before = (tmp_path / "other.sqlite").read_bytes()
    for name, words in (("none", "no response store there"), (".", "cannot be rescued"), ("other.sqlite", "nothing")):
        with pytest.raises(StoreError, match=words):
            rescue_answers(tmp_path / name, tmp_path / "rescued.jsonl")
    for read_only in (True, False):  # nothing is written into it
        with pytest.raises(StoreError, match="without the tables of a response store"):
            Store(tmp_path / "other.sqlite", read_only=read_only)
    assert (tmp_path / "other.sqlite").read_bytes() == before


def test_a_plain_export_of_a_damaged_store_writes_nothing_and_names_the_rescue(damaged, tmp_path):
    store = damaged("closed")
    with sqlite3.connect(store) as db:
        db.execute("UPDATE answers SET body = ? WHERE rowid = 9", (zlib.compress(b"x" * 90)[:-3],))
    db.close()
    with Store(store, read_only=True) as opened, pytest.raises(StoreError, match=r"export --rescue rescued\.jsonl"):
        export_answers(opened, tmp_path / "export.jsonl")
    assert not (tmp_path / "export.jsonl").exists()


def test_a_column_that_damage_made_another_type_is_no_answer(damaged):
    store = damaged("closed")
    with sqlite3.connect(store) as db:
        db.execute("UPDATE answers SET tokens_in = 'many' WHERE rowid = 3")
        [(key,)] = db.execute("SELECT key FROM answers WHERE rowid = 3")
    db.close()
    with Store(store) as opened, pytest.raises(StoreError, match=r"has a column of another type.*--rescue"):
        opened.lookup([key])


def test_the_front_door_says_what_was_lost_by_its_exit_code(sound, damaged, tmp_path):
    def rescue(store: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "stages/store.py", "--store", store, "export", "--rescue", tmp_path / "r.jsonl"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    whole = rescue(sound / "closed" / "s.sqlite")
    assert (whole.returncode, whole.stdout) == (0, f"60 answers written to {tmp_path / 'r.jsonl'}\n")
    half = rescue(damaged("closed", lambda content: content[: len(content) // 2]))
    assert half.returncode == 1 and "the file says that it has" in half.stdout and half.stderr == ""
    none = rescue(tmp_path / "none")
    assert none.returncode == 1 and none.stderr.count("\n") == 1 and "no response store there" in none.stderr


def test_any_damage_at_all_ends_in_rows_or_in_one_line(sound, damaged, tmp_path):
    whole, chance = proven(sound / "export.jsonl"), random.Random(11)
    for turn in range(12):
        kind = chance.choice(["closed", "killed"])
        name = "s.sqlite-wal" if kind == "killed" and turn % 2 else "s.sqlite"

        def scatter(content: bytes) -> bytes:
            changed = bytearray(content)
            for _ in range(chance.choice([1, 30, 300])):
                changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
            return bytes(changed)

        store = damaged(kind, scatter, name)
        rescued = rescue_answers(store, tmp_path / "rescued.jsonl")
        assert proven(tmp_path / "rescued.jsonl") <= whole and (rescued.answers == ROWS or not rescued.whole)
        assert len(rescued.lost) + len(rescued.missing) + rescued.answers >= ROWS - 10
        assert checked_export(tmp_path / "rescued.jsonl").answers == rescued.answers
        shutil.rmtree(store.parent)
