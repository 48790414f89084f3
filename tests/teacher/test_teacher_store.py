from __future__ import annotations

import os
import sqlite3
import time
import zlib
from dataclasses import replace

import pytest
from fake_endpoint import completion

from distill.teacher import Usage
from distill.teacher.keys import request_key
from distill.teacher.migrations import MIGRATIONS, migrate
from distill.teacher.reservations import Amount, held_back
from distill.teacher.store import LEASE_S, Answer, Payment, Store, Stored, StoreError, alive, owner

STORED = Stored("yes", "stop", None, "m-1", Usage(10, 4, 5, "reported"), -0.25)
BODY = completion("yes").body


def answer(text: str = "yes", request: bytes = b"{}") -> Answer:
    return Answer(replace(STORED, text=text), "http://e/v1", "m", 0, "explain", "fp-1", 1.0, 2.0, 1, request, BODY)


def one(number: int) -> bytes:
    return request_key("http://e/v1", b"%d" % number, 0)


@pytest.fixture
def store(store_path):
    with Store(store_path) as opened:
        yield opened


def test_what_is_saved_is_found_by_its_key_alone(store):
    assert store.save([(one(number), answer(str(number))) for number in range(1000)]) == 1000
    found = store.lookup([one(number) for number in range(-5, 600)])
    assert set(found) == {one(number) for number in range(600)}
    assert found[one(7)] == replace(STORED, text="7")


def test_a_stored_answer_is_never_replaced(store):
    store.save([(one(1), answer("first"))])
    assert store.save([(one(1), answer("second"))]) == 0
    assert store.lookup([one(1)])[one(1)].text == "first"


def test_a_saved_answer_survives_without_closing(store, store_path):
    store.save([(one(1), answer())])
    with Store(store_path) as other:
        assert len(other) == 1


def test_a_claim_is_granted_once_until_it_is_answered_or_given_up(store):
    assert store.claim([one(1), one(2)]).granted == [one(1), one(2)]
    elsewhere = "elsewhere:1:1"
    store._db.execute("UPDATE claims SET owner = ?", (elsewhere,))
    again = store.claim([one(1), one(2), one(3)])
    assert (again.taken, again.granted) == ([one(1), one(2)], [one(3)])
    store.save([(one(3), answer("three"))], released=[])
    assert store.claim([one(3)]).answered == {one(3): replace(STORED, text="three")}
    assert store.select("SELECT count(*) FROM claims") == [(2,)]


def test_the_claim_of_a_dead_or_silent_owner_is_stale(store):
    store.claim([one(1)])
    store._db.execute("UPDATE claims SET owner = 'elsewhere:1:1'")
    assert store.claim([one(1)], alive=lambda name: True).taken == [one(1)]
    assert store.claim([one(1)], alive=lambda name: name != "elsewhere:1:1").granted == [one(1)]
    store._db.execute("UPDATE claims SET owner = 'elsewhere:1:1', expires = ?", (time.time() - 1,))
    assert store.claim([one(1)], alive=lambda name: True).granted == [one(1)]


def test_renewing_tells_that_work_goes_on(store):
    store.claim([one(1)])
    store._db.execute("UPDATE claims SET expires = 0")
    store.renew()
    [(expires,)] = store.select("SELECT expires FROM claims")
    assert LEASE_S - 5 < expires - time.time() <= LEASE_S


def test_an_owner_is_this_process_and_not_a_later_one_with_its_number():
    host, pid, started = owner().rsplit(":", 2)
    assert alive(owner()) and int(pid) == os.getpid()
    assert not alive(f"{host}:{pid}:{int(started or 0) + 1}")
    assert alive("another host:1:1")


