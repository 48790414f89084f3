"""Free-text answers: what follows the statement of an answer, or all there is."""

from __future__ import annotations

import re

from distill.answers.parsing.folding import squeeze
from distill.answers.parsing.record import NOTHING, Finding

_STATED = re.compile(
    r"(?im)(?:^|(?<=[.!?]\s)|(?<=\.))[ \t*_#>\"']*(?:so |therefore,? |thus,? |hence,? )?(?:the |my )?(?:final |correct"
    r" |best )?"
    r"(?:answer|label|response|output)[ \t]*(?:(?:[*_]*[ \t]*:|[ \t]is:?)[ \t*_]*)"
)
_EXPLAINED = re.compile(r"(?im)^[ \t*_#>]*(?:rationale|explanation|reasoning|reason|justification)[ \t*_]*:")
_BOX = re.compile(r"\\boxed\s*\{([^{}]{1,2000})\}")


def text_answer(text: str, *, expect_rationale: bool) -> Finding:
    """The stated answer; without one, a text of one line, or any where no rationale is due."""
    stated = list(_STATED.finditer(text))
    for match in reversed(stated):
        explained = _EXPLAINED.search(text, match.end())
        blank = re.compile(r"\n[ \t]*\n").search(text, _first_word(text, match.end()))
        end = min(explained.start() if explained else len(text), blank.start() if blank else len(text))
        label = _unquote(text[match.end() : end])
        if label:
            return Finding(label, "stated", (match.start(), end), clear=True)
    boxes = list(_BOX.finditer(text))
    if boxes:
        return Finding(_unquote(boxes[-1][1]), "stated", boxes[-1].span(), clear=True)
    explained = _EXPLAINED.search(text)
    if explained and (label := _unquote(text[: explained.start()])):
        return Finding(label, "bare", (0, explained.start()), clear=True)
    label = _unquote(text)
    if label and not explained and (not expect_rationale or "\n" not in text.strip()):
        return Finding(label, "bare", (0, len(text)))
    return NOTHING


def _first_word(text: str, at: int) -> int:
    return at + len(text[at:]) - len(text[at:].lstrip())


def _unquote(text: str) -> str | None:
    label = squeeze(text).strip("*_` ")
    if len(label) > 1 and label[0] in "\"'“" and label[-1] in "\"'”" and label[0] not in label[1:-1]:
        label = label[1:-1].strip()
    return label or None
