"""What proposed prompts are made of: clauses in families, good ones and idle ones.

LABELS stands for the task's labels in running text, QUOTED for the same in quotation marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from distill.teacher.simulated import traits
from distill.teacher.simulated.traits import Reader

# In the order in which a prompt has them; "input" stands where the placeholders are, and "other" holds what
# belongs to no family.
FAMILIES = ("role", "other", "labels", "facts", "reasoning", "explaining", "care", "length", "commitment", "format")

CLAUSES: dict[str, tuple[str, ...]] = {
    "role": (
        "You are an expert with sound general knowledge.",
        "You are a helpful assistant.",
        "Act as a patient teacher who explains an answer to a pupil.",
        "You write training data from which a smaller model will learn.",
        "You will be shown one item at a time.",
    ),
    "labels": (
        "Choose exactly one of QUOTED.",
        "The only allowed answers are LABELS.",
        "Decide between LABELS.",
        "The answer is a single class.",
    ),
    "reasoning": (
        "Think step by step before you answer.",
        "First explain your reasoning, then give the answer.",
        "Reason it through, and only then decide.",
        "Work it out as you like.",
        "Trust your first impression.",
    ),
    "explaining": (
        "Always explain your answer, even when it seems obvious.",
        "Give a reason for your answer; never leave it out.",
        "Explain why.",
        "Add an explanation if you find it useful.",
    ),
    "care": (
        "Be careful and precise, and double-check the result before you answer.",
        "Check that your answer agrees with your explanation.",
        "Take your time and do not guess.",
        "Good luck.",
    ),
    "length": (
        "Write one short sentence of at most 25 words.",
        "Use 15 to 30 words for the explanation.",
        "Keep it brief.",
        "Be concise.",
        "Answer in as much detail as you can.",
    ),
    "commitment": (
        "Always commit to one answer, even if you are unsure.",
        "Never hedge.",
        "Be confident.",
        "Mention your doubts.",
    ),
    "format": (
        'End your answer with exactly "So the answer is X.", where X is one of QUOTED.',
        'On the last line write "Answer: X", where X is LABELS, and nothing after it.',
        'Finish with "The answer is X."',
        'Close with "So the answer is" and your choice.',
        "State your answer clearly.",
    ),
}

_SENTENCE = re.compile(r"(?<=[.!?:])\s+|\n+")
_PLACEHOLDER = re.compile(r"\{[A-Za-z_]\w*\}")


def bank(facts: Sequence[str], labels: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """All clauses of a task with these ways of asking for its facts."""
    running, quoted = _listed(labels), _listed([f'"{label}"' for label in labels])
    clauses_by_family = {
        family: tuple(clause.replace("LABELS", running).replace("QUOTED", quoted) for clause in clauses)
        for family, clauses in CLAUSES.items()
    }
    return clauses_by_family | {"facts": tuple(facts)}


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def prompt_sentences(prompt: str) -> list[str]:
    """The sentences of a prompt that hold no placeholder."""
    parts = (part.strip() for part in _SENTENCE.split(prompt))
    return [part for part in parts if len(part.split()) > 1 and not _PLACEHOLDER.search(part)]


def family(sentence: str, reader: Reader) -> str:
    """The family that a sentence belongs to: the first that it fits."""
    if traits.closing(sentence) or (traits.STRICT_FORMAT.search(sentence) and not traits.EXPLAIN.search(sentence)):
        return "format"
    if reader.facts(sentence):
        return "facts"
    checks = (
        ("length", (traits.NUMBERED_BRIEF, traits.SOFT_BRIEF, traits.WORDY)),
        ("role", (traits.ROLE, traits.AUDIENCE)),
        ("care", (traits.CARE, traits.CHECK)),
        ("commitment", (traits.COMMIT,)),
        ("reasoning", (traits.REASON_FIRST,)),
        ("explaining", (traits.EXPLAIN, traits.ALWAYS)),
    )
    for name, patterns in checks:
        if any(pattern.search(sentence) for pattern in patterns):
            return name
    return "labels" if reader.lists_labels(sentence) or traits.FORCED_CHOICE.search(sentence) else "other"
