from __future__ import annotations

from fake_endpoint import Said, completion, question

from distill.teacher import open_teacher
from distill.teacher.drift import agreement, ask_again, drift_report

ROWS = [question(f"row {number}") for number in range(4)]


def again(settings, draw=7, rows=ROWS):
    with open_teacher(settings, "drift") as teacher:
        return sorted(ask_again(teacher, rows, draw), key=lambda pair: pair.row_id), teacher.bill


def test_stored_rows_are_paid_again_and_compared(endpoint, settings):
    with open_teacher(settings(), "annotate") as teacher:
        list(teacher.ask(ROWS[:3]))
    newer = completion("Answer: no").body.replace(b"fake-2026-01-01", b"fake-2026-02-02")
    endpoint.answer = lambda body, times: Said(newer) if body["messages"][0]["content"] == "row 1" else completion()
    pairs, bill = again(settings())
    assert [(pair.row_id, pair.before.text, pair.after.text) for pair in pairs] == [
        ("row 0", "Answer: yes", "Answer: yes"), ("row 1", "Answer: yes", "Answer: no"),
        ("row 2", "Answer: yes", "Answer: yes")
    ]  # fmt: skip
    assert bill.paid.calls == 3 and endpoint.total == 6
    found = agreement(pairs, [("yes", "yes"), ("yes", "no"), ("yes", None)])
    assert found == {
        "rows": 3, "label_agreement": 0.5, "labels_compared": 2, "text_agreement": 2 / 3,
        "word_overlap": (1 + 1 / 3 + 1) / 3,
        "models_before": {"fake-2026-01-01": 3}, "models_after": {"fake-2026-01-01": 2, "fake-2026-02-02": 1},
    }  # fmt: skip
    assert drift_report(found).splitlines() == [
        "3 stored rows asked again: 66.7% the same text, 77.8% of the words shared",
        "label: 50.0% the same of 2",
        "warning: the server's name for the model was fake-2026-01-01 and is fake-2026-01-01, fake-2026-02-02",
    ]


def test_a_check_overwrites_nothing_and_is_not_paid_twice(endpoint, settings):
    with open_teacher(settings(), "annotate") as teacher:
        before = {reply.row_id: reply.text for reply in teacher.ask(ROWS)}
    endpoint.answer = lambda body, times: completion("changed")
    again(settings())
    _, bill = again(settings())
    assert bill.paid.calls == 0 and endpoint.total == 8
    with open_teacher(settings(), "annotate") as teacher:
        assert {reply.row_id: reply.text for reply in teacher.ask(ROWS)} == before
    assert again(settings(), draw=8)[1].paid.calls == 4


def test_nothing_stored_is_nothing_asked(endpoint, settings):
    pairs, _ = again(settings())
    assert pairs == [] and endpoint.total == 0
    assert drift_report(agreement(pairs, [])) == "no row of this prompt and teacher is stored; run annotate first"
