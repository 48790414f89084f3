"""The bars beside the student: what models that cost nothing reach on the same rows, and whether they are beaten."""

from __future__ import annotations

from distill.evaluation.verdict import BAR_NAMES, bar_sentence
from distill.report.run import Run
from distill.report.tables import ReportTable
from distill.report.wording import NO_VALUE, as_count, as_interval, as_percent
from distill.visible import one_line


def bars_table(run: Run) -> ReportTable | None:
    """Each bar with its accuracy, the best one marked; None where no bar was made."""
    bars = run.evaluate.get("bars") or {}
    rows, reasons = [], []
    for name in BAR_NAMES:
        bar = bars.get(name)
        if not bar:
            continue
        who = BAR_NAMES[name] + (" (best on validation rows)" if name == bars["best"] else "")
        if bar["label"] is None:
            reasons.append(f"{BAR_NAMES[name]}: {one_line(bar['reason'], 200)}.")
            rows.append([who, *[NO_VALUE] * 4])
            continue
        label, validation = bar["label"], bar["validation"]["label"]["accuracy"]
        trained_on = as_count(bar["training_rows"])
        rows.append([who, as_percent(label["accuracy"]), as_interval(label), as_percent(validation), trained_on])
    if not rows:
        return None
    level = f"{100 * run.settings.evaluate.confidence:g} %"
    header = ("", "accuracy", f"{level} interval", "on validation rows", "trained on rows")
    note = (
        "They are trained in seconds, on the student's training rows and labels where nothing else is said. Their"
        " settings, and which of them is the best, are chosen on the validation rows."
    )
    return ReportTable("What costs nothing, on the same rows", header, rows, " ".join([note, *reasons]))


def bar_paragraph(run: Run) -> str:
    """Whether the student beats the best bar, by McNemar's exact test, or why no bar stands beside it."""
    if "bars" not in run.evaluate:
        return "No bar was measured beside the student, because evaluate.bars is false."
    sentence = bar_sentence(run.evaluate, as_percent)
    tested = " by McNemar's exact test on the same test rows" if "student_less_bar" in run.evaluate else ""
    return f"{sentence[0].upper()}{sentence[1:]}{tested}."
