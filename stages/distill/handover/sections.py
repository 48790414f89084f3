"""The sections of the model card: what the model is, how good it is, its limits, and how it came about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from distill.handover.markdown import counted_or_unknown, escaped, fenced, markdown_table, percentage
from distill.handover.provenance import Provenance
from distill.handover.results import RunResults
from distill.intervals import p_in_words
from distill.rows.records import TaskCard
from distill.settings import Settings
from distill.settings.teacher import TeacherSettings
from distill.student.plan import DECODER_ONLY, ENCODER, StudentPlan

_ANSWER_FORMS = {"choices": "one of the row's own answers", "number": "a number", "text": "a text"}
_LABEL_SOURCES = {
    "teacher": "the teacher's",
    "gold": "gold",
    "gold_else_teacher": "gold where there are any, else the teacher's",
}
_MODES = {
    "standard": "labels alone",
    "step_by_step": "labels and rationales as two tasks",
    "single_task": "rationale and label as one answer",
}
# By the names of metrics/evaluate.json.
_JUDGED = (
    ("student", "this model"),
    ("teacher", "its teacher"),
    ("majority", "the largest class"),
    ("untrained", "the student, untrained"),
)
# By the names of metrics/evaluate.json, section cost.
_COSTS = (("search", "search for the prompt"), ("annotation", "answers to the train rows"), ("total", "together"))
_WIDE = 0.1  # an interval wider than this says little


def answer_form(task: TaskCard) -> str:
    """What the model answers with."""
    return " or ".join(escaped(name) for name in task.classes) if task.classes else _ANSWER_FORMS[task.kind]


def opening(results: RunResults, size: int) -> str:
    """The card's first paragraph. `size` is bytes of weights."""
    text = (
        f"{escaped(results.task.description)} The answer is {answer_form(results.task)}. A model of"
        f" {results.metrics['train']['parameters']:,} parameters ({size / 1e6:,.1f} MB), distilled from"
        f" {escaped(results.metrics['annotate']['teacher'])}."
    )
    if results.teacher_is_simulated:
        text += (
            "\n\n**The teacher of this run was simulated: no LLM was asked.** Its figures tell about the pipeline that"
            " made this model, not about any LLM."
        )
    return text


def input_form(plan: StudentPlan) -> str:
    cut = f"Inputs longer than {plan.max_input_tokens} tokens are cut"
    if plan.kind == DECODER_ONLY:
        cut = (
            f"It was trained on inputs of at most {plan.max_input_tokens} tokens; the mark behind the input belongs"
            " to the prompt"
        )
    return f"The input must look as in training, prefix included where there is one. {cut}."


def _test_rows(prepared: Mapping[str, Any]) -> str:
    """What is so of the test rows: rows that given splits share (task.overlap) are said."""
    duplicates = prepared.get("duplicates", {})
    overlap = duplicates.get("overlap") or {
        "rule": "allow",
        "train": duplicates.get("across_splits", 0),
        "validation": 0,
    }
    train, validation = overlap["train"], overlap["validation"]
    clean = "On test rows that nothing was trained or chosen on"
    if not train + validation:
        return clean
    rows = f"{train:,} rows of train and {validation:,} of validation, equal or nearly equal to rows of a later split,"
    if overlap["rule"] == "drop_from_train":
        return f"{clean}, as {rows} were left out"
    return f"**The splits were given and share rows:** {rows} were used all the same, so that these figures flatter"


def scores_section(results: RunResults, settings: Settings) -> str:
    """Accuracies beside those of others, and the figures of each class."""
    metrics = results.metrics["evaluate"]
    rows = []
    for key, name in _JUDGED:
        label = metrics.get(key, {}).get("label")
        if label:
            macro = percentage(label["macro_f1"]) if label.get("macro_f1") is not None else ""
            count = metrics[key].get("rows", metrics["rows"])
            rows.append([name, percentage(label["accuracy"]), _interval(label), macro, f"{count:,}"])
    cascade = metrics.get("cascade", {})
    if cascade.get("threshold") is not None:
        label = cascade["label"]
        name = (
            f"this model, and its teacher where the label's probability is below {cascade['threshold']:.3f}"
            f" ({percentage(cascade['sent'])} of rows)"
        )
        rows.append([name, percentage(label["accuracy"]), _interval(label), "", f"{cascade['rows']:,}"])
    head = ["", "accuracy", f"{100 * settings.evaluate.confidence:g} % interval", "macro F1", "test rows"]
    text = f"{markdown_table(head, rows)}\n\n{_test_rows(results.metrics['prepare'])}; Wilson intervals."
    gap = metrics.get("student_less_teacher")
    if gap:
        least, most = _points(gap["ci_low"]), _points(gap["ci_high"])
        text += (
            f" Student less teacher, on the same rows: {_points(gap['difference'])} points ({least} to {most};"
            f" McNemar's exact test p {p_in_words(gap['p_value'])})."
        )
    classes = metrics["student"]["label"].get("class")
    if classes:
        rows = [
            [escaped(name), percentage(scores["recall"]), percentage(scores["precision"]), f"{scores['rows']:,}"]
            for name, scores in classes.items()
        ]
        head = ["class", "found (recall)", "right where predicted (precision)", "test rows"]
        text += "\n\n" + markdown_table(head, rows)
    return text


