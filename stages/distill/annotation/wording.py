"""The prompts of the annotation, made from those of data/prompt.yaml and the settings.

"explain" asks for label and rationale, "label" for the label alone, and "gold" shows the gold label and asks why
it is right (STaR: Zelikman et al. 2022, arXiv 2203.14465; SCOTT: Wang et al. 2023, arXiv 2305.01879).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from distill.answers.choices import with_letter
from distill.rows.records import Example, TaskCard
from distill.settings.annotate import AnnotateSettings
from distill.templates import Template

# The name of the prompt that shows the gold label.
GOLD = "gold"
# The gold label as a prompt shows it; no field of a task has this name.
GOLD_FIELD = "the_gold_label"
_SHOWN_GOLD = f"The right answer is known: {{{GOLD_FIELD}}}. Explain why it is right, as if you had found it yourself."


def annotation_templates(
    templates: Mapping[str, Template], card: TaskCard, settings: AnnotateSettings
) -> dict[str, Template]:
    """ "explain", "label" and "gold", with the wanted length of a rationale and the priming prefix.

    A task card may have a "gold" prompt of its own, which shows {the_gold_label}; else it is made from "explain".
    """
    explain, worded = templates["explain"], dict(templates)
    worded[GOLD] = dataclasses.replace(explain, user=f"{explain.user}\n\n{_SHOWN_GOLD}")
    if GOLD in card.prompts:
        worded[GOLD] = Template(card.prompts[GOLD]["system"], card.prompts[GOLD]["user"])
        worded[GOLD].check((*card.fields, GOLD_FIELD))
    if settings.rationale_words:
        low, high = settings.rationale_words
        for name in ("explain", GOLD):
            text = f"{worded[name].user}\n\nUse {low} to {high} words for the explanation."
            worded[name] = dataclasses.replace(worded[name], user=text)
    return {name: primed(template, settings.priming) for name, template in worded.items()}


def showing_gold(row: Example) -> Example:
    """The row with its gold label among the fields that a prompt may show, and nowhere else."""
    label = with_letter(row.label or "", row.choices)
    return dataclasses.replace(row, fields={**row.fields, GOLD_FIELD: label})


PREFIXES = {
    "none": "",
    "teacher": (
        "You are a teacher. Answer so that a pupil who reads your explanation could solve the next question alone."
    ),
    "audience": (
        "A much smaller language model will be trained on what you write. Answer so that it can learn how to find the"
        " answer."
    ),
    "confidence": (
        "You know this subject well. Be confident: settle on one answer, and state the reasons for it without hedging."
    ),
}


def primed(template: Template, priming: str) -> Template:
    """The template with the prefix of this name before its system message."""
    prefix = PREFIXES[priming]
    if not prefix:
        return template
    return dataclasses.replace(template, system="\n\n".join(part for part in (prefix, template.system) if part.strip()))
