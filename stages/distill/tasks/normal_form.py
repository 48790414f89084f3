"""One Unicode normal form for every text of every row: C (NFC), as Unicode Standard Annex 15 defines it.

Answers are read in the same form (distill.answers.parsing), so that a label is what it looks like.
"""

from __future__ import annotations

import dataclasses
import unicodedata

from distill.rows.records import Example

NORMAL_FORM = "NFC"


def normal(text: str) -> str:
    """`text` in the normal form."""
    return unicodedata.normalize(NORMAL_FORM, text)


def is_normal(text: str) -> bool:
    """Whether a text is in the normal form already."""
    return unicodedata.is_normalized(NORMAL_FORM, text)


def normal_example(example: Example) -> Example:
    """The row with all its texts in the normal form; the very row where they are already."""
    texts = [example.id, example.input, example.label, example.rationale, *example.choices, *example.fields.values()]
    if all(is_normal(text) for text in texts if text is not None):
        return example
    return dataclasses.replace(
        example,
        id=normal(example.id),
        input=normal(example.input),
        fields={name: normal(text) for name, text in example.fields.items()},
        choices=tuple(normal(choice) for choice in example.choices),
        label=None if example.label is None else normal(example.label),
        rationale=None if example.rationale is None else normal(example.rationale),
    )
