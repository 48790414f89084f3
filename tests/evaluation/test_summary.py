from __future__ import annotations

from distill.evaluation.summary import summary


def label(accuracy, low, high, parsed=None):
    return {
        "accuracy": accuracy,
        "accuracy_ci_low": low,
        "accuracy_ci_high": high,
        "accuracy_when_parsed": parsed or accuracy,
    }


FOUND = {
    "rows": 4,
    "student": {"label": label(0.75, 0.301, 0.954), "parse": {"failure_rate": 0.0}},
    "teacher": {"label": label(0.5, 0.095, 0.905, 0.667), "parse": {"failure_rate": 0.25}, "name": "m, simulated"},
    "majority": {"label": label(0.75, 0.301, 0.954)},
    "cascade": {"threshold": None, "reason": "the teacher was asked about no row"},
    "cost": {"total": {"usd": None}},
}


def test_it_names_who_answered_and_what_is_unknown():
    lines = summary(FOUND, {}).splitlines()
    assert lines[1] == "student         75.0%   30.1% to 95.4%"
    assert (
        lines[2]
        == "teacher         50.0%   9.5% to 90.5% (m, simulated; 25.0% could not be parsed, 66.7% of the rest right)"
    )
    assert (
        lines[3].startswith("majority class  75.0%")
        and lines[4] == "cascade         none: the teacher was asked about no row"
    )
    assert lines[5].startswith("4 labelled test rows leave wide intervals")
    assert lines[-1].endswith("cost unknown (no price or no token counts) as if cold")


def test_narrow_intervals_are_not_remarked_on():
    found = {"rows": 600, "student": {"label": label(0.75, 0.71, 0.78)}, "cost": {"total": {"usd": 0.12345}}}
    assert summary(found, {}).splitlines()[1:] == [
        "student         75.0%   71.0% to 78.0%",
        "the teacher's answers to train and prompt search cost $0.1235 as if cold",
    ]


def test_a_cascade_says_what_it_sends_and_what_that_costs():
    cascade = {"label": label(0.9, 0.88, 0.92), "threshold": 0.75, "sent": 0.2, "usd_per_1000": 0.025}
    line = (
        "cascade         90.0%   88.0% to 92.0% (the teacher is asked where the student is less than 0.750 sure: 20.0% "
        "of the rows, "
    )
    assert summary(FOUND | {"cascade": cascade}, {}).splitlines()[4] == line + "$0.025 per 1,000)"
    assert (
        summary(FOUND | {"cascade": cascade | {"usd_per_1000": None}}, {}).splitlines()[4]
        == line + "at an unknown price per 1,000)"
    )


def test_the_untrained_student_stands_beside_the_trained_or_the_reason_why_not():
    assert (
        "untrained       40.0%   30.0% to 50.0%"
        in summary(FOUND | {"untrained": {"label": label(0.4, 0.3, 0.5)}}, {}).splitlines()
    )
    reason = summary(FOUND | {"untrained": {"label": None, "reason": "no network"}}, {})
    assert "the untrained student could not be made again: no network" in reason


def test_what_the_student_takes_is_one_line():
    student = FOUND["student"] | {"parameters": 267136, "bytes": 1234567}
    measured = {
        "cold_start_s": 4.21, "latency_p50_ms": 3.14, "latency_p95_ms": 5.0, "best_batch_rows": 256,
        "best_batch_rows_per_s": 5365.3, "usd_per_1000": {"student": None, "teacher": 0.124293, "cascade": None},
    }  # fmt: skip
    assert (
        "student: 267,136 parameters, 1.2 MB; a row in 3.1 ms (p95 5.0), 5,365 rows/s in batches of 256, 4.2 s from a "
        "cold start; "
        "per 1,000 rows at an unknown price, the teacher $0.1243"
    ) in summary(FOUND | {"student": student}, measured).splitlines()
