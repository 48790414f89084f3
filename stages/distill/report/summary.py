"""What was done, in three sentences, for a reader who has never seen the project."""

from __future__ import annotations

from distill.report.facts import Facts
from distill.report.wording import count, dollars, interval, parameters, percent, plural, short


def three_sentences(facts: Facts) -> list[str]:
    """Who taught, who learned, and how well and at what price."""
    return [_taught(facts), _learned(facts), _judged(facts)]


def teacher_name(facts: Facts) -> str:
    """The teacher as it was asked for, and whether it is one at all."""
    name = short(facts.settings.teacher.model, 60)
    return f"{name}, simulated" if facts.simulated else name


def _taught(facts: Facts) -> str:
    train = facts.annotate.get("train") or {}
    rows, task = train.get("rows", 0), short(facts.card.description, 200).rstrip(".")
    if facts.by_people:
        return f"People labelled {plural(rows, 'example')} of one task (“{task}”) and wrote down their reasons."
    model = short(facts.settings.teacher.model, 60)
    who = "A simulated stand-in for a large language model" if facts.simulated else f"A large language model ({model})"
    how = "had already labelled" if facts.recorded else "labelled"
    explained = (train.get("rationale") or {}).get("coverage")
    reasons = f", and gave its reasons for {percent(explained)} of them" if explained else ""
    return f"{who}, the teacher, {how} {plural(rows, 'example')} of one task (“{task}”){reasons}."


def _learned(facts: Facts) -> str:
    name = facts.settings.student.name
    start = "untrained before" if name == "scratch" else f"trained before as {short(name, 80)}"
    labels = {
        "gold": "the examples' own labels",
        "gold_else_teacher": "the examples' own labels, or the teacher's where there is none",
    }
    source = "their labels" if facts.by_people else labels.get(facts.settings.subsample.labels, "the teacher's labels")
    rows = count(facts.train.get("rows", (facts.subsample.get("rows") or {}).get("trained_on")))
    student = (
        f"A small model, the student ({parameters(facts.train['parameters'])} parameters, {start}), was trained on"
        f" {rows} of these examples"
    )
    if not facts.explains:
        return f"{student}, with {source} alone."
    coverage = facts.train["rationale"]["coverage"]
    reasons = (
        "the reasons" if facts.settings.subsample.rationales == "own" else "the reasons of other examples, as a control"
    )
    return f"{student}, with {source} and, for {percent(coverage)} of them, {reasons}."


def _judged(facts: Facts) -> str:
    found = facts.evaluate
    level = f"{100 * facts.settings.evaluate.confidence:g}\N{NO-BREAK SPACE}%"
    student = found["student"]["label"]
    parts = [f"the student is right in {percent(student['accuracy'])} ({level} interval {interval(student)})"]
    teacher = found.get("teacher") or {}
    if teacher.get("label"):
        on = "" if teacher["rows"] == found["rows"] else f" of the {count(teacher['rows'])} that it was asked about"
        parts.append(f"the teacher in {percent(teacher['label']['accuracy'])}{on}")
    if "majority" in found:
        parts.append(f"always giving the commonest label in {percent(found['majority']['label']['accuracy'])}")
    said = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    if not facts.asked:
        return (
            f"On {plural(found['rows'], 'test example')} that neither training nor tuning saw, {said}; no teacher was"
            " asked, so no answer was paid for."
        )
    usd = found["cost"]["total"]["usd"]
    price = (
        "what the teacher's answers cost is unknown"
        if usd is None
        else f"the teacher's answers, with the search for the prompt, cost {dollars(usd)}"
    )
    if usd is not None and facts.simulated:
        price += " at made-up prices"
    return f"On {plural(found['rows'], 'test example')} that neither training nor tuning saw, {said}; {price}."
