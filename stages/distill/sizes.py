"""How many rows `auto` stands for, by the number of rows that have a label; and how many tokens a text has, roughly.

Labels are what people pay for with their time, and three uses share them. Test comes first: two fifths of the labelled
rows, as the interval of the final accuracy is what a reader asks for; at MOST_TEST it is 5 points wide. Validation
chooses weights and the cascade's threshold: one fifth. The rest stays in train, for the prompt search, which scores
candidates on one third of it and confirms the winner on the other two, as the held-out comparison decides.
"""

from __future__ import annotations

from typing import Literal

from distill.intervals import wilson

AUTO: Literal["auto"] = "auto"
MOST_TEST, MOST_VALIDATION = 1000, 500
MOST_SEARCH, MOST_HELD_OUT = 60, 200
# Of English under the vocabularies of T5 and of GPT models, roughly; a small vocabulary of one's own has more.
BYTES_A_TOKEN = 4
# The accuracy for which an interval is shown before there is any.
SUPPOSED = 0.8


def auto_test_rows(labelled: int) -> int:
    """Rows of the test split, of so many labelled ones."""
    return min(MOST_TEST, max(1, round(0.4 * labelled)))


def auto_validation_rows(labelled: int) -> int:
    """Rows of the validation split, of so many labelled ones."""
    return min(MOST_VALIDATION, max(1, round(0.2 * labelled)))


def search_sizes(search: int | Literal["auto"], held_out: int | Literal["auto"], labelled: int) -> tuple[int, int]:
    """(search rows, held-out rows) of the prompt search, of so many labelled train rows; each at least 1."""
    if search == AUTO:
        left = labelled if held_out == AUTO else 3 * (labelled - held_out)
        search = min(MOST_SEARCH, max(1, round(left / 3)))
    if held_out == AUTO:
        held_out = min(MOST_HELD_OUT, max(1, labelled - search))
    return search, held_out


def supposed_interval(rows: int) -> tuple[float, float]:
    """Wilson's 95 % interval of an accuracy of SUPPOSED that is measured on so many rows."""
    return wilson(round(SUPPOSED * rows), rows)


def auto_in_words(setting: str, rows: int, labelled: int) -> str:
    """What `auto` came to, and what can be measured on so few or so many rows."""
    low, high = supposed_interval(rows)
    return (
        f"{setting} is auto: {rows:,} of {labelled:,} labelled rows; an accuracy of {SUPPOSED:.0%} measured on them has"
        f" a 95 % interval of {100 * low:.0f} to {100 * high:.0f} %"
    )


def estimate_tokens(text: str) -> int:
    """Tokens of a text, at BYTES_A_TOKEN UTF-8 bytes each, rounded up."""
    return -(-len(text.encode()) // BYTES_A_TOKEN)
