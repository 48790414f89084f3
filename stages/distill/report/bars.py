"""The bars beside the student: what models that cost nothing reach on the same rows, and whether they are beaten."""

from __future__ import annotations

from distill.evaluation.verdict import BAR_NAMES, UNLIKE, bar_sentence, few_gold_sentence
from distill.intervals import p_in_words
from distill.report.run import Run
from distill.report.tables import ReportTable
from distill.report.wording import NO_VALUE, as_count, as_interval, as_percent, plural
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
            reasons.append(f"Left out: {BAR_NAMES[name]} ({one_line(bar['reason'], 200)}).")
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


def few_gold_table(run: Run) -> ReportTable | None:
    """Accuracy by the labelled rows alone and with the unlabelled ones; None where those were not counted in."""
    few = run.evaluate.get("few_gold") or {}
    if "rows" not in few:
        return None
    rows = []
    for who in ("student", "teacher"):
        alone, label = run.evaluate[who]["label"], few[who]["label"]
        cells = [as_percent(alone["accuracy"]), as_interval(alone), as_percent(label["accuracy"]), as_interval(label)]
        rows.append([who, *cells, as_count(few[who]["worth_rows"])])
    header = ("", "labelled rows alone", "interval", "with unlabelled rows", "interval", "as if labelled")
    level, guess = f"{100 * run.settings.evaluate.confidence:g} %", few["guess"]
    note = (
        f"Prediction-powered estimates (arXiv 2311.01453) at {level}: {plural(few['rows'], 'labelled test row')} and"
        f" {plural(few['unlabelled_rows'], 'unlabelled train row')}. They hold where the rows to label were drawn at"
        f" random. A regression on words finds the teacher's labels {as_percent(guess['labelled'])} probable on the"
        f" labelled rows and {as_percent(guess['unlabelled'])} on the others (p {p_in_words(guess['p_value'])})"
    )
    doubt = ": these rows are unlike, so trust the labelled rows alone." if guess["p_value"] < UNLIKE else "."
    return ReportTable("Few gold labels, many rows", header, rows, note + doubt)


def bar_paragraph(run: Run) -> str:
    """Whether the student beats the best bar, by McNemar's exact test, or why no bar stands beside it; and why
    unlabelled rows were not counted in, where most are."""
    if "bars" not in run.evaluate:
        return "No bar was measured beside the student, because evaluate.bars is false."
    sentence = bar_sentence(run.evaluate, as_percent)
    tested = " by McNemar's exact test on the same test rows" if "student_less_bar" in run.evaluate else ""
    text = f"{sentence[0].upper()}{sentence[1:]}{tested}."
    if "reason" in (run.evaluate.get("few_gold") or {}) and (few := few_gold_sentence(run.evaluate, as_percent)):
        text += f" {few[0].upper()}{few[1:]}."
    return text
