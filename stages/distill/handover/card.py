"""The model card: README.md of the folder, written from the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from distill.handover import sections
from distill.handover.markdown import escaped, fenced, markdown_table
from distill.handover.provenance import Provenance
from distill.handover.results import RunResults
from distill.handover.usage import UsageExample
from distill.settings import Settings
from distill.student.plan import StudentPlan

# Files that the card names as modified; provenance.json has them all.
_MOST_NAMED = 8


def model_card(
    results: RunResults, settings: Settings, plan: StudentPlan, usage: UsageExample, origin: Provenance, size: int
) -> str:
    """Markdown with the hub's YAML in front. `size` is bytes of weights. Text of users and models cannot break it."""
    name = settings.hand_over.name or f"{results.task.name}-student"
    parts = [
        f"# {escaped(name)}",
        sections.opening(results, size),
        "## How to use it",
        _usage_section(results, plan, usage),
        "## How good it is",
        sections.scores_section(results, settings),
        "## Limits",
        sections.limits_section(results, settings, plan),
        "## What it was trained on",
        sections.data_section(results, settings),
        "## The teacher",
        sections.teacher_section(results, settings),
        "## What it cost",
        sections.cost_section(results),
        "## How it was trained",
        sections.training_section(results, settings, plan, origin),
        "## Where it comes from",
        _origin_section(origin),
    ]
    return f"---\n{_front_matter(results, settings, plan, name)}---\n\n" + "\n\n".join(filter(None, parts)) + "\n"


def _front_matter(results: RunResults, settings: Settings, plan: StudentPlan, name: str) -> str:
    label = results.metrics["evaluate"]["student"]["label"]
    interval = (
        f"{100 * settings.evaluate.confidence:g} % interval {label['accuracy_ci_low']} to {label['accuracy_ci_high']}"
    )
    metrics = [{"type": "accuracy", "value": label["accuracy"], "name": f"Accuracy ({interval})"}]
    if label.get("macro_f1") is not None:
        metrics.append({"type": "f1", "value": label["macro_f1"], "name": "Macro F1"})
    result = {
        "task": {"type": plan.form.pipeline_tag, "name": _line(results.task.description)},
        "dataset": {"type": settings.task.hub or settings.task.name, "name": settings.task.name, "split": "test"},
        "metrics": metrics,
    }
    front: dict[str, Any] = {
        "license": settings.hand_over.license or "unknown",
        "library_name": "transformers",
        "pipeline_tag": plan.form.pipeline_tag,
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


def _usage_section(results: RunResults, plan: StudentPlan, usage: UsageExample) -> str:
    parts = [
        "Needs `transformers` 5 and `torch`. Run it from the folder that contains this one; the input is a row of the"
        " training data:",
        fenced(usage.label, "python"),
        f"`label` is {sections.answer_form(results.task)}. {sections.input_form(plan)}",
    ]
    if usage.rationale:
        parts.append("Its own rationale:" if plan.single_answer else "Its own rationale, in a second answer:")
        parts.append(fenced(usage.rationale, "python"))
    elif plan.explains:
        parts.append(
            "Its rationales are written by a small decoder in `rationale/`, which needs the code of the repository:"
        )
        parts.append(fenced(f'echo "…" | python stages/predict.py --model {Path("data/model")} --explain', "bash"))
    return "\n\n".join(parts)


def _origin_section(origin: Provenance) -> str:
    changed = ", unmodified"
    if origin.modified:
        more = f" and {len(origin.modified) - _MOST_NAMED} more" if len(origin.modified) > _MOST_NAMED else ""
        changed = f", modified: {', '.join(escaped(path) for path in origin.modified[:_MOST_NAMED])}{more}"
    rows = [["Git revision", f"`{origin.revision}`{changed}" if origin.revision else "made outside Git"]]
    if origin.experiment:
        rows.append(["DVC experiment", escaped(origin.experiment)])
    rows.append(["lock hash", f"`{origin.lock_sha256}`" if origin.lock_sha256 else "made outside DVC"])
    rows += [[escaped(name), f"`{digest}` (SHA-256)"] for name, digest in origin.weights.items()]
    parts = [markdown_table(["what", "which"], rows)]
    if origin.lock_sha256:
        parts.append(
            "The lock hash is the SHA-256 of the entries in `dvc.lock` of the stages that this folder was made of"
            f" ({', '.join(origin.lock_stages)}): their commands, settings, and the hashes of all that they read and"
            " wrote. In the repository, this command checks whether the `dvc.lock` of a revision is the same:"
        )
        parts.append(
            fenced(
                "python stages/hand_over.py --check              # the working tree's\n"
                "python stages/hand_over.py --check REVISION",
                "bash",
            )
        )
    return "\n\n".join(parts)
