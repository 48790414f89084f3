"""The card's sections on what the model is: task, data, teacher, cost and training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distill.handover.facts import Facts
from distill.handover.markdown import fenced, plain, share, table
from distill.handover.provenance import Provenance
from distill.rows.records import TaskCard
from distill.settings import Settings

_ANSWERS = {"choices": "one of the row's own answers", "number": "a number", "text": "a text"}


def answers(task: TaskCard) -> str:
    """What the model answers with."""
    return " or ".join(plain(name) for name in task.classes) if task.classes else _ANSWERS[task.kind]


def simulated(facts: Facts) -> bool:
    return "simulated" in facts.metrics["annotate"]["teacher"]


def opening(facts: Facts, settings: Settings, size: int) -> str:
    train = facts.metrics["train"]
    text = (
        f"{plain(facts.task.description)} The answer is {answers(facts.task)}. A model of {train['parameters']:,}"
        f" parameters ({size / 1e6:,.1f} MB), distilled from {plain(facts.metrics['annotate']['teacher'])}."
    )
    if simulated(facts):
        text += (
            "\n\n**The teacher of this run was simulated: no LLM was asked.** Its figures tell about the pipeline that"
            " made this model, not about any LLM."
        )
    return text


def input_form(plan: Mapping[str, Any]) -> str:
    cut = f"Inputs longer than {plan['max_input_tokens']} tokens are cut"
    if plan["kind"] == "decoder_only":
        cut = (
            f"It was trained on inputs of at most {plan['max_input_tokens']} tokens; the mark behind the input belongs"
            " to the prompt"
        )
    return f"The input must look as in training, prefix included where there is one. {cut}."


def data(facts: Facts, settings: Settings) -> str:
    task, prepared = settings.task, facts.metrics["prepare"]
    source = f"{plain(task.hub)} at revision {plain(task.revision)}" if task.hub else plain(task.path)
    rows = [
        [
            split,
            f"{prepared[split]['rows']:,}",
            share(prepared[split]["labelled"] / prepared[split]["rows"]) if prepared[split]["rows"] else "none",
        ]
        for split in ("train", "validation", "test")
    ]
    kept = facts.metrics["subsample"]
    labels = {
        "teacher": "the teacher's",
        "gold": "gold",
        "gold_else_teacher": "gold where there are any, else the teacher's",
    }[settings.subsample.labels]
    text = (
        f"Task `{plain(task.name)}`, read from {source}.\n\n"
        + table(["split", "rows", "with a gold label"], rows)
        + f"\n\nTrained on {kept['rows']['trained_on']:,} of the train rows; their labels are {labels}. "
        f"{share(kept['rationale']['coverage'])} of them have a rationale."
    )
    if settings.subsample.rationales == "shuffled":
        text += (
            " **As a control, each rationale went to another row than its own**: this model is for comparison alone."
        )
    return text


def teacher(facts: Facts, settings: Settings) -> str:
    asked, annotated = settings.teacher, facts.metrics["annotate"]
    returned = ", ".join(
        f"{plain(name) or 'no name'} ({count:,} answers)" for name, count in sorted(facts.returned.items())
    )
    train = annotated["train"]
    facts_of = [
        ["reported as", plain(annotated["teacher"])],
        ["asked for", f"{plain(asked.model)}, provider {asked.provider}, {plain(asked.base_url or 'default address')}"],
        ["returned", returned or "nothing: the rationales are people's"],
        ["sampling", f"temperature {asked.temperature:g}, top\\_p {asked.top_p:g}, at most {asked.max_tokens} tokens"],
    ]
    if train["rows"] and "parse" in train:
        facts_of.append(["answers without a label", share(train["parse"]["failure_rate"])])
        facts_of.append(["answers with a rationale", share(train["rationale"]["coverage"])])
    found = {True: "The prompt, as the search found it or a person wrote it", False: "The prompts"}[
        len(facts.asked) < 2
    ]
    shown = []
    for kind, template in facts.prompts.items():
        if facts.asked.get(kind):
            system = f"System message:\n\n{fenced(template.system)}\n\n" if template.system else ""
            shown.append(f"{system}Asked of {facts.asked[kind]:,} train rows:\n\n{fenced(template.user)}")
    return "\n\n".join([table(["teacher", ""], facts_of), *([f"{found}:", *shown] if shown else [])])


def cost(facts: Facts) -> str:
    costs = facts.metrics["evaluate"]["cost"]
    rows = []
    for part, name in (
        ("search", "search for the prompt"),
        ("annotation", "answers to the train rows"),
        ("total", "together"),
    ):
        spent = costs[part]
        usd = "unknown: no price" if spent["usd"] is None else f"${spent['usd']:,.4f}"
        rows.append([name, usd, _count(spent["calls"]), _count(spent["tokens_in"]), _count(spent["tokens_out"])])
    return "As if cold: what all of these answers cost, whether or not they were paid for again.\n\n" + table(
        ["", "US dollars", "calls", "tokens in", "tokens out"], rows
    )


def training(facts: Facts, settings: Settings, plan: Mapping[str, Any], origin: Provenance) -> str:
    train, student, found = settings.train, settings.student, facts.metrics["train"]
    begun = (
        "from scratch"
        if student.name == "scratch"
        else f"from {plain(student.name)}" + (f" at revision {plain(student.revision)}" if student.revision else "")
    )
    mode = {
        "standard": "labels alone",
        "step_by_step": "labels and rationales as two tasks",
        "single_task": "rationale and label as one answer",
    }[train.mode]
    rows = [
        ["begun", begun],
        ["trained on", mode],
        ["kind", plan["kind"].replace("_", "-")],
        [
            "steps",
            (
                f"{found['steps']:,} of {train.batch_rows} rows; the weights of step {found['best_step']:,} were the"
                " best on the validation rows"
            ),
        ],
        ["learning rate", f"{train.learning_rate:g}"],
        ["validation accuracy", share(found["label"]["validation_accuracy"])],
        [
            "students trained",
            f"{found['seeds']['count']}, of which {found['seeds']['failures']} failed to learn; the median one is this",
        ],
        ["made with", ", ".join(f"{name} {version}" for name, version in origin.packages.items())],
    ]
    return table(["", ""], rows) + "\n\nEvery other setting stands in `params.yaml` at the revision below."


def _count(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"
