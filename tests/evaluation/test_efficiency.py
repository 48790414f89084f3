from __future__ import annotations

from types import SimpleNamespace

import pytest
from toy_student import CARD, examples, settings, training_rows

from distill.errors import UserError
from distill.evaluation import efficiency
from distill.evaluation.efficiency import measure_cold_start, measure_speed, student_size, usd_per_1000
from distill.student.loading import new_student, save_student
from distill.student.predicting import Student


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("student")
    save_student(new_student(training_rows(), CARD, settings()), place)
    return place


class Clock:
    """Stands in for a student: a batch takes ten milliseconds, and one for each of its rows."""

    now, asked = 0.0, []

    def __init__(self, model, rows_per_batch):
        self.model, self.rows_per_batch = model, rows_per_batch

    def label(self, rows):
        Clock.now += 0.01 + 0.001 * len(rows)
        Clock.asked.append(len(rows))


@pytest.fixture
def clock(monkeypatch):
    Clock.now, Clock.asked = 0.0, []
    monkeypatch.setattr(efficiency, "Student", Clock)
    monkeypatch.setattr(efficiency, "time", SimpleNamespace(perf_counter=lambda: Clock.now))
    return Clock


def test_sizes_are_counted(folder):
    student = Student.load(folder, settings().runtime)
    found = student_size(student, folder)
    assert found["parameters"] == sum(weight.numel() for weight in student.model.parameters()) > 10_000
    assert found["bytes"] == sum(file.stat().st_size for file in folder.iterdir()) > 4 * found["parameters"]


def test_latency_is_of_rows_alone_and_the_best_batch_has_most_rows_a_second(clock):
    found = measure_speed(Clock(None, 100), examples()[:20])
    assert found["rows"] == 20 and found["latency_p50_ms"] == found["latency_p95_ms"] == pytest.approx(11)
    assert clock.asked[:23] == [1] * 23 and set(clock.asked) == {1, 4, 16, 64, 100}
    assert found["best_batch_rows"] == 100 and found["best_batch_rows_per_s"] == pytest.approx(100 / 0.11)


def test_a_slow_student_is_not_measured_for_ever(clock, monkeypatch):
    monkeypatch.setattr(
        Clock,
        "label",
        lambda self, rows: setattr(Clock, "now", Clock.now + 2.0 * len(rows)) or Clock.asked.append(len(rows)),
    )
    found = measure_speed(Clock(None, 256), examples()[:20])
    assert found["rows"] == 3 and set(clock.asked) == {1} and len(clock.asked) == 3 + 3 + 1


def test_dollars_are_the_machines_time():
    assert usd_per_1000(100.0, 3.6) == pytest.approx(0.01)
    assert usd_per_1000(100.0, None) is None


def test_a_cold_start_is_a_process_of_its_own(folder, monkeypatch):
    assert 0.5 < measure_cold_start(folder, examples()[0]) < efficiency._PATIENCE_S
    monkeypatch.setattr(efficiency, "__name__", "distill.nowhere")
    with pytest.raises(UserError, match=r"a new process could not answer one row: .*No module named distill\.nowhere"):
        measure_cold_start(folder, examples()[0])