def limits_section(results: RunResults, settings: Settings, plan: StudentPlan) -> str:
    """What the model cannot do, and what its figures do not say."""
    metrics, train = results.metrics["evaluate"], results.metrics["train"]
    label = metrics["student"]["label"]
    limits = [
        "It does this one task, for inputs like those it was trained on. For anything else it answers all the same, and"
        " nothing in its answer tells the difference.",
        f"About {percentage(1 - label['accuracy'])} of its answers to test rows are wrong.",
    ]
    if results.teacher_is_simulated:
        limits.append(
            "Its teacher was simulated, so it learnt no language model's knowledge. Do not use it for more than a look"
            " at the pipeline."
        )
    elif settings.subsample.labels != "gold":
        limits.append(
            "It learnt from the teacher's answers, wrong ones included, and repeats the teacher's errors and biases."
        )
    width = label["accuracy_ci_high"] - label["accuracy_ci_low"]
    if width > _WIDE:
        limits.append(
            f"It was judged on {metrics['rows']:,} rows alone: the interval above is {100 * width:.0f} points wide."
        )
    if train["seeds"]["count"] < 3:
        limits.append(
            "Students that differ only in their seeds differ in accuracy, and this is one of"
            f" {train['seeds']['count']}: the interval counts rows, not seeds."
        )
    if plan.explains:
        limits.append(
            "A rationale is text that it learnt to write beside a label. It is no account of how the label came about,"
            " and may contradict it."
        )
    error = label.get("calibration_error")
    if error is not None:
        limits.append(
            f"The probability of a label is off by {100 * error:.1f} points on average on test rows (expected"
            " calibration error); `stages/predict.py` shows it, the lines above do not."
        )
    cut = train["truncated"].get("input", 0)
    if cut:
        limits.append(f"{cut:,} training inputs were longer than it reads, and were cut.")
    if plan.kind != ENCODER:
        limits.append(
            "The lines above write an answer token by token; the figures are of predictions that score every possible"
            " answer as a whole, where those are known. The two differ where an answer is ambiguous at its first"
            " tokens."
        )
    return "\n".join(f"- {limit}" for limit in limits)


_CONTROLS = {
    "shuffled": "each rationale went to another row than its own",
    "same_label": "each rationale went to another row of the same label",
    "other_label": "each rationale is that of a row with another label",
    "word_order": "the words of each rationale stand in a random order",
    "codes": "each rationale was replaced by codes without a meaning, one a word",
    "conclusion": "of each rationale the conclusion alone was kept",
}


def data_section(results: RunResults, settings: Settings) -> str:
    task, prepared, subsample = settings.task, results.metrics["prepare"], results.metrics["subsample"]
    source = f"{escaped(task.hub)} at revision {escaped(task.revision)}" if task.hub else escaped(task.path)
    rows = []
    for split in ("train", "validation", "test"):
        count, labelled = prepared[split]["rows"], prepared[split]["labelled"]
        rows.append([split, f"{count:,}", percentage(labelled / count) if count else "none"])
    text = (
        f"Task `{escaped(task.name)}`, read from {source}.\n\n"
        + markdown_table(["split", "rows", "with a gold label"], rows)
        + f"\n\nTrained on {subsample['rows']['trained_on']:,} of the train rows; their labels are"
        f" {_LABEL_SOURCES[settings.subsample.labels]}. {percentage(subsample['rationale']['coverage'])} of them have a"
        " rationale."
    )
    if control := _CONTROLS.get(settings.subsample.rationales):
        text += f" **As a control, {control}**: this model is for comparison alone."
    return text


