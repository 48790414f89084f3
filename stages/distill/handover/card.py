"""The model card: README.md of the folder, written from the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from distill.handover import about, standing
from distill.handover.facts import Facts
from distill.handover.markdown import fenced, plain, table
from distill.handover.provenance import Provenance
from distill.handover.usage import Usage
from distill.settings import Settings

# Files that the card names as modified; provenance.json has them all.
_NAMED = 8


def card(facts: Facts, settings: Settings, plan: dict[str, Any], use: Usage, origin: Provenance, size: int) -> str:
    """Markdown with the hub's YAML in front. `size` is bytes of weights; text of users and models cannot break it."""
    name = settings.hand_over.name or f"{facts.task.name}-student"
    sections = [
        f"# {plain(name)}",
        about.opening(facts, settings, size),
        "## How to use it",
        _use(facts, plan, use),
        "## How good it is",
        standing.scores(facts, settings),
        "## Limits",
        standing.limits(facts, settings, plan),
        "## What it was trained on",
        about.data(facts, settings),
        "## The teacher",
        about.teacher(facts, settings),
        "## What it cost",
        about.cost(facts),
        "## How it was trained",
        about.training(facts, settings, plan, origin),
        "## Where it comes from",
        _origin(origin),
    ]
    return (
        f"---\n{_front(facts, settings, use, name)}---\n\n"
        + "\n\n".join(section for section in sections if section)
        + "\n"
    )


def _front(facts: Facts, settings: Settings, use: Usage, name: str) -> str:
    label = facts.metrics["evaluate"]["student"]["label"]
    interval = (
        f"{100 * settings.evaluate.confidence:g} % interval {label['accuracy_ci_low']} to {label['accuracy_ci_high']}"
    )
    metrics = [{"type": "accuracy", "value": label["accuracy"], "name": f"Accuracy ({interval})"}]
    if label.get("macro_f1") is not None:
        metrics.append({"type": "f1", "value": label["macro_f1"], "name": "Macro F1"})
    result = {
        "task": {"type": use.pipeline_tag, "name": _line(facts.task.description)},
        "dataset": {"type": settings.task.hub or settings.task.name, "name": settings.task.name, "split": "test"},
        "metrics": metrics,
    }
    front: dict[str, Any] = {
        "license": settings.hand_over.license or "unknown",
        "library_name": "transformers",
        "pipeline_tag": use.pipeline_tag,
        "tags": ["knowledge-distillation", "step-by-step-distillation", settings.task.name],
        "metrics": [metric["type"] for metric in metrics],
        "model-index": [{"name": _line(name), "results": [result]}],
    }
    if settings.hand_over.language:
        front["language"] = [settings.hand_over.language]
    if settings.student.revision:
        front["base_model"] = settings.student.name
    if settings.task.hub:
        front["datasets"] = [settings.task.hub]
    return yaml.safe_dump(front, sort_keys=True, allow_unicode=True, width=10_000)


def _line(text: str) -> str:
    return " ".join(text.split())


def _use(facts: Facts, plan: dict[str, Any], use: Usage) -> str:
    parts = [
        (
            "Needs `transformers` 5 and `torch`. From the folder that this one lies in; the input is a row of the"
            " training data:"
        ),
        fenced(use.label, "python"),
        f"`label` is {about.answers(facts.task)}. " + about.input_form(plan),
    ]
    if use.rationale:
        parts += [
            "Its own rationale, in a second answer:" if plan["mode"] != "single_task" else "Its own rationale:",
            fenced(use.rationale, "python"),
        ]
    elif plan["mode"] != "standard":
        parts.append(
            "Its rationales are written by a small decoder in `rationale/`, which takes the code of the repository to"
            " run:"
        )
        parts.append(fenced(f'echo "…" | python stages/predict.py --model {Path("data/model")} --explain', "bash"))
    return "\n\n".join(parts)


def _origin(origin: Provenance) -> str:
    more = f" and {len(origin.modified) - _NAMED} more" if len(origin.modified) > _NAMED else ""
    changed = (
        f", modified: {', '.join(plain(path) for path in origin.modified[:_NAMED])}{more}"
        if origin.modified
        else ", unmodified"
    )
    rows = [["Git revision", f"`{origin.revision}`{changed}" if origin.revision else "made outside Git"]]
    if origin.experiment:
        rows.append(["DVC experiment", plain(origin.experiment)])
    rows.append(["lock hash", f"`{origin.lock_sha256}`" if origin.lock_sha256 else "made outside DVC"])
    rows += [[plain(name), f"`{digest}` (SHA-256)"] for name, digest in origin.weights.items()]
    told = (
        "The lock hash is the SHA-256 of the entries in `dvc.lock` of the stages that this folder was made of "
        f"({', '.join(origin.lock_stages)}): their commands, settings, and the hashes of all that they read and wrote. "
        "In the repository, this command says whether a revision's `dvc.lock` is the one:"
    )
    check = [
        told,
        fenced(
            "python stages/hand_over.py --check              # the working tree's\npython stages/hand_over.py --check"
            " REVISION",
            "bash",
        ),
    ]
    return "\n\n".join([table(["what", "which"], rows), *(check if origin.lock_sha256 else [])])
