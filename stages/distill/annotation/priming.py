"""Prefixes that the teacher alone sees, before its system message.

After response priming (Goyal et al. 2024, arXiv 2412.17846), in our own wording. What they call "ground truth" is
`audience` here: it never shows the gold answer, which annotate.show_gold does.
"""

from __future__ import annotations

import dataclasses

from distill.templates import Template

PREFIXES = {
    "none": "",
    "teacher": "You are a teacher. Answer so that a pupil who reads your explanation could solve the next question alone.",
    "audience": "A much smaller language model will be trained on what you write. Answer so that it can learn how to find the answer.",
    "confidence": "You know this subject well. Be confident: settle on one answer, and state the reasons for it without hedging.",
}


def primed(template: Template, priming: str) -> Template:
    """The template with the prefix of this name before its system message."""
    prefix = PREFIXES[priming]
    if not prefix:
        return template
    return dataclasses.replace(template, system="\n\n".join(part for part in (prefix, template.system) if part.strip()))