def teacher_section(results: RunResults, settings: Settings) -> str:
    """Which teacher answered, how, and to which prompts."""
    teacher, annotated = settings.teacher, results.metrics["annotate"]
    models = ", ".join(
        f"{escaped(name) or 'no name'} ({count:,} answers)" for name, count in sorted(results.returned_models.items())
    )
    address = escaped(teacher.endpoint_name or ", ".join(teacher.addresses) or "default address")
    if teacher.provider == "local":
        address = f"GGUF file with SHA-256 {teacher.local.sha256}"
    rows = [
        ["reported as", escaped(annotated["teacher"])],
        ["requested model", f"{escaped(teacher.model)}, provider {teacher.provider}, {address}"],
        ["returned model", models or "none: the rationales are people's"],
        ["sampling", _sampling(teacher)],
    ]
    train = annotated["train"]
    if train["rows"] and "parse" in train:
        rows.append(["answers without a label", percentage(train["parse"]["failure_rate"])])
        rows.append(["answers with a rationale", percentage(train["rationale"]["coverage"])])
    parts = [markdown_table(["teacher", ""], rows)]
    used = {name: template for name, template in results.prompts.items() if results.prompt_uses.get(name)}
    if used:
        several = len(results.prompt_uses) > 1
        parts.append("The prompts:" if several else "The prompt, from the search or written by a person:")
    for name, template in used.items():
        system = f"System message:\n\n{fenced(template.system)}\n\n" if template.system else ""
        parts.append(f"{system}Asked of {results.prompt_uses[name]:,} train rows:\n\n{fenced(template.user)}")
    return "\n\n".join(parts)


def _sampling(teacher: TeacherSettings) -> str:
    """How the answers were drawn; what was not sent is the server's default."""
    parts = [
        f"{escaped(name)} {value:g}" if value is not None else f"{escaped(name)} not sent"
        for name, value in (("temperature", teacher.temperature), ("top_p", teacher.top_p))
    ]
    parts.append(f"at most {teacher.max_tokens} tokens")
    if teacher.reasoning_effort:
        parts.append(f"reasoning effort {teacher.reasoning_effort}")
    if teacher.extra:
        parts.append(f"and {escaped(json.dumps(teacher.extra, ensure_ascii=False))}")
    return ", ".join(parts)


def cost_section(results: RunResults) -> str:
    costs = results.metrics["evaluate"]["cost"]
    rows = []
    for part, name in _COSTS:
        cost = costs[part]
        usd = "unknown: no price" if cost["usd"] is None else f"${cost['usd']:,.4f}"
        rows.append([name, usd, *(counted_or_unknown(cost[key]) for key in ("calls", "tokens_in", "tokens_out"))])
    return "As if cold: what all of these answers cost, whether or not they were paid for again.\n\n" + markdown_table(
        ["", "US dollars", "calls", "tokens in", "tokens out"], rows
    )


def training_section(results: RunResults, settings: Settings, plan: StudentPlan, origin: Provenance) -> str:
    train, student, metrics = settings.train, settings.student, results.metrics["train"]
    start = "scratch" if student.name == "scratch" else escaped(student.name)
    if student.revision:
        start += f" at revision {escaped(student.revision)}"
    steps = (
        f"{metrics['steps']:,} of {train.batch_rows} rows; the weights of step {metrics['best_step']:,} were the best"
        " on the validation rows"
    )
    seeds = metrics["seeds"]
    rows = [
        ["started from", start],
        ["trained on", _MODES[train.mode]],
        ["kind", plan.kind.replace("_", "-")],
        ["steps", steps],
        ["learning rate", f"{train.learning_rate:g}"],
        ["validation accuracy", percentage(metrics["label"]["validation_accuracy"])],
        ["students trained", f"{seeds['count']}, of which {seeds['failures']} failed to learn; the median one is this"],
        ["made with", ", ".join(f"{name} {version}" for name, version in origin.packages.items())],
    ]
    return markdown_table(["", ""], rows) + "\n\nEvery other setting stands in `params.yaml` at the revision below."


def _points(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")


def _interval(label: Mapping[str, Any]) -> str:
    return f"{100 * label['accuracy_ci_low']:.1f} to {100 * label['accuracy_ci_high']:.1f} %"
