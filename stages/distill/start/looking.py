"""What a file of rows seems to hold: which column is the label, which are read, and of which kind answers are.

A guess is made where the data speaks, and is shown; where it does not, a person is asked (distill.start.answers).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from distill.answers.matching import same_label
from distill.errors import DataError
from distill.rows.files import other_kind
from distill.tasks.arrow_cells import Cells, column_texts, refused_columns
from distill.tasks.problems import Problems
from distill.tasks.sources import load_hub
from distill.tasks.text_files import TABLE_ENDINGS, column_names, table_format, table_rows

DELIMITERS = (",", ";", "\t", "|")
# Rows that are looked at: enough to see rare labels, few enough for a file of any size.
MOST_ROWS = 20_000
# A column of more different values is no set of classes.
MOST_GUESSED_CLASSES = 50
# By these names, in lower case, columns go by convention.
LABEL_COLUMNS = frozenset(
    ["label", "labels", "gold", "gold_label", "target", "class", "category", "answer", "intent", "sentiment"]
)
# The last word of their name: id, mail_id, "Ticket ID", orderId.
IDS = ("id", "uuid", "guid", "idx", "index")
_LAST_WORD = re.compile(r"[A-Z]?[a-z]+$|[A-Z]+$")
CHOICES = ("choices", "options", "candidates")
RATIONALES = ("rationale", "explanation", "human_rationale")


@dataclass(frozen=True)
class Look:
    """A file's columns and its first rows. `delimiter` is between the cells of a .csv."""

    path: Path
    delimiter: str
    columns: tuple[str, ...]
    rows: tuple[Cells, ...]

    def values(self, column: str) -> list[str]:
        """The column's cells that are not empty."""
        return [text for row in self.rows if (text := (row[column] or "").strip())]

    def labels(self) -> tuple[str, ...]:
        """Columns that may hold the label, the likeliest first: one by its name; one with empty cells, as most rows
        need no label; one of fewer values."""
        named = [column for column in self.columns if column.lower() in LABEL_COLUMNS]
        repeating = [column for column in self.columns if self._repeats(column)]
        filled = max((len(self.values(column)) for column in self.columns), default=0)
        repeating.sort(key=lambda column: (len(self.values(column)) == filled, len(set(self.values(column)))))
        return tuple(dict.fromkeys([*named, *repeating]))

    def id(self) -> str | None:
        """A column of unique ids, by its name. Rows that are empty throughout need none."""
        count = sum(any((text or "").strip() for text in row.values()) for row in self.rows)
        for column in self.columns:
            values = self.values(column)
            if _is_id(column) and len(values) == len(set(values)) == count:
                return column
        return None

    def choices(self) -> str | None:
        """A column of the rows' own answers, by its name."""
        return next((column for column in self.columns if column.lower() in CHOICES), None)

    def rationale(self) -> str | None:
        """A column of people's rationales, by its name."""
        return next((column for column in self.columns if column.lower() in RATIONALES), None)

    def kind(self, label: str | None) -> str | None:
        """Of which kind the answers in `label` are: classes, choices, number or text; None where that is not seen."""
        if self.choices():
            return "choices"
        values = self.values(label) if label else []
        if not values:
            return None
        distinct = set(values)
        if len(distinct) > MOST_GUESSED_CLASSES or len(distinct) > len(values) / 2:
            return "number" if all(same_label("number", value, value) for value in values) else "text"
        return "classes"

    def inputs(self, taken: Sequence[str | None]) -> tuple[str, ...]:
        """The columns that are read: all with text, but those that are `taken` for something else."""
        left = [column for column in self.columns if column not in taken and self.values(column)]
        return tuple(column for column in left if not _is_id(column))

    def _repeats(self, column: str) -> bool:
        values = self.values(column)
        distinct = set(values)
        return 2 <= len(distinct) <= min(MOST_GUESSED_CLASSES, len(values) / 2) and max(map(len, distinct)) <= 60


def look(path: Path) -> Look:
    """Looks at a file's first MOST_ROWS rows. Raises DataError where it is no table or cannot be read."""
    try:
        if not path.is_file():
            raise DataError(f"{path}: no such file")
        style = table_format(path)
        if style is None:
            kind = "; ".join(other_kind(path) or ())
            raise DataError(f"{path}: {kind or f'is no {TABLE_ENDINGS} file'}")
        delimiter = _delimiter(path) if style == "csv" else ","
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    columns = column_names(path, style, delimiter, of_text=True)
    if not columns:
        raise DataError(f"{path}: has no columns")
    problems = Problems(str(path))
    cells = tuple(row for _, row in islice(table_rows(path, style, columns, delimiter, problems), MOST_ROWS))
    problems.raise_any()
    if not cells:
        raise DataError(f"{path}: has no rows")
    return Look(path, delimiter, columns, cells)


def look_at_hub(name: str, configuration: str | None, revision: str) -> Look:
    """Looks at a hub data set's train rows, at its pinned revision. Raises DataError where it cannot be loaded."""
    rows = load_hub(name, configuration, revision, "train")
    schema = rows.features.arrow_schema
    columns = tuple(column for column in rows.column_names if not any(refused_columns(schema, [column])))
    first = rows.with_format("arrow")[: min(MOST_ROWS, len(rows))]
    texts = [
        column_texts(first.column(column).combine_chunks(), getattr(rows.features[column], "names", None))
        for column in columns
    ]
    cells = tuple(dict(zip(columns, row, strict=True)) for row in zip(*texts, strict=True))
    return Look(Path(name), ",", columns, cells)


def _is_id(column: str) -> bool:
    word = _LAST_WORD.search(column)
    return column.lower() == "key" or (word is not None and word[0].lower() in IDS)


def _delimiter(path: Path) -> str:
    """The one of DELIMITERS that is most often in the header."""
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        header = file.readline()
    return max(DELIMITERS, key=header.count)
