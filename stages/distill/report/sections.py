"""Two sections of the page: the prompts before and after the search, and what it takes to use the student."""

from __future__ import annotations

from distill.report.run import MetricsSection, Run
from distill.report.tables import ReportTable
from distill.report.wording import as_count, as_dollars, as_interval, as_percent, as_size, plural
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
    """Size, and, where this clone measured them, times and prices; None where nothing is known."""
    student, measured = run.evaluate["student"], run.runtime.get("evaluate") or {}
    rows = []
    if student.get("bytes") is not None:
        rows.append(["size", f"{as_size(student['parameters'])} parameters, {student['bytes'] / 1e6:,.1f} MB on disk"])
    if measured.get("latency_p50_ms") is not None:
        rows.append(
            [
                "one row",
                f"{measured['latency_p50_ms']:.1f} ms (median), {measured['latency_p95_ms']:.1f} ms (95th percentile)",
            ]
        )
        speed, batch = as_count(measured["best_batch_rows_per_s"]), as_count(measured["best_batch_rows"])
        rows.append(["many rows", f"{speed} rows a second, {batch} at a time"])
    if measured.get("cold_start_s") is not None:
        rows.append(["first answer", f"{measured['cold_start_s']:.1f} s after the start of a new process"])
    rows += [[f"1,000 rows, {who}", as_dollars(usd)] for who, usd in (measured.get("usd_per_1000") or {}).items()]
    if not rows:
        return None
    note = (
        "Times are of the machine that made this page, for labels alone, and differ from run to run."
        if "latency_p50_ms" in measured
        else ""
    )
    if "usd_per_1000" in measured and measured["usd_per_1000"].get("student") is None:
        note += " The price of the student's computing is unknown, because runtime.compute_usd_per_hour is null."
    return ReportTable("What it takes to use the student", ("", ""), rows, note.strip())
