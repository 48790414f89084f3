"""What was done, in three sentences, for a reader who has never seen the project."""

from __future__ import annotations

from distill.report.limits import shares_rows
from distill.report.run import Run
from distill.report.wording import as_count, as_dollars, as_interval, as_percent, as_size, plural
from distill.visible import one_line

_REASONS = {
    "own": "the reasons",
    "shuffled": "the reasons of other examples, as a control",
    "same_label": "the reasons of other examples with the same label, as a control",
    "other_label": "the reasons of examples with another label, as a control",
    "word_order": "the words of the reasons in a random order, as a control",
    "codes": "the reasons in codes without a meaning, as a control",
    "conclusion": "the conclusions of the reasons, as a control",
}


def three_sentences(run: Run) -> list[str]:
    """Who taught, who learned, and how well and at what price."""
    return [_taught(run), _learned(run), _judged(run)]


def teacher_name(run: Run) -> str:
    """The teacher as it was asked for, and whether it is one at all."""
    name = one_line(run.settings.teacher.model, 60)
    return f"{name}, simulated" if run.simulated else name


def _taught(run: Run) -> str:
    train = run.annotate.get("train") or {}
    rows, task = train.get("rows", 0), one_line(run.card.description, 200).rstrip(".")
    if run.by_people:
        return f"People labelled {plural(rows, 'example')} of one task (“{task}”) and wrote down their reasons."
    model = one_line(run.settings.teacher.model, 60)
    who = "A simulated stand-in for a large language model" if run.simulated else f"A large language model ({model})"
    how = "had already labelled" if run.recorded else "labelled"
    explained = (train.get("rationale") or {}).get("coverage")
    reasons = f", and gave its reasons for {as_percent(explained)} of them" if explained else ""
    return f"{who}, the teacher, {how} {plural(rows, 'example')} of one task (“{task}”){reasons}."


def _learned(run: Run) -> str:
    name = run.settings.student.name
    start = "untrained before" if name == "scratch" else f"trained before as {one_line(name, 80)}"
    labels = {
        "gold": "the examples' own labels",
        "gold_else_teacher": "the examples' own labels, or the teacher's where there is none",
    }
    source = "their labels" if run.by_people else labels.get(run.settings.subsample.labels, "the teacher's labels")
    rows = as_count(run.train.get("rows", (run.subsample.get("rows") or {}).get("trained_on")))
    student = (
        f"A small model, the student ({as_size(run.train['parameters'])} parameters, {start}), was trained on"
        f" {rows} of these examples"
    )
    if not run.explains:
        return f"{student}, with {source} alone."
    coverage = run.train["rationale"]["coverage"]
    reasons = _REASONS[run.settings.subsample.rationales]
    return f"{student}, with {source} and, for {as_percent(coverage)} of them, {reasons}."


def _judged(run: Run) -> str:
    evaluation = run.evaluate
    level = f"{100 * run.settings.evaluate.confidence:g}\N{NO-BREAK SPACE}%"
    student = evaluation["student"]["label"]
    parts = [f"the student is right in {as_percent(student['accuracy'])} ({level} interval {as_interval(student)})"]
    teacher = evaluation.get("teacher") or {}
    if teacher.get("label"):
        on = "" if teacher["rows"] == evaluation["rows"] else f" of the {as_count(teacher['rows'])} that it answered"
        parts.append(f"the teacher in {as_percent(teacher['label']['accuracy'])}{on}")
    if "majority" in evaluation:
        parts.append(f"always giving the commonest label in {as_percent(evaluation['majority']['label']['accuracy'])}")
    in_words = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    unseen = "(some like training rows: see Limits)" if shares_rows(run) else "that neither training nor tuning saw"
    on_rows = f"On {plural(evaluation['rows'], 'test example')} {unseen}"
    if not run.has_teacher:
        return f"{on_rows}, {in_words}; no teacher was asked, so no answer was paid for."
    usd = evaluation["cost"]["total"]["usd"]
    price = (
        "what the teacher's answers cost is unknown"
        if usd is None
        else f"the teacher's answers to training examples, with the search for the prompt, cost {as_dollars(usd)}"
    )
    if usd is not None and run.simulated:
        price += " at made-up prices"
    return f"{on_rows}, {in_words}; {price}."
