"""Two sections of the page: the prompts that the search went from and came to, and what the student takes to use."""

from __future__ import annotations

from distill.report.facts import Facts, Metrics
from distill.report.tables import Table
from distill.report.wording import count, dollars, interval, parameters, percent, plural, shown


def prompts(facts: Facts) -> list[tuple[str, str, str]]:
    """(what it is, its text, its held-out score in words or nothing): the prompt that is used and, where a search
    replaced it, first the one that it started from."""
    used = facts.prompts["explain"]
    text = "\n\n".join(part for part in (used.system, used.user) if part)
    first = facts.trace[0]["prompt"] if facts.trace else None
    started, won = (facts.search.get(key) for key in ("hand_written", "winner"))
    if first is None or first == used.user:
        if facts.recorded:
            return [
                (
                    "The task's prompt",
                    shown(text),
                    (
                        "It asks for a label and a rationale. The recorded answers were given elsewhere, and need not"
                        " be answers to it."
                    ),
                )
            ]
        return [
            (
                "The prompt that asks for a rationale",
                shown(text),
                _held_out(won) if facts.asked else "Nobody was asked with it in this run.",
            )
        ]
    return [
        ("The prompt it started from", shown(first), _held_out(started)),
        ("The prompt it ended with", shown(text), _held_out(won)),
    ]


def _held_out(found: Metrics | None) -> str:
    if not found:
        return ""
    said = (
        f"On {plural(found['rows'], 'held-out row')}: score {found['score']:.3f}; {percent(found['label']['accuracy'])}"
        f" right ({interval(found['label'])})"
    )
    return (
        f"{said}; {percent(1 - found['parse']['failure_rate'])} with a readable label,"
        f" {percent(found['rationale']['coverage'])} with a rationale."
    )


def use(facts: Facts) -> Table | None:
    """Size, and, where this clone measured them, times and prices; None where nothing is known."""
    student, measured = facts.evaluate["student"], facts.runtime.get("evaluate") or {}
    rows = []
    if student.get("bytes") is not None:
        rows.append(
            ["size", f"{parameters(student['parameters'])} parameters, {student['bytes'] / 1e6:,.1f} MB on disk"]
        )
    if measured.get("latency_p50_ms") is not None:
        rows.append(
            [
                "one row",
                f"{measured['latency_p50_ms']:.1f} ms (median), {measured['latency_p95_ms']:.1f} ms (95th percentile)",
            ]
        )
        rows.append(
            [
                "many rows",
                (
                    f"{count(measured['best_batch_rows_per_s'])} rows a second, {count(measured['best_batch_rows'])} at"
                    " a time"
                ),
            ]
        )
    if measured.get("cold_start_s") is not None:
        rows.append(["first answer", f"{measured['cold_start_s']:.1f} s after the start of a new process"])
    rows += [[f"1,000 rows, {who}", dollars(usd)] for who, usd in (measured.get("usd_per_1000") or {}).items()]
    if not rows:
        return None
    note = (
        "Times are of the machine that made this page, for labels alone, and differ from run to run."
        if "latency_p50_ms" in measured
        else ""
    )
    if "usd_per_1000" in measured and measured["usd_per_1000"].get("student") is None:
        note += (
            " What the student's own computing costs is unknown until runtime.compute_usd_per_hour says what its"
            " machine costs."
        )
    return Table("What it takes to use the student", ("", ""), rows, note.strip())
