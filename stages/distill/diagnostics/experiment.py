"""One experiment's diagnostics: its student over a sample of test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from distill import paths
from distill.answers.matching import same_label
from distill.diagnostics.attention import AttentionMeans, attention_measures
from distill.diagnostics.confidence import choice_entropy, distribution, sequence_probability, token_measures
from distill.diagnostics.observing import observe, written_task
from distill.errors import DataError
from distill.evaluation.comparison import WORKSPACE, judged_at
from distill.revisions import commit, out_at
from distill.rows.permutation import seeded_order
from distill.rows.records import Example
from distill.settings.runtime import RuntimeSettings
from distill.student.predicting import Student, candidates, scores

_SEED = 1


def shared_test_rows(revisions: Sequence[str], count: int) -> list[Example]:
    """At most `count` test rows that all of these revisions judged on the same input; the same rows each time.

    Raises DataError where there are none.
    """
    judged = [{row.id: row for row in judged_at(name)} for name in revisions]
    shared = [
        Example(row.id, row.input, {}, row.choices, row.gold)
        for row in judged[0].values()
        if all(row.id in other and other[row.id].input == row.input for other in judged[1:])
    ]
    if not shared:
        raise DataError(
            f"{' and '.join(revisions)} judged no test row in common; do they differ in task.seed or task.test_rows?"
        )
    return sorted(seeded_order(shared, _SEED, "diagnosed rows")[:count], key=lambda row: row.id)


def diagnose_revision(revision: str, rows: Sequence[Example], runtime: RuntimeSettings) -> dict[str, Any]:
    """The student of a revision, or of the WORKSPACE, on these rows. Raises RevisionError where it cannot be had."""
    if revision == WORKSPACE:
        return {"name": revision, "commit": None} | diagnose_student(Student.load(paths.STUDENT, runtime), rows)
    with TemporaryDirectory() as folder:
        student = Student.load(out_at(revision, paths.STUDENT, Path(folder)), runtime)
    return {"name": revision, "commit": commit(revision)} | diagnose_student(student, rows)


def diagnose_student(student: Student, rows: Sequence[Example]) -> dict[str, Any]:
    """What the student is, its attention and its confidence.

    attention: by part of the model, means over the rows by layer and head (see distill.diagnostics.attention).
    confidence: of labels, apart for right and wrong ones where there is a gold label, and of the tokens that it wrote.
    """
    labels = student.label(rows)
    task = written_task(student.model)
    texts = student.explain(rows) if task == "rationale" else [label for label, _ in labels]
    averages: dict[str, AttentionMeans] = {}
    tokens: dict[str, list[float]] = {"probability": [], "entropy": []}
    sequences: list[float] = []
    for row, text in zip(rows, texts, strict=True):
        observation = observe(student.model, row, text)
        for name, (weights, seen) in observation.attention.items():
            measures = attention_measures(weights, seen, own=name != "cross")
            averages.setdefault(name, AttentionMeans()).add(measures)
        if observation.logits is not None and observation.targets is not None:
            by_token = token_measures(observation.logits, observation.targets)
            sequences.append(sequence_probability(by_token["probability"]))
            for name, values in by_token.items():
                tokens[name] += values
    plan = student.model.plan
    return {
        "student": {
            "kind": plan.kind,
            "mode": plan.mode,
            "parameters": sum(parameter.numel() for parameter in student.model.parameters()),
        },
        "rows": len(rows),
        "written": task if sequences else None,
        "attention": {name: average.values() for name, average in averages.items()},
        "confidence": _of_labels(student, rows, labels) | _of_text(tokens, sequences),
    }


def _of_labels(student: Student, rows: Sequence[Example], labels: Sequence[tuple[str, float]]) -> dict[str, Any]:
    plan = student.model.plan
    by_outcome: dict[str, list[float]] = {"right": [], "wrong": [], "unknown": []}
    for row, (label, probability) in zip(rows, labels, strict=True):
        outcome = "unknown"
        if row.label is not None:
            outcome = "right" if same_label(plan.task_kind, row.label, label) else "wrong"
        by_outcome[outcome].append(probability)
    distributions = {f"label_probability_{name}": distribution(values) for name, values in by_outcome.items() if values}
    if not plan.writes_labels:
        logs = scores(student.model, [row.input for row in rows], candidates(rows, plan), student.rows_per_batch)
        distributions["label_entropy"] = distribution([choice_entropy(row) for row in logs])
    return distributions


def _of_text(tokens: Mapping[str, list[float]], sequences: Sequence[float]) -> dict[str, Any]:
    if not sequences:
        return {}
    return {
        "text_probability": distribution(sequences),
        "token_probability": distribution(tokens["probability"]),
        "token_entropy": distribution(tokens["entropy"]),
    }
