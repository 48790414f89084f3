"""Whether the gold label can be read off the student's input."""

from __future__ import annotations

import re
from collections.abc import Sequence

from distill.errors import DataError
from distill.rows.records import Example

# Rows that name one class alone, and the share of them whose class is the gold one, from which on it is no chance.
_LEAST_ROWS, _MOST_SHARE = 20, 0.98


def check_leaks(rows: Sequence[Example], classes: Sequence[str]) -> None:
    """Raises DataError where inputs give the gold label away.

    That is so where the input has a line that is the label alone, "label: <label>" included, in most rows;
    or, with classes, where of the rows that name just one of them nearly all name the gold one.
    """
    labelled = [row for row in rows if row.label is not None]
    told = [row for row in labelled if not row.choices and re.search(rf"(?im)^\W*(?:\w+\s*:\s*)?{re.escape(row.label or '')}\W*$", row.input)]
    if len(told) >= _LEAST_ROWS and len(told) > len(labelled) / 2:
        raise DataError(
            f"the input of {len(told)} of {len(labelled)} labelled rows has the gold label on a line of its own ({told[0].id}, for example): "
            "the student would read it off. Take the label out of what the input is made of (task.table.columns or template)"
        )
    patterns = {name: re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE) for name in classes}
    named = [(row, [name for name, pattern in patterns.items() if pattern.search(row.input)]) for row in labelled]
    alone = [(row, names[0]) for row, names in named if len(names) == 1]
    right = sum(name == row.label for row, name in alone)
    if len(alone) >= max(_LEAST_ROWS, len(labelled) / 2) and right > _MOST_SHARE * len(alone):
        raise DataError(
            f"the input of {len(alone)} of {len(labelled)} labelled rows names one class alone, and {right} of them the gold one "
            f"({alone[0][0].id}, for example): the label leaks into the student's input. Take it out of task.table.columns or template"
        )
