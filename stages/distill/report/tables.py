"""Tables as the page shows them: a caption, a header, rows of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from distill.intervals import p_in_words
from distill.report.run import MetricsSection, Run
from distill.report.summary import teacher_name
from distill.report.wording import NO_VALUE, as_count, as_interval, as_percent


@dataclass(frozen=True)
class ReportTable:
    """`rows` have as many cells as `header`; the first cell names the row. `note` stands below."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def results_table(run: Run) -> ReportTable:
    """Everyone who answered the test rows, side by side. Columns of which nobody has a figure are left out."""
    evaluation, level = run.evaluate, f"{100 * run.settings.evaluate.confidence:g} %"
    header = (
        "",
        "accuracy",
        f"{level} interval",
        "macro-F1",
        "word F1",
        "no readable label",
        "accuracy where there is one",
        "calibration error",
        "test rows",
    )
    rows = []
    for who, key in answerers(run):
        label, parse = evaluation[key]["label"], evaluation[key].get("parse") or {}
        figures = [_f1(label, "macro_f1"), _f1(label, "word_f1"), as_percent(parse.get("failure_rate"))]
        figures += [
            as_percent(label.get("accuracy_when_parsed")),
            _decimal(label.get("calibration_error")),
            as_count(evaluation[key].get("rows", evaluation["rows"])),
        ]
        rows.append([who, as_percent(label["accuracy"]), as_interval(label), *figures])
    kept = [i for i in range(len(header)) if any(row[i] != NO_VALUE for row in rows)]
    f1 = ", bootstrap ones of F1" if any("F1" in header[i] for i in kept) else ""
    note = f"Intervals are at {level}: Wilson's of accuracies{f1}. An answer without a readable label counts as wrong."
    return ReportTable(
        "Who is right how often", [header[i] for i in kept], [[row[i] for i in kept] for row in rows], note
    )


def answerers(run: Run) -> list[tuple[str, str]]:
    """(name, key in metrics/evaluate.json) of all that were judged."""
    named = [
        ("student", "student"),
        (f"teacher ({teacher_name(run)})", "teacher"),
        ("student before training", "untrained"),
        ("commonest label", "majority"),
    ]
    return [(name, key) for name, key in named if (run.evaluate.get(key) or {}).get("label")]


def pair_table(run: Run) -> ReportTable | None:
    """Student against teacher on the rows that both were asked about, as counts; None where there are none."""
    difference = run.evaluate.get("student_less_teacher")
    if not difference:
        return None
    both = [
        (row.student_right, row.teacher_right)
        for row in run.judged
        if row.gold is not None and row.teacher_status is not None
    ]
    rows = [
        [name, *(as_count(both.count((student, teacher))) for teacher in (True, False))]
        for name, student in (("student right", True), ("student wrong", False))
    ]
    points, low, high = (f"{100 * difference[key]:+.1f}" for key in ("difference", "ci_low", "ci_high"))
    level, p_value = f"{100 * run.settings.evaluate.confidence:g} %", p_in_words(difference["p_value"])
    note = (
        f"The student's accuracy less the teacher's: {points} points ({level} interval {low} to {high};"
        f" p {p_value} by McNemar's exact test)."
    )
    return ReportTable(
        f"Student against teacher on the {as_count(difference['rows'])} rows that both answered",
        ("", "teacher right", "teacher wrong"),
        rows,
        note,
    )


def rationales_table(run: Run) -> ReportTable | None:
    """What rationales are like, the teacher's and the student's own; None where there are none."""
    groups = [
        ("people, train rows" if run.by_people else "teacher, train rows", run.annotate.get("train") or {}),
        ("teacher, test rows", run.annotate.get("test") or {}),
        ("student, test rows", run.evaluate["student"]),
    ]
    rows = []
    for name, section in groups:
        measures = section.get("rationale") or {}
        if measures.get("words_mean") is not None:
            middle = NO_VALUE if measures.get("words_p50") is None else f"{measures['words_p50']:g}"
            keys = ("coverage", "input_overlap", "states_label", "agrees_with_label")
            shares = (as_percent(measures.get(key)) for key in keys)
            rows.append([name, f"{measures['words_mean']:.1f}", middle, *shares])
    header = (
        "",
        "words, mean",
        "words, median",
        "rows that have one",
        "words from the input",
        "state an answer outright",
        "and it is the label given",
    )
    kept = [i for i in range(len(header)) if any(row[i] != NO_VALUE for row in rows)]
    return (
        ReportTable("What rationales are like", [header[i] for i in kept], [[row[i] for i in kept] for row in rows])
        if rows
        else None
    )


def _f1(label: MetricsSection, name: str) -> str:
    low, high = label.get(f"{name}_ci_low"), label.get(f"{name}_ci_high")
    return _decimal(label.get(name)) + ("" if low is None or high is None else f" ({low:.3f} to {high:.3f})")


def _decimal(value: float | None) -> str:
    return NO_VALUE if value is None else f"{value:.3f}"
