"""Tables as the page shows them: a caption, a header, rows of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from distill.intervals import p_in_words
from distill.report.facts import Facts, Metrics
from distill.report.summary import teacher_name
from distill.report.wording import NONE, count, interval, percent


@dataclass(frozen=True)
class Table:
    """`rows` have as many cells as `header`; the first cell names the row. `note` stands below."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def results(facts: Facts) -> Table:
    """Everyone who answered the test rows, side by side. Columns of which nobody has a figure are left out."""
    found, level = facts.evaluate, f"{100 * facts.settings.evaluate.confidence:g} %"
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
    for who, key in answerers(facts):
        label, parse = found[key]["label"], found[key].get("parse") or {}
        figures = [_f1(label, "macro_f1"), _f1(label, "word_f1"), percent(parse.get("failure_rate"))]
        figures += [
            percent(label.get("accuracy_when_parsed")),
            _decimal(label.get("calibration_error")),
            count(found[key].get("rows", found["rows"])),
        ]
        rows.append([who, percent(label["accuracy"]), interval(label), *figures])
    kept = [i for i in range(len(header)) if any(row[i] != NONE for row in rows)]
    f1 = ", bootstrap ones of F1" if any("F1" in header[i] for i in kept) else ""
    note = f"Intervals are at {level}: Wilson's of accuracies{f1}. An answer without a readable label counts as wrong."
    return Table("Who is right how often", [header[i] for i in kept], [[row[i] for i in kept] for row in rows], note)


def answerers(facts: Facts) -> list[tuple[str, str]]:
    """(name, key in metrics/evaluate.json) of all that were judged."""
    named = [
        ("student", "student"),
        (f"teacher ({teacher_name(facts)})", "teacher"),
        ("student before training", "untrained"),
        ("commonest label", "majority"),
    ]
    return [(name, key) for name, key in named if (facts.evaluate.get(key) or {}).get("label")]


def pair(facts: Facts) -> Table | None:
    """Student against teacher on the rows that both were asked about, as counts; None where there are none."""
    found = facts.evaluate.get("student_less_teacher")
    if not found:
        return None
    both = [
        (row.student_right, row.teacher_right)
        for row in facts.judged
        if row.gold is not None and row.teacher_status is not None
    ]
    rows = [
        [name, *(count(both.count((student, teacher))) for teacher in (True, False))]
        for name, student in (("student right", True), ("student wrong", False))
    ]
    low, high = (f"{100 * found[key]:+.1f}" for key in ("ci_low", "ci_high"))
    note = (
        f"The student's accuracy less the teacher's: {100 * found['difference']:+.1f} points"
        f" ({100 * facts.settings.evaluate.confidence:g} % interval {low} to {high}; p {p_in_words(found['p_value'])}"
        " by McNemar's exact test)."
    )
    return Table(
        f"Student against teacher on the {count(found['rows'])} rows that both answered",
        ("", "teacher right", "teacher wrong"),
        rows,
        note,
    )


def rationales(facts: Facts) -> Table | None:
    """What rationales are like, the teacher's and the student's own; None where there are none."""
    groups = [
        ("people, train rows" if facts.by_people else "teacher, train rows", facts.annotate.get("train") or {}),
        ("teacher, test rows", facts.annotate.get("test") or {}),
        ("student, test rows", facts.evaluate["student"]),
    ]
    rows = []
    for name, section in groups:
        one = section.get("rationale") or {}
        if one.get("words_mean") is not None:
            middle = NONE if one.get("words_p50") is None else f"{one['words_p50']:g}"
            shares = (
                percent(one.get(key)) for key in ("coverage", "input_overlap", "states_label", "agrees_with_label")
            )
            rows.append([name, f"{one['words_mean']:.1f}", middle, *shares])
    header = (
        "",
        "words, mean",
        "words, median",
        "rows that have one",
        "words from the input",
        "name an answer",
        "and it is the label given",
    )
    kept = [i for i in range(len(header)) if any(row[i] != NONE for row in rows)]
    return (
        Table("What rationales are like", [header[i] for i in kept], [[row[i] for i in kept] for row in rows])
        if rows
        else None
    )


def _f1(label: Metrics, name: str) -> str:
    low, high = label.get(f"{name}_ci_low"), label.get(f"{name}_ci_high")
    return _decimal(label.get(name)) + ("" if low is None or high is None else f" ({low:.3f} to {high:.3f})")


def _decimal(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"
