"""A disk that fills up under the store: what is in flight is stored in room that was held for it; the run stops."""

from __future__ import annotations

import os
import sqlite3

import pytest
from fake_endpoint import question

from distill.teacher import TeacherError, open_teacher
from distill.teacher.reserve import AnswersLost, Reserve
from distill.teacher.store import Store, StoreError


@pytest.fixture
def full(monkeypatch):
    """The disk is full from the third commit of answers on, but for the reserve's room, which holds `full.room`."""

    class Disk:
        commits, room, freed = 0, 0, False

        def take(self) -> None:
            self.commits += 1
            if self.commits > 2:
                self.room -= self.freed
                if not self.freed or self.room < 0:
                    raise sqlite3.OperationalError("database or disk is full")

    disk, commit, give_back = Disk(), Store.commit, Reserve.give_back

    def refused(self):
        has_answers = self._db.execute("SELECT count(*) FROM answers").fetchone()[0]
        with self.sound():
            try:
                if has_answers and self._db.total_changes:
                    disk.take()
            except sqlite3.OperationalError:
                self._roll_back()
                raise
        commit(self)

    def freed(self):
        disk.freed = True
        return give_back(self)

    monkeypatch.setattr("distill.teacher.store.Store.commit", refused)
    monkeypatch.setattr("distill.teacher.reserve.Reserve.give_back", freed)
    return disk


def ask(settings, rows=64):
    with open_teacher(settings(concurrency=4), "annotate") as teacher:
        return list(teacher.ask(question(f"row {number:02d}") for number in range(rows)))


def test_what_is_in_flight_as_the_disk_fills_up_is_stored_and_nothing_more_is_asked(
    endpoint, settings, store_path, full, monkeypatch
):
    full.room = 10**6
    with pytest.raises(StoreError, match=r"database or disk is full.*; missing: .*nothing is paid twice"):
        ask(settings)
    with Store(store_path) as store:
        assert 0 < endpoint.total == len(store) < 64
    before = endpoint.total
    monkeypatch.undo()
    monkeypatch.setenv("DISTILL_STORE", str(store_path))
    assert len(ask(settings)) == 64 and endpoint.total == 64 > before


def test_answers_that_find_no_room_at_all_are_counted(endpoint, settings, store_path, full):
    full.room = 0
    with pytest.raises(AnswersLost) as stopped:
        ask(settings)
    with Store(store_path) as store:
        lost = endpoint.total - len(store)
    assert 0 < lost <= 4
    assert f". {lost} answers are paid and could not be stored. " in str(stopped.value)
    assert str(stopped.value).endswith("what is stored is not paid again")


def test_where_the_room_cannot_be_had_nothing_is_asked(endpoint, settings, store_path, largest_file):
    Store(store_path).close()
    with largest_file(2**20), pytest.raises(StoreError, match=r"4 MiB beside it.*File too large.*Nothing was asked"):
        ask(settings)
    assert endpoint.total == 0 and all(name.startswith(store_path.name) for name in os.listdir(store_path.parent))


@pytest.mark.parametrize("kind", ["file", "loop", "long", "folder", "dev"])
def test_a_store_in_a_place_that_cannot_be_is_one_line_before_anything_is_asked(
    endpoint, settings, tmp_path, monkeypatch, kind
):
    (tmp_path / "file").write_text("text")
    (tmp_path / "loop").symlink_to("loop")
    places = {
        "file": tmp_path / "file" / "responses.sqlite",
        "loop": tmp_path / "loop" / "responses.sqlite",
        "long": tmp_path / ("x" * 300) / "responses.sqlite",
        "folder": tmp_path,
        "dev": "/dev/full",
    }
    monkeypatch.setenv("DISTILL_STORE", str(places[kind]))
    with pytest.raises(TeacherError) as refused:
        ask(settings)
    advice = "database or disk is full; check that the folder is writable" if kind == "dev" else "DISTILL_STORE"
    assert str(places[kind]) in str(refused.value) and advice in str(refused.value)
    assert "\n" not in str(refused.value) and endpoint.total == 0
