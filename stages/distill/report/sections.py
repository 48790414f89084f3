"""Two sections of the page: the prompts before and after the search, and what it takes to use the student."""

from __future__ import annotations

from distill.report.run import MetricsSection, Run
from distill.report.tables import ReportTable
from distill.report.wording import as_interval, as_percent, as_size, plural
from distill.visible import visible


def prompt_texts(run: Run) -> list[tuple[str, str, str]]:
    """(what it is, its text, its held-out score in words or nothing): the prompt that is used and, where a search
    replaced it, first the one that it started from."""
    used = run.prompts["explain"]
    text = "\n\n".join(part for part in (used.system, used.user) if part)
    first = run.trace[0]["prompt"] if run.trace else None
    started, won = (run.search.get(key) for key in ("hand_written", "winner"))
    if first is None or first == used.user:
        if run.recorded:
            return [
                (
                    "The task's prompt",
                    visible(text),
                    (
                        "It asks for a label and a rationale. The recorded answers come from elsewhere and may be to"
                        " another prompt."
                    ),
                )
            ]
        return [
            (
                "The prompt that asks for a rationale",
                visible(text),
                _held_out(won) if run.has_teacher else "No teacher answered it in this run.",
            )
        ]
    return [
        ("The prompt it started from", visible(first), _held_out(started)),
        ("The prompt it ended with", visible(text), _held_out(won)),
    ]


def _held_out(score: MetricsSection | None) -> str:
    if not score:
        return ""
    label, readable = score["label"], 1 - score["parse"]["failure_rate"]
    return (
        f"On {plural(score['rows'], 'held-out row')}: score {score['score']:.3f}; {as_percent(label['accuracy'])} right"
        f" ({as_interval(label)}); {as_percent(readable)} with a readable label,"
        f" {as_percent(score['rationale']['coverage'])} with a rationale."
    )


def usage_table(run: Run) -> ReportTable | None:
    """The student's size; None where it is unknown. Times are of a machine and its hour: no fact of a run."""
    student = run.evaluate["student"]
    if student.get("bytes") is None:
        return None
    size = f"{as_size(student['parameters'])} parameters, {student['bytes'] / 1e6:,.1f} MB on disk"
    note = (
        "Milliseconds a row, rows a second and their price are of the machine on which the student was judged, and "
        "stand in its metrics/runtime.json."
    )
    return ReportTable("What it takes to use the student", ("", ""), [["size", size]], note)