def test_payments_add_up_a_model_from_a_time_on(store):
    cheap = Payment("annotate", "e", False, "m", 2, 20, 8, 10, 36_000_000)
    store.save([], [cheap, replace(cheap, picodollars=None), replace(cheap, simulated=True)])
    [paid] = store.paid(simulated=False, since=0.0)
    assert (paid.calls, paid.tokens_in, paid.tokens_out, paid.picodollars) == (4, 40, 20, 36_000_000)
    assert (paid.unpriced, paid.unpriced_tokens) == (2, (20, 8, 10))
    assert store.paid(simulated=False, since=0.0, after=paid.last) == []
    assert store.paid(simulated=False, since=time.time() + 60) == []


def test_migrations_are_named_and_run_once(store):
    assert [name for (name,) in store.select("SELECT name FROM migrations ORDER BY rowid")] == [
        "answers",
        "claims",
        "payments",
        "batches",
        "reservations",
        "reasoning",
    ]
    migrate(store._db)


def test_a_store_of_a_newer_version_is_refused(store, store_path):
    store._db.execute("INSERT INTO migrations VALUES ('from_the_future')")
    with pytest.raises(StoreError, match=r"newer version.*from_the_future.*update this project"):
        Store(store_path)


def test_a_store_of_an_older_version_is_brought_up_to_date_also_where_it_is_only_read(store_path, monkeypatch):
    older = {name: MIGRATIONS[name] for name in ("answers", "claims", "payments", "batches")}
    with sqlite3.connect(store_path, isolation_level=None) as db, monkeypatch.context() as patch:
        patch.setattr("distill.teacher.migrations.MIGRATIONS", older)
        migrate(db)
        columns = one(1), "yes", "stop", None, "m-1", 10, 4, 5, "reported", -0.25, "live", "http://e/v1", "m", 0
        rest = "explain", "fp-1", 1.0, 2.0, 1, zlib.compress(b"{}"), zlib.compress(BODY)
        db.execute(f"INSERT INTO answers VALUES ({','.join('?' * 21)})", columns + rest)
        db.execute("INSERT INTO payments VALUES (1.0, 's', 'e', 0, 'm', 1, 10, 4, 5, 18000000)")
        db.execute("INSERT INTO claims VALUES (?, ?, 9e9)", (one(2), owner()))
    db.close()
    for read_only in (True, False):
        with Store(store_path, read_only=read_only) as store:
            assert store.lookup([one(1)]) == {one(1): STORED}
            assert store.paid(simulated=False, since=0.0)[0].calls == 1
            assert store.select("SELECT calls, lost FROM payments") == [(1, 0)]
            assert held_back(store, simulated=False) == (Amount(),) * 3


def test_a_half_done_migration_leaves_nothing(monkeypatch):
    def breaks(db):
        db.execute("CREATE TABLE half (x)")
        raise sqlite3.OperationalError("disk full")

    db = sqlite3.connect(":memory:", isolation_level=None)
    monkeypatch.setattr("distill.teacher.migrations.MIGRATIONS", {**MIGRATIONS, "breaks": breaks})
    with pytest.raises(sqlite3.OperationalError):
        migrate(db)
    assert db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_a_damaged_store_is_noticed_and_says_how_to_recover(store_path):
    store_path.write_bytes(b"no database at all, but long enough to look like one" * 40)
    with pytest.raises(
        StoreError,
        match=r"is damaged.*stop all runs; `python stages/store.py export --rescue rescued.jsonl`.*store.py import",
    ):
        Store(store_path)


def test_a_folder_is_no_store(tmp_path):
    with pytest.raises(StoreError, match=r"is a folder, and the response store is a file: DISTILL_STORE=.*\.sqlite$"):
        Store(tmp_path)


def test_a_read_only_store_reads_and_makes_no_file(store, store_path, tmp_path):
    store.save([(one(1), answer())])
    with Store(store_path, read_only=True) as reader:
        assert len(reader) == 1
        with pytest.raises(StoreError, match="readonly"):
            reader.save([(one(2), answer())])
    with pytest.raises(StoreError, match="no response store there"):
        Store(tmp_path / "none.sqlite", read_only=True)
    assert not (tmp_path / "none.sqlite").exists()
