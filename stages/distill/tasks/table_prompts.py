"""The hand-written prompts of a table: one pair a kind of answer, made of the description and the columns."""

from __future__ import annotations

from collections.abc import Sequence

from distill.templates import Template

_EXPLAIN = {
    "classes": (
        "Choose one of: {classes}. Explain in one or two sentences, from what is said above, which of them fits best. "
        'Then end with "So the answer is X.", where X is one of: {classes}.'
    ),
    "choices": (
        "Explain in one or two sentences which choice fits best and why. "
        'Then end with "So the answer is (x) choice.", with the letter and the text of your choice.'
    ),
    "number": 'Work it out in a few short sentences. Then end with "So the answer is N.", where N is a number without its unit.',
    "text": 'Explain in one or two sentences how you find the answer. Then end with a line of its own: "Answer: ", and the answer alone.',
}
_LABEL = {
    "classes": "Answer with one of these and nothing else: {classes}.",
    "choices": "Answer with the letter and the text of the best choice, and nothing else.",
    "number": "Answer with a number and nothing else.",
    "text": "Give the answer alone and nothing else.",
}


def table_prompts(kind: str, description: str, shown: str, classes: Sequence[str], *, choices: bool, context: bool) -> tuple[Template, Template]:
    """(explain, label only). `shown` is a template that shows the row; all else is taken as it stands.

    Retrieved context comes before the question (KAPING: Baek et al. 2023, arXiv 2306.04136).
    """
    row = ("Context: {context}\n\n" if context else "") + shown + ("\n\nAnswer choices:\n{choices}" if choices else "")
    names = ", ".join(_literal(name) for name in classes)
    return tuple(  # type: ignore[return-value]
        Template("", f"{_literal(description.strip())}\n\n{row}\n\n{asks[kind].replace('{classes}', names)}") for asks in (_EXPLAIN, _LABEL)
    )


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
