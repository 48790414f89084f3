from __future__ import annotations

from distill.evaluation.summary import evaluation_summary


def label(accuracy, low, high, parsed=None):
    return {
        "accuracy": accuracy,
        "accuracy_ci_low": low,
        "accuracy_ci_high": high,
        "accuracy_when_parsed": parsed or accuracy,
    }


METRICS = {
    "rows": 4,
    "student": {"label": label(0.75, 0.301, 0.954), "parse": {"failure_rate": 0.0}},
    "teacher": {"label": label(0.5, 0.095, 0.905, 0.667), "parse": {"failure_rate": 0.25}, "name": "m, simulated"},
    "majority": {"label": label(0.75, 0.301, 0.954)},
    "cascade": {"threshold": None, "reason": "the teacher answered no row"},
    "cost": {"total": {"usd": None}},
}


def test_it_names_who_answered_and_what_is_unknown():
    lines = evaluation_summary(METRICS, {}).splitlines()
    assert lines[1:] == [
        "student         75.0%   30.1% to 95.4%",
        "teacher         50.0%   9.5% to 90.5% (m, simulated; 25.0% could not be parsed, 66.7% of the rest right)",
        "majority class  75.0%   30.1% to 95.4%",
        "cascade         none: the teacher answered no row",
        "the test has only 4 labelled rows; more (task.test_rows) narrow the intervals",
        "the student cannot be told from an answer that is always the largest class: it has not learned the task; more"
        " rationales, rows or steps may teach it, or another train.seed",
        "the teacher's answers to train rows and prompt search cost as if cold: unknown (no price or no token counts)",
    ]


def test_an_answerer_whose_every_answer_is_unreadable_has_no_share_of_the_rest():
    teacher = {"label": label(0.0, 0.0, 0.49), "parse": {"failure_rate": 1.0}}
    line = evaluation_summary(METRICS | {"teacher": teacher}, {}).splitlines()[2]
    assert line == "teacher         0.0%    0.0% to 49.0% (none could be parsed)"


def test_a_student_above_the_largest_class_has_learned():
    metrics = METRICS | {"majority": {"label": label(0.3, 0.1, 0.5)}}
    assert "has not learned" not in evaluation_summary(metrics, {})


def test_narrow_intervals_are_not_remarked_on():
    metrics = {"rows": 600, "student": {"label": label(0.75, 0.71, 0.78)}, "cost": {"total": {"usd": 0.12345}}}
    assert evaluation_summary(metrics, {}).splitlines()[1:] == [
        "student         75.0%   71.0% to 78.0%",
        "the teacher's answers to train rows and prompt search cost as if cold: $0.1235",
    ]


def test_a_cascade_says_what_it_sends_and_what_that_costs():
    cascade = {"label": label(0.9, 0.88, 0.92), "threshold": 0.75, "sent": 0.2, "usd_per_1000": 0.025}
    line = (
        "cascade         90.0%   88.0% to 92.0% (rows on which the student's confidence is below 0.750 go to the"
        " teacher: 20.0% of the rows, "
    )
    assert evaluation_summary(METRICS | {"cascade": cascade}, {}).splitlines()[4] == line + "$0.025 per 1,000 rows)"
    unpriced = METRICS | {"cascade": cascade | {"usd_per_1000": None}}
    assert evaluation_summary(unpriced, {}).splitlines()[4] == line + "unknown per 1,000 rows)"


def test_the_untrained_student_stands_beside_the_trained_or_the_reason_why_not():
    untrained = METRICS | {"untrained": {"label": label(0.4, 0.3, 0.5)}}
    assert "untrained       40.0%   30.0% to 50.0%" in evaluation_summary(untrained, {}).splitlines()
    reason = evaluation_summary(METRICS | {"untrained": {"label": None, "reason": "no network"}}, {})
    assert "the untrained student could not be made again: no network" in reason


def test_size_speed_and_price_of_the_student_are_two_lines():
    student = METRICS["student"] | {"parameters": 267136, "bytes": 1234567}
    measured = {
        "cold_start_s": 4.21, "latency_p50_ms": 3.14, "latency_p95_ms": 5.0, "best_batch_rows": 256,
        "best_batch_rows_per_s": 5365.3, "usd_per_1000": {"student": None, "teacher": 0.124293, "cascade": None},
    }  # fmt: skip
    lines = evaluation_summary(METRICS | {"student": student}, measured).splitlines()
    assert (
        "student: 267,136 parameters, 1.2 MB; one row takes 3.1 ms (95th percentile 5.0 ms); batches of 256 rows:"
        " 5,365 rows/s; a new process answers after 4.2 s"
    ) in lines
    assert "price of 1,000 rows: student unknown, teacher $0.1243" in lines


def test_the_best_bar_stands_beside_the_student_and_a_line_says_who_is_better():
    bars = {
        "bars": {"best": "logistic_regression", "logistic_regression": {"label": label(0.5, 0.15, 0.85)}},
        "student_less_bar": {"verdict": "not_told_apart", "p_value": 1.0},
    }
    lines = evaluation_summary(METRICS | bars, {}).splitlines()
    assert lines[4] == "best bar        50.0%   15.0% to 85.0% (TF-IDF with logistic regression)"
    assert "the student is not told apart from TF-IDF with logistic regression (75.0% against 50.0%, p = 1)" in lines
    none = METRICS | {"bars": {"best": None, "reason": "no bar gives answers of the kind text"}}
    assert (
        "no bar stands beside the student: no bar gives answers of the kind text"
        in evaluation_summary(none, {}).splitlines()
    )
